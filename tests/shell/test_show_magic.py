"""%onnx_show: what a line means, what is asked, shown and bound; the tab key; the command."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest

from onnxmagic.command import main

LAYER = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch, 4] x) => (float[batch, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [head__MatMul] h = MatMul (x, w)
   [head__Add] s = Add (h, b)
   [act__Relu] y = Relu (s)
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


def layer() -> onnx.ModelProto:
    """Return a small model whose nodes are called as older exporters call them: by the path of their module."""
    model = onnx.parser.parse_model(LAYER)
    for node in model.graph.node:
        node.name = f"/{node.name.replace('__', '/')}"
    return model


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a model in it, by two names."""
    monkeypatch.chdir(tmp_path)
    for name in ("net.onnx", "my net.onnx"):
        (tmp_path / name).write_bytes(layer().SerializeToString())
    return tmp_path


# ------------------------------------------------------------------------------------------------------- what is shown


@pytest.mark.parametrize("line", ["net.onnx", '"my net.onnx"', "$stem.onnx", "{stem}.onnx", "net.onnx --open head"])
def test_a_file(nb, folder, capsys, line):
    nb.run("stem = 'net'")
    shown = nb.run(f"%onnx_show {line}")
    assert [node.op_type for node in shown.graph.nodes] == ["MatMul", "Add", "Relu"]
    assert shown.opened == (("head",) if "--open" in line else ())
    text = capsys.readouterr().out
    assert text.count("Nothing was run, compared or judged.") == 1
    assert f"<Shown {shown.name}: 3 nodes>" in text


def test_a_value_of_the_notebook(nb, folder, capsys):
    nb.run("import onnx, onnxmagic\nproto = onnx.load('net.onnx')\nc = onnxmagic.check('net.onnx', run=False)")
    assert nb.run("%onnx_show proto").name == "proto"
    assert nb.run("%onnx_show c").name == "net.onnx"
    assert nb.run("%onnx_show onnx.load('net.onnx')").graph == nb["c"].graph


def test_a_call_is_exported_into_memory_and_shown(nb, folder, capsys):
    nb.run(MODEL)
    before = sorted(folder.iterdir())
    shown = nb.run("%onnx_show small(x) --open body --as s")
    assert nb["s"] is shown
    assert (shown.name, shown.path, shown.opened) == ("small", None, ("body",))
    assert shown.value("x").tolist() == nb["x"].tolist()
    shown.selected = next(node for node in shown.graph.nodes if node.module == "head")
    assert (shown.selected.where.cell, shown.selected.where.source) == (1, "return self.head(self.body(x))")
    assert sorted(folder.iterdir()) == before
    assert nb["small"].training


def test_quiet_and_a_semicolon(nb, folder, capsys):
    assert nb.run("s = %onnx_show net.onnx -q") is None
    assert nb["s"].name == "net.onnx"
    assert nb.run("%onnx_show net.onnx;") is None
    assert capsys.readouterr().out == ""


def test_several_modules_to_open(nb, folder):
    assert nb.run("%onnx_show net.onnx --open head,act -q").opened == ("head", "act")
    assert nb.run("%onnx_show net.onnx --open head --open=act -q").opened == ("head", "act")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "What is to be shown? Write the call of a model, model(x), or a file: %onnx_show net.onnx"),
        ("my net.onnx", 'A path with blanks needs quotes: %onnx_show "my net.onnx"'),
        ("net", "There is no variable `net`, but a file: %onnx_show net.onnx"),
        ("net.onx", "There is no `net`. Did you mean the file? %onnx_show net.onnx"),
        ("nott.onnx", "There is no file nott.onnx. Did you mean net.onnx?"),
        ("model", "`model` is a model; write the call you would run, with an example: model(x)"),
        ("x", "`x` is of type Tensor, and nothing in it can be shown. Write the call"),
        ("net.onnx --open heat", "There is no module `heat` to open. Did you mean `head`?"),
        ("net.onnx --oppen head", "There is no option --oppen. Did you mean --open?"),
        ("net.onnx --open", "--open needs a value."),
        ("net.onnx --show big", "--show takes auto, html, widget or text, not 'big'."),
        ("net.onnx --as 1a", "--as takes the name of a variable, not '1a'."),
    ],
)
def test_mistakes(models, folder, line, message):
    assert models.error(f"%onnx_show {line}").startswith(message)


def test_help_names_every_option(nb, capsys):
    nb.run("%onnx_show --help")
    text = capsys.readouterr().out
    assert text.startswith("Look into a model")
    assert "--open MODULE" in text
    assert nb.shell.find_line_magic("onnx_show").__doc__ == text


def test_unload_takes_it_away(nb):
    nb.run("%unload_ext onnxmagic")
    assert nb.shell.find_line_magic("onnx_show") is None


# --------------------------------------------------------------------------------------------------------- the tab key


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("%onnx_show --o", ["--open"]),
        ("%onnx_show ne", ["net.onnx"]),
        ("%onnx_show s", ["s", "small"]),
        ("%onnx_show small(x) --open ", ["body", "head"]),
        ("%onnx_show small(x) --open body.", ["body.0", "body.1"]),
        ("%onnx_show small(x) --open body,h", ["h"]),
        ("%onnx_show --open h s", ["s", "small"]),
        ("%onnx_show s --open=h", ["head"]),
        ("%onnx_show net.onnx --open ", []),
        ("%onnx_show net.onnx n", []),
    ],
)
def test_tab(nb, folder, text, offered):
    from onnxmagic.completion import _complete

    nb.run(MODEL + "s = %onnx_show net.onnx -q")
    found = [word for word, _ in _complete(text, nb.shell.user_ns)[1]]
    if text.endswith("body,h"):
        offered = ["head"]
    assert found == offered


# --------------------------------------------------------------------------------------------------------- the command


def test_the_command_prints_the_tree(folder, capsys):
    assert main(["show", "net.onnx"]) == 0
    shown = capsys.readouterr()
    assert "Nothing was run, compared or judged." in shown.out
    assert "head" in shown.out
    assert shown.err == ""


def test_the_command_writes_a_picture(folder, capsys):
    assert main(["show", "net.onnx", "--open", "head", "-o", "net.svg"]) == 0
    assert capsys.readouterr() == ("", "")
    svg = (folder / "net.svg").read_text("utf-8")
    assert svg.startswith("<svg")
    assert "MatMul" in svg


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Which file? Write: python -m onnxmagic show net.onnx."),
        (["a.onnx", "b.onnx"], "One file at a time, not 2: a.onnx, b.onnx."),
        (["net.onnx", "-o", "net.png"], "-o takes the name of an .svg file, not 'net.png'."),
        (["net.onnx", "-o", "no/net.svg"], "The folder "),
        (["net.onnx", "--open", "heat"], "There is no module `heat` to open. Did you mean `head`?"),
        (["nothing.onnx"], "There is no file nothing.onnx."),
    ],
)
def test_mistakes_of_the_command(folder, capsys, words, message):
    assert main(["show", *words]) == 2
    assert capsys.readouterr().err.startswith(f"onnxmagic: {message}")
