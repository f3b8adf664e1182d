"""%onnx_diff: what a line means, what is asked, shown and bound; the gate; the tab key."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest
from IPython.core.error import UsageError

from onnxmagic.errors import DiffFound
from onnxmagic.pair import in_two

LAYER = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch, 4] x) => (float[batch, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [head_MatMul] h = MatMul (x, w)
   [head_Add] s = Add (h, b)
   [act_Relu] y = Relu (s)
}
"""
MODEL = """
import torch
class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU())
        self.head = torch.nn.Linear(8, 2)
    def forward(self, x):
        return self.head(self.body(x))
small, x = Small(), torch.randn(3, 4)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a model before and after a change, and a copy under a name with a blank."""
    monkeypatch.chdir(tmp_path)
    texts = {
        "before.onnx": LAYER,
        "my before.onnx": LAYER,
        "after.onnx": LAYER.replace("{0.5, -1}", "{0.5, -2}"),
        "other.onnx": LAYER.replace("Relu", "Sigmoid"),
        "narrow.onnx": LAYER.replace("float[batch, 4] x", "float[1, 4] x"),
    }
    for name, text in texts.items():
        onnx.save(onnx.parser.parse_model(text), tmp_path / name)
    return tmp_path


# ---------------------------------------------------------------------------------------------------- what is compared


@pytest.mark.parametrize(
    "line",
    [
        "before.onnx after.onnx",
        '"my before.onnx" after.onnx',
        "before.onnx, after.onnx",
        "$stem.onnx {stem2}.onnx",
        "onnx.load('before.onnx') after.onnx",
        "after.onnx --no-run before.onnx",
    ],
)
def test_two_files(nb, folder, capsys, line):
    nb.run("stem, stem2 = 'before', 'after'\nimport onnx")
    diff = nb.run(f"%onnx_diff {line} --no-run")
    assert not diff.identical
    assert [change.name for change in diff.weights.changed] == ["b"]
    assert (diff.nodes.added, diff.nodes.removed) == ((), ())
    text = capsys.readouterr().out
    assert diff.summary in text
    assert text.count("Not compared: run=False (--no-run).") == 1
    assert repr(diff) in text


def test_values_of_the_notebook_are_called_by_their_variables(nb, folder, capsys):
    nb.run("import onnx, onnxmagic\nproto = onnx.load('after.onnx')\nc = onnxmagic.check('before.onnx', run=False)")
    diff = nb.run("%onnx_diff c proto --no-run")
    assert (diff.a.name, diff.b.name) == ("c", "proto")
    assert "c → proto" in capsys.readouterr().out


def test_a_model_against_its_file(nb, folder, capsys):
    nb.run(MODEL + "%load_ext onnxmagic\ne = %onnx_export small(x) -o small.onnx --opset 21 -q")
    assert nb.run("%onnx_diff small(x) small.onnx").identical
    nb.run("small.head.bias.data += 0.01")
    before = {name: value.clone() for name, value in nb["small"].state_dict().items()}
    diff = nb.run("%onnx_diff small.onnx small(x) --as d")
    assert nb["d"] is diff
    assert (diff.a.name, diff.b.name) == ("small.onnx", "small")
    assert [(change.name, round(change.max_abs, 4)) for change in diff.weights.changed] == [("head.bias", 0.01)]
    assert (diff.signature.changes, diff.nodes.added, diff.nodes.removed) == ((), (), ())
    assert diff.outputs.compared
    assert diff.outputs.first is not None
    assert diff.notes == ("small was exported into memory for this, at opset 21 as small.onnx is.",)
    assert nb["small"].training
    assert all((value == before[name]).all() for name, value in nb["small"].state_dict().items())


def test_two_exports_run_on_the_example(nb, folder, capsys):
    nb.run(MODEL + "e1 = %onnx_export small(x) -q\nsmall.head.weight.data *= 1.01\ne2 = %onnx_export small(x) -q")
    diff = nb.run("%onnx_diff e1 e2")
    assert (diff.outputs.on, diff.outputs.samples) == ("your example", 3)
    assert [change.name for change in diff.weights.changed] == ["head.weight"]
    assert diff.outputs.first.where.module == "head"
    assert diff.outputs.first.where.cell is not None


