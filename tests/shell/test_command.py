"""``python -m onnxmagic check``: what it prints, where, and the status it ends with."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import onnx
import onnx.parser
import pytest

from onnxmagic import command
from onnxmagic.command import main
from onnxmagic.errors import WriteFailed

RELU = '<ir_version: 10, opset_import: ["" : 20]> g (float[n, 4] x) => (float[n, 4] y) { y = Relu (x) }'
DROPPING = """<ir_version: 10, opset_import: ["" : 20]> g (float[n, 4] x) => (float[n, 4] y)
<float rate = {0.5}, bool training = {1}> { y = Dropout (x, rate, training) }"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with a sound file, and one in which dropout is at work."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"good.onnx": RELU, "bad.onnx": DROPPING}.items():
        onnx.save(onnx.parser.parse_model(text), tmp_path / name)
    return tmp_path


def test_nothing_found_is_status_0(files, capsys):
    assert main(["check", "good.onnx"]) == 0
    shown = capsys.readouterr()
    assert "good.onnx" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 1),
        (["--fail-on", "error"], 1),
        (["--fail-on", "warning"], 1),
        (["--fail-on", "never"], 0),
        (["--ignore", "OM102,OM104"], 0),
        (["--select", "OM6"], 0),
        (["--select", "live-dropout"], 1),
    ],
)
def test_the_gate(files, capsys, words, status):
    assert main(["check", "bad.onnx", "--no-run", *words]) == status
    assert ("OM102" in capsys.readouterr().out) == (status == 1 or words[-1] == "never")


@pytest.mark.parametrize(("target", "status"), [("onnxruntime==1.17", 1), ("onnxruntime==1.31", 0)])
def test_a_target_closes_the_gate(files, capsys, target, status):
    assert main(["check", "good.onnx", "--target", target, "--fail-on", "error"]) == status
    assert ("OM503 ir-too-new" in capsys.readouterr().out) == bool(status)


def test_json_is_what_the_schema_says(files, capsys, check_schema):
    main(["check", "bad.onnx", "--format", "json"])
    data = json.loads(capsys.readouterr().out)
    jsonschema.validate(data, check_schema)
    assert "OM102" in [finding["code"] for finding in data["findings"]]


def test_sarif_goes_to_a_file(files, capsys):
    assert main(["check", "bad.onnx", "--no-run", "--format", "sarif", "-o", "net.sarif"]) == 1
    assert capsys.readouterr() == ("", "")
    assert json.loads((files / "net.sarif").read_text("utf-8"))["version"] == "2.1.0"


def test_text_goes_to_a_file_without_colours(files, capsys):
    main(["check", "bad.onnx", "--no-run", "-o", "report.txt"])
    text = (files / "report.txt").read_text("utf-8")
    assert "OM102 live-dropout" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "A command is missing"),
        (["chek", "good.onnx"], "There is no command `chek`; write: python -m onnxmagic check net.onnx"),
        (["check"], "Which file?"),
        (["check", "good.onnx", "bad.onnx"], "One file at a time, not 2"),
        (["check", "gud.onnx"], "There is no file gud.onnx. Did you mean good.onnx?"),
        (["check", "good.onnx", "--failon", "error"], "There is no option --failon. Did you mean --fail-on?"),
        (["check", "good.onnx", "--format", "xml"], "--format takes text, json, sarif, not 'xml'."),
        (["check", "good.onnx", "--fail-on", "info"], "--fail-on takes error, warning, never"),
        (["check", "good.onnx", "--select", "OM9"], "there is no rule `OM9`"),
        (["check", "good.onnx", "--target", "nowhere"], "nowhere"),
        (["check", "good.onnx", "--fix"], "--fixed FILE is missing"),
        (["check", "good.onnx", "--fixed", "f.onnx"], "--fix is missing"),
        (["check", "good.onnx", "-o", "f.onnx"], "a mended model goes to --fixed f.onnx"),
        (["check", "good.onnx", "-o", "no/such/folder/report.txt"], "The folder"),
        (["check", "--explain", "OM999"], "there is no rule `OM999`"),
    ],
)
def test_misuse_is_status_2_and_one_line(files, capsys, words, message):
    assert main(words) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.startswith("onnxmagic: ")
    assert shown.out == ""


def test_fix_writes_the_mended_model(files, capsys):
    assert main(["check", "bad.onnx", "--fix", "--fixed", "mended.onnx"]) == 0
    assert [node.op_type for node in onnx.load(files / "mended.onnx").graph.node] == ["Identity"]


def test_what_was_asked_reaches_the_check(files, monkeypatch):
    asked = {}
    monkeypatch.setattr(command, "check", lambda file, **options: asked.update(options, file=file) or 1 / 0)
    main(
        [
            "check",
            "good.onnx",
            "--target",
            "a==1,b",
            "--target",
            "c",
            "--select",
            "OM1",
            "--ignore",
            "OM2",
            "--fix",
            "OM102",
            "--fixed",
            "f.onnx",
        ]
    )
    assert asked == {
        "file": "good.onnx",
        "targets": "a==1,b,c",
        "select": "OM1",
        "ignore": "OM2",
        "fix": "OM102",
        "output": "f.onnx",
        "run": True,
        "fail_on": "error",
    }


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ZeroDivisionError(), 3, "ZeroDivisionError"),
        (WriteFailed("the disk is full"), 3, "onnxmagic: the disk is full"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_a_check_that_breaks_is_told_from_one_that_found_something(files, monkeypatch, capsys, error, status, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(command, "check", fail)
    assert main(["check", "good.onnx"]) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["check", "--help"], ["check", "good.onnx", "-h"]])
def test_help(words, capsys):
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "python -m onnxmagic check FILE [options]" in shown
    assert "Status: 0 nothing at the gate" in shown


@pytest.mark.parametrize(
    ("words", "said"), [(["--version"], "onnxmagic "), (["check", "--explain", "OM202"], "OM202 ")]
)
def test_what_needs_no_file(words, said, capsys):
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(said)


WITHOUT_TORCH = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
sys.argv = ["onnxmagic", "check", "bad.onnx"]
runpy.run_module("onnxmagic", run_name="__main__")
"""


def test_a_file_is_checked_where_torch_is_missing(files):
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "OM102 live-dropout" in done.stdout
