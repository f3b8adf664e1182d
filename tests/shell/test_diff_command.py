"""``python -m onnxmagic diff``: what it prints, where, the status it ends with, and that torch is not needed."""

from __future__ import annotations

import json
import subprocess
import sys

import onnx
import onnx.parser
import pytest

from onnxmagic import command
from onnxmagic.command import main

NET = """<ir_version: 10, opset_import: ["" : 20]> net (float[n, 4] x) => (float[n, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}> { h = MatMul (x, w) [act] y = Relu (h) }"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a model, and three in which something else changed."""
    monkeypatch.chdir(tmp_path)
    texts = {
        "a.onnx": NET,
        "weights.onnx": NET.replace("7, 8", "7, 9"),
        "nodes.onnx": NET.replace("Relu", "Sigmoid"),
        "frozen.onnx": NET.replace("float[n, 4]", "float[1, 4]"),
    }
    for name, text in texts.items():
        onnx.save(onnx.parser.parse_model(text), tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("other", "words", "status"),
    [
        ("a.onnx", ["--fail-on", "any"], 0),
        ("weights.onnx", [], 0),
        ("weights.onnx", ["--fail-on", "structure"], 0),
        ("weights.onnx", ["--fail-on", "weights"], 1),
        ("nodes.onnx", ["--fail-on", "structure"], 1),
        ("nodes.onnx", ["--fail-on", "breaking"], 0),
        ("frozen.onnx", ["--fail-on", "breaking"], 1),
    ],
)
def test_the_gate(files, capsys, other, words, status):
    assert main(["diff", "a.onnx", other, "--no-run", *words]) == status
    shown = capsys.readouterr()
    assert f"a.onnx → {other}" in shown.out or other == "a.onnx"
    assert (f"onnxmagic: {other} does not pass" in shown.err) == bool(status)


def test_the_same_file_twice(files, capsys):
    assert main(["diff", "a.onnx", "a.onnx", "--fail-on", "any"]) == 0
    assert "Identical" in capsys.readouterr().out


def test_json_and_markdown(files, capsys):
    assert main(["diff", "a.onnx", "weights.onnx", "--no-run", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["identical"], data["weights"]["changed"][0]["name"]) == (False, "w")
    assert main(["diff", "a.onnx", "weights.onnx", "--no-run", "--format", "markdown", "-o", "m.md"]) == 0
    assert capsys.readouterr() == ("", "")
    assert "| `w` | 4 × 2 |" in (files / "m.md").read_text("utf-8")


def test_text_goes_to_a_file_without_colours(files, capsys):
    assert main(["diff", "a.onnx", "weights.onnx", "--no-run", "-o", "diff.txt"]) == 0
    text = (files / "diff.txt").read_text("utf-8")
    assert "a.onnx → weights.onnx" in text
    assert "\x1b" not in text


def test_what_was_asked_reaches_the_diff(files, monkeypatch):
    asked = {}
    monkeypatch.setattr(command, "diff", lambda *files, **options: asked.update(options, files=files) or 1 / 0)
    words = ["a.onnx", "nodes.onnx", "--pin", "act=act", "--pin=x=y", "--tolerance", "1e-3", "--time"]
    main(["diff", *words, "--fail-on", "outputs"])
    assert asked == {
        "files": ("a.onnx", "nodes.onnx"),
        "pins": [("act", "act"), ("x", "y")],
        "tolerance": 1e-3,
        "time": True,
        "run": True,
        "fail_on": "outputs",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Which files? Write: python -m onnxmagic diff before.onnx after.onnx."),
        (["a.onnx"], "Two files are compared, not 1. Write:"),
        (["a.onnx", "b.onnx", "c.onnx"], "Two files are compared, not 3."),
        (["a.onnx", "b.onnx"], "There is no file b.onnx. "),
        (["a.onnx", "nodes.onnx", "--pin", "act"], "--pin takes two nodes"),
        (["a.onnx", "nodes.onnx", "--pin", "atc=act"], "a.onnx has no node `atc` to pin. Did you mean `act`?"),
        (["a.onnx", "nodes.onnx", "--fail-on", "error"], "--fail-on takes breaking, structure, weights"),
        (["a.onnx", "nodes.onnx", "--format", "sarif"], "--format takes text, markdown, json, not 'sarif'."),
        (["a.onnx", "nodes.onnx", "-o", "d.onnx"], "-o is where the report goes."),
        (["a.onnx", "nodes.onnx", "--no-run", "--time"], "time means running both models, and run=False"),
    ],
)
def test_misuse_is_status_2_and_one_line(files, capsys, words, message):
    assert main(["diff", *words]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"onnxmagic: {message}")
    assert shown.out == ""


def test_help(capsys):
    assert main(["diff", "--help"]) == 0
    assert "python -m onnxmagic diff FILE FILE [options]" in capsys.readouterr().out


WITHOUT_TORCH = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
sys.argv = ["onnxmagic", "diff", "a.onnx", "weights.onnx", "--fail-on", "outputs"]
runpy.run_module("onnxmagic", run_name="__main__")
"""


def test_files_are_compared_and_run_where_torch_is_missing(files):
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("onnxmagic: weights.onnx does not pass --fail-on outputs: ")
    assert "on made-up inputs" in done.stdout