def test_data_are_evaluated_once_and_both_run_on_them(nb, folder, capsys):
    nb.run("import numpy as np\nasked = []\ndef rows():\n    asked.append(1)\n    return np.ones((7, 4), np.float32)")
    diff = nb.run("%onnx_diff before.onnx after.onnx --data [rows()] --samples 5")
    assert nb["asked"] == [1]
    assert (diff.outputs.on, diff.outputs.samples) == ("your data", 5)


def test_quiet_and_a_semicolon(nb, folder, capsys):
    assert nb.run("d = %onnx_diff before.onnx after.onnx --no-run -q") is None
    assert nb["d"].weights.changed
    assert nb.run("%onnx_diff before.onnx after.onnx --no-run;") is None
    assert capsys.readouterr().out == ""


def test_a_pin_by_names(nb, folder):
    nb.run("name = 'act'")
    diff = nb.run("%onnx_diff before.onnx other.onnx --no-run -q --pin {name}_Relu=act_Sigmoid --as d")
    pair = next(pair for pair in nb["d"].matching.pairs if pair.a == 2)
    assert (pair.b, pair.reason) == (2, "pinned")
    assert diff is nb["d"]


def test_markdown_goes_to_a_file(nb, folder):
    nb.run("%onnx_diff before.onnx after.onnx --no-run -q --markdown changes.md")
    text = (folder / "changes.md").read_text("utf-8")
    assert text.startswith("### ")
    assert "| `b` | 2 |" in text


def test_time_is_measured_where_it_is_asked_for(nb, folder):
    assert nb.run("%onnx_diff before.onnx after.onnx -q --as d") is nb["d"]
    assert nb["d"].cost.latency is None
    nb.run("%onnx_diff before.onnx after.onnx --time --as d -q")
    latency = nb["d"].cost.latency
    assert latency.a.fastest <= latency.a.median <= latency.a.slowest


# ------------------------------------------------------------------------------------------------------------ the gate


@pytest.mark.parametrize(
    ("other", "level", "stops"),
    [
        ("after.onnx", "breaking", False),
        ("after.onnx", "structure", False),
        ("after.onnx", "weights", True),
        ("after.onnx", "any", True),
        ("after.onnx", "never", False),
        ("other.onnx", "structure", True),
        ("narrow.onnx", "breaking", True),
        ("before.onnx", "any", False),
    ],
)
def test_the_gate(nb, folder, capsys, other, level, stops):
    result = nb.try_(f"%onnx_diff before.onnx {other} --no-run --fail-on {level} --markdown m.md")
    assert isinstance(result.error_in_exec, DiffFound) == stops
    assert (result.error_in_exec is None) != stops
    text = capsys.readouterr().out
    assert (folder / "m.md").exists()
    if stops:
        assert f"{other} does not pass --fail-on {level}: " in text
        assert result.error_in_exec.diff.summary.replace("`", "") in text
        assert "Traceback" not in text


def test_outputs_at_the_gate(nb, folder, capsys):
    error = nb.try_("%onnx_diff before.onnx after.onnx --fail-on outputs -q").error_in_exec
    assert isinstance(error, DiffFound)
    assert error.diff.outputs.compared
    text = capsys.readouterr().out
    assert error.diff.summary in text
    assert "The whole result is the error's own .diff." in text
    assert nb.run("%onnx_diff before.onnx after.onnx --fail-on outputs --tolerance 10;") is None


