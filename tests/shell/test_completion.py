"""The tab key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxmagic.completion import _complete


@pytest.fixture
def tab(models):
    """What is offered at the end of a text, best first."""
    models.run("zebra = 1\nnet = torch.nn.Sequential()\nnet.body = Net()\n_hidden = net")

    def complete(text):
        from IPython.core.completer import provisionalcompleter

        with provisionalcompleter():
            found = list(models.shell.Completer.completions(text, len(text)))
        return [text[: c.start] + c.text for c in found]

    return complete


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%onnx_export model(x) --op", ["--opset"]),
        ("%onnx_export model(x) --no-pr", ["--no-prove"]),
        ("e = %onnx_export model(x) --tr", ["--train", "--traceback"]),
        ("%onnx_export --as", ["--as"]),
        ("%%onnx_export --ke", ["--keep-source", "--keep"]),
        ("%onnx_export model(x) --show ", ["auto", "html", "widget", "text"]),
        ("%onnx_export model(x) --show w", ["widget"]),
        ("%onnx_export model(x) --fail-on=n", ["never"]),
        ("%onnx_export ne", ["net"]),
        ("%onnx_export ", ["model", "net", "Net"]),
        ("e = %onnx_export ", ["model", "net", "Net"]),
        ("%onnx_export -o a.onnx --opset 20 mod", ["model"]),
        ("%onnx_export zeb", ["zebra"]),
        ("%onnx_export net.", ["net.body", "net.forward"]),
        ("%onnx_export net.body.enc", ["net.body.encoder"]),
        ("%onnx_check --ex", ["--executor", "--explain"]),
        ("%%onnx_export ", ["model", "net"]),
        ("%%onnx_export -o a.onnx mod", ["model"]),
        ("%%onnx_export net.", ["net.body"]),
        ("%%onnx_export zeb", ["zebra"]),
        ("%%onnx_export model --ke", ["--keep-source", "--keep"]),
        ("%onnx_export model --li", ["--like"]),
    ],
)
def test_offers(tab, text, offered):
    stem = text[: max(text.rfind(" "), text.rfind("=")) + 1]
    assert tab(text) == [stem + word for word in offered]


def test_models_come_before_other_names(tab, models):
    models.run("mean, mnist_model, mClass = 1, model, Net")
    assert tab("%onnx_export m") == [f"%onnx_export {name}" for name in ("mnist_model", "model", "mClass", "mean")]


def test_a_second_line_of_a_cell(tab):
    assert tab("a = 1\n%onnx_export model(x) --ops") == ["a = 1\n%onnx_export model(x) --opset"]


@pytest.mark.parametrize("text", ["zeb", "model.enc", "%onnx_export model(zeb", "%%onnx_export --as e\nzeb"])
def test_elsewhere_the_notebook_s_own_completion_works(tab, models, text):
    models.shell.Completer.use_jedi = False  # IPython swallows Jedi's failures, and then offers nothing at all
    assert any(offer.endswith(("zebra", "encoder")) for offer in tab(text))


@pytest.mark.parametrize(
    "text", ["%onnx_export model(x) --opset ", "%%onnx_export model ", "%onnx_export 'mod", "mod --op"]
)
def test_nothing_of_ours_is_offered(models, text):
    assert _complete(text, models.shell.user_ns)[1] == []


@given(st.text("%onx_exprt moel.(['--dynamic= \\\n", max_size=40))
def test_no_text_trips_it(text):
    _complete(text, {})
    _complete(f"%onnx_export {text}", {"model": 1})


def test_files_for_the_output(tab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "earlier.onnx").touch()
    assert any("earlier.onnx" in offer for offer in tab("%onnx_export model(x) -o ear"))


def test_rules_after_a_comma(tab):
    assert tab("%onnx_check net.onnx --ignore OM206,OM60")[0] == "%onnx_check net.onnx --ignore OM206,OM601"
    assert tab("%onnx_export model(x) --select unused-i") == ["%onnx_export model(x) --select unused-input"]


def test_what_can_be_mended(tab):
    assert tab("%onnx_check net.onnx --fix s")[0] == "%onnx_check net.onnx --fix safe"
    assert tab("%onnx_check net.onnx --fix dropout-to")[0] == "%onnx_check net.onnx --fix dropout-to-identity"
    assert tab("%onnx_check net.onnx --fix --no") == [
        f"%onnx_check net.onnx --fix {flag}" for flag in ("--no-run", "--no-quiet")
    ]


def test_targets(tab):
    assert "%onnx_check net.onnx --target opencv" in tab("%onnx_check net.onnx --target open")
    assert "%onnx_export model(x) --target=opencv,tensorrt" in tab("%onnx_export model(x) --target=opencv,tens")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A working directory with model files and a folder of them."""
    (tmp_path / "models").mkdir()
    for name in ("zoo.onnx", "notes.txt", ".hidden.onnx", "with blank.onnx", "models/zoo.onnx"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%onnx_check ", ["export", "model", "net", "Net", "zoo.onnx"]),
        ("c = %onnx_check zo", ["zoo.onnx"]),
        ("%onnx_check mod", ["model", "models/"]),
        ("%onnx_check models/", ["models/zoo.onnx"]),
        ("%onnx_check net.bo", ["net.body"]),
        ("%onnx_check --fix -o f.onnx zo", ["zoo.onnx"]),
        ("%onnx_check zoo.onnx --against ne", ["net"]),
        ("%onnx_check zoo.onnx --sa", ["--samples"]),
    ],
)
def test_what_can_be_checked(tab, models, files, text, offered):
    models.run("class Export:\n    def model_proto(self): ...\nexport = Export()\ndel Export")
    stem = text[: max(text.rfind(" "), text.rfind("=")) + 1]
    assert tab(text) == [stem + word for word in offered]


@pytest.mark.parametrize("folder", ["nowhere/", "/nowhere/", "~nobody/", "\0/"])
def test_folders_that_are_not_there_offer_nothing(folder):
    assert _complete(f"%onnx_check {folder}", {})[1] == []


def test_rules_to_explain(tab):
    from onnxmagic.check.catalogue import rules

    assert [offer.split()[-1] for offer in tab("%onnx_check --explain OM")] == [r.rule.code for r in rules()]