# ------------------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "What is to be compared? Write two, each a file, a result or the call of a model: %onnx_diff before.onnx"),
        ("before.onnx", "What is before.onnx to be compared with? Write: %onnx_diff before.onnx other.onnx"),
        ("a,b", "Write the two with a blank between: %onnx_diff a b"),
        ("my before.onnx after.onnx", 'A path with blanks needs quotes: "my before.onnx"'),
        (
            "a b c d",
            "Two are compared, and here are 4 words: a, b, c, d. Brackets or quotes keep together what is one.",
        ),
        ("before after.onnx", "There is no variable `before`, but a file: %onnx_diff before.onnx"),
        ("bevore.onnx after.onnx", "There is no file bevore.onnx. Did you mean before.onnx?"),
        ("model before.onnx", "`model` is a model; write the call you would run, with an example: model(x)"),
        ("before.onnx x", "`x` is of type Tensor, and nothing in it can be compared. Write two"),
        ("before.onnx text.onnx", "`text.onnx` cannot be compared: "),
        ("before.onnx after.onnx --pin a", "--pin takes two nodes, one of each model: --pin node_of_a=node_of_b"),
        ("before.onnx after.onnx --pin act_Relo=act_Relu", "before.onnx has no node `act_Relo` to pin. Did you mean"),
        (
            "before.onnx after.onnx --fail-on error",
            "--fail-on takes breaking, structure, weights, outputs, any or never",
        ),
        ("before.onnx after.onnx --tolerance small", "--tolerance takes a number from 0 on, for example 1e-4, not 'sm"),
        ("before.onnx after.onnx --no-run --time", "--time means running both models, and --no-run forbids it"),
        ("before.onnx after.onnx --no-run --fail-on outputs", "--fail-on outputs means running both models"),
        ("before.onnx after.onnx --samples 5", "--samples says how much of --data is taken, and there is none"),
        ("before.onnx after.onnx --data lodaer", "There is no `lodaer`. Did you mean `loader`?"),
        ("before.onnx after.onnx --markdown no/m.md", "The folder "),
        (
            "before.onnx after.onnx --markdown m.onnx",
            "markdown is where the report goes; m.onnx is the name of a model",
        ),
        ("before.onnx after.onnx --pins a=b", "There is no option --pins. Did you mean --pin?"),
    ],
)
def test_mistakes(models, folder, line, message):
    (folder / "text.onnx").write_text("no model")
    models.run("loader = []")
    assert models.error(f"%onnx_diff {line}").startswith(message)


def test_what_the_users_own_code_raises_is_passed_on(nb, folder):
    error = nb.try_("%onnx_diff before.onnx (1 / 0)").error_in_exec
    assert isinstance(error, ZeroDivisionError)


@pytest.mark.parametrize(
    ("words", "parted"),
    [
        (("a", "b"), ("a", "b")),
        (("model", "(x)", "net.onnx"), ("model (x)", "net.onnx")),
        (("net.onnx", "model", "(x)"), ("net.onnx", "model (x)")),
        (("a", "if", "b", "else", "c", "d.onnx"), ("a if b else c", "d.onnx")),
    ],
)
def test_words_in_two(words, parted):
    assert tuple(" ".join(each) for each in in_two(words)) == parted


def test_help_names_every_option(nb, capsys):
    nb.run("%onnx_diff --help")
    text = capsys.readouterr().out
    assert text.startswith("Compare two models")
    assert "--pin A=B" in text
    assert nb.shell.find_line_magic("onnx_diff").__doc__ == text


def test_unload_takes_it_away(nb):
    nb.run("%unload_ext onnxmagic")
    assert nb.shell.find_line_magic("onnx_diff") is None


# --------------------------------------------------------------------------------------------------------- the tab key


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%onnx_diff --pi", ["--pin"]),
        ("%onnx_diff be", ["before.onnx"]),
        ("%onnx_diff before.onnx af", ["after.onnx"]),
        ("d = %onnx_diff before.onnx c", ["c"]),
        ("%onnx_diff before.onnx after.onnx n", []),
        ("%onnx_diff before.onnx after.onnx --fail-on w", ["weights"]),
        ("%onnx_diff before.onnx --fail-on any a", ["after.onnx"]),
    ],
)
def test_tab(nb, folder, text, offered):
    from onnxmagic.completion import _complete

    nb.run("import onnxmagic\nc = onnxmagic.check('before.onnx', run=False)")
    assert [word for word, _ in _complete(text, nb.shell.user_ns)[1]] == offered


def test_a_mistake_is_a_usage_error_itself(nb, folder):
    assert type(nb.try_("%onnx_diff").error_in_exec) is UsageError
