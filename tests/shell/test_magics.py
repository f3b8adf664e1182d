"""Line and cell: what is asked of the pipeline, what is shown, what is bound, what is raised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onnxmagic.errors import CaptureFailed, ExportError, GateClosed, UsageMistake, WriteFailed


def test_a_line_gives_the_result_and_shows_it(models, asked):
    assert models.run("%onnx_export model(x)") == "the export"
    assert asked.shown == [("the export", "auto")]
    assert asked.stages == ["capture"]
    assert asked.marked == []


def test_a_line_can_be_assigned(models, asked):
    models.run("e = %onnx_export model(x) -o net.onnx")
    assert models["e"] == "the export"
    assert asked.shown == [("the export", "auto")]


def test_it_shows_in_the_middle_of_a_cell(models, asked):
    models.run("%onnx_export model(x)\nb = 1")
    assert asked.shown == [("the export", "auto")]


SILENT = ["model(x);", "model(x) -q", "model(x) -o net.onnx --quiet", "model(x);  # done"]


@pytest.mark.parametrize("line", SILENT)
def test_silence(models, asked, line, capsys):
    capsys.readouterr()
    models.run(f"e = %onnx_export {line}\nf = 1")
    assert models["e"] == "the export"
    assert (asked.shown, asked.stages) == ([], [])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("line", SILENT)
def test_what_was_silenced_can_be_shown_later_in_the_cell(models, asked, line):
    assert models.run(f"e = %onnx_export {line}\ne") == "the export"
    assert asked.marked == []


def test_a_semicolon_leaves_no_output_at_all(models, asked, capsys):
    capsys.readouterr()
    assert models.run("%onnx_export model(x);") is None
    assert capsys.readouterr().out == ""


def test_a_quiet_result_is_the_cell_s_value_and_not_shown(models, asked):
    assert models.run("%onnx_export model(x) -q") == "the export"
    assert (asked.shown, asked.marked) == ([], ["the export"])


def test_the_defaults_are_those_of_the_function(models, asked):
    models.run("%onnx_export model(x)")
    given = {k: v for k, v in asked.options.items() if k not in ("progress", "cells")}
    assert given == {
        "output": None,
        "opset": None,
        "dynamic": "auto",
        "static": False,
        "input_names": None,
        "output_names": None,
        "train": False,
        "keep_source": False,
        "external_data": None,
        "prove": True,
        "changes": True,
        "fail_on": "never",
        "select": (),
        "ignore": (),
        "fix": False,
        "targets": "",
        "name": "model",
    }


def test_every_option_arrives(models, asked):
    models.run("run, axes = 'a', {'x': {0: 'n'}}")
    models.run(
        "%onnx_export model(x) -o {run}-$run.onnx --opset 20 --dynamic $axes --static --input-names a,b "
        "--output-names y --train --keep-source --external-data --no-prove --no-changes --fail-on error "
        "--show text --as found --select OM1,OM2 --ignore OM105 --fix unsafe --target onnxruntime,opencv"
    )
    given = {k: v for k, v in asked.options.items() if k not in ("progress", "cells")}
    assert given == {
        "output": "a-a.onnx",
        "opset": 20,
        "dynamic": {"x": {0: "n"}},
        "static": True,
        "input_names": ("a", "b"),
        "output_names": ("y",),
        "train": True,
        "keep_source": True,
        "external_data": True,
        "prove": False,
        "changes": False,
        "fail_on": "error",
        "select": ("OM1", "OM2"),
        "ignore": ("OM105",),
        "fix": "unsafe",
        "targets": ("onnxruntime", "opencv"),
        "name": "model",
    }
    assert asked.shown == [("the export", "text")]
    assert models["found"] == "the export"


def test_the_path_knows_home_and_environment(models, asked, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("MODELS", "/models")
    models.run("%onnx_export model(x) -o ~/net.onnx;")
    assert Path(asked.options["output"]) == Path("/home/someone/net.onnx")
    models.run("%onnx_export model(x) -o $MODELS/net.onnx;")
    assert asked.options["output"] == "/models/net.onnx"


def test_a_function_s_locals_are_seen_in_options(models, asked):
    models.run("def go(run):\n    %onnx_export model(x) -o $run.onnx\ngo('a')")
    assert asked.options["output"] == "a.onnx"


# ------------------------------------------------------------------------------------------------------- the cell form


def test_a_cell_runs_and_its_last_line_is_the_call(models, asked):
    models.run("%%onnx_export -o net.onnx --as e\nbatch = [1,\n         2]\n\nmodel(\n    *batch)  # the call")
    assert asked.args == (1, 2)
    assert asked.options["output"] == "net.onnx"
    assert models["batch"] == [1, 2]
    assert models["e"] == "the export"


def test_a_cell_may_define_its_model(models, asked):
    models.run("%%onnx_export\nclass Net2(torch.nn.Module):\n    pass\nnew = Net2()\nnew(x, *[1])")
    assert asked.model is models["new"]
    assert type(asked.model).__module__ == "__main__"


def test_a_cell_that_is_only_the_call(models, asked):
    models.run("%%onnx_export\nmodel(x)")
    assert asked.args == (models["x"],)


def test_a_cell_s_body_is_notebook_code(models, asked, capsys):
    models.run("%%onnx_export\nhere = %pwd\nthere = !echo hello\nmodel(here, there[0])")
    assert asked.args == (str(Path.cwd()), "hello")


def test_a_line_magic_in_a_cell_magic(models, asked):
    models.run("%%onnx_export\n%onnx_export model(1)\nmodel(2)")
    assert asked.exports == 2
    assert asked.args == (2,)


def test_a_cell_may_make_its_folder(models, asked, tmp_path):
    models.run(f"%%onnx_export -o {tmp_path}/new/net.onnx\nimport os\nos.makedirs({str(tmp_path / 'new')!r})\nmodel(x)")
    assert asked.options["output"] == f"{tmp_path}/new/net.onnx"


@pytest.mark.parametrize(
    "last", ["é = 'é;'; model(x);", "model(\n    x\n);  # é", "model(x);", "model(x) ;  # quiet", "a = 1; model(x);"]
)
def test_a_semicolon_ends_a_cell_in_silence(models, asked, last):
    assert models.run(f"%%onnx_export --as e\n{last}") is None
    assert (asked.shown, models["e"]) == ([], "the export")


def test_a_cell_s_call_is_not_made_and_leaks_nothing(models, asked):
    models.run("%%onnx_export\nmodel(z := 3)")
    assert "z" not in models.shell.user_ns
    assert asked.args == (3,)


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        ("", "# nothing\n", "The cell is empty."),
        ("", "\n\n", "The cell is empty."),
        ("", "ran = 1\ny = model(x)", "ends with `y = model(x)`. Write model(x) alone as its last line."),
        ("", "ran = 1\nprint(model(x))", "ends with `print(model(x))`. Write model(x) alone as its last line."),
        ("", "ran = 1\nwith torch.no_grad():\n    y = model(x)", "ends with `with torch.no_grad():`. Write model(x)"),
        ("", "ran = 1\nmodel", "ends with `model`. Write the call you would run, for example model(x), alone"),
        ("", "ran = 1\nmodel(x)[0]", "ends with `model(x)[0]`. Write model(x) alone"),
        ("", "ran = 1\ndef f():\n    return 3", "ends with `def f():`. Write the call you would run"),
        ("", "ran = 1\n%time model(x)", "The cell ends with a magic."),
        ("", "ran = 1\nawait model(x)\nmodel(x)", "`await` in line 3 cannot run below %%onnx_export"),
        ("", "ran = 1\n[y async for y in x]\nmodel(x)", "cannot run below %%onnx_export"),
        ("", "ran = 1\nq == = 5\nmodel(x)", "The cell is no Python: invalid syntax, line 3.\n    q == = 5\n         ^"),
        ("", "ran = 1\nreturn 5\nmodel(x)", "'return' outside function, line 3"),
        ("", "ran = 1\nimport torch as\nmodel(x)", "line 3.\n    import torch as\n"),
        (" model(x)", "ran = 1\nmodel(x)", "write the call as the last line of the cell"),
        (" --opst 20", "ran = 1\nmodel(x)", "Did you mean --opset?"),
        (" --opset 99", "ran = 1\nmodel(x)", "opset 99 does not exist"),
        (" --input-names a,a", "ran = 1\nmodel(x)", "names in a graph are unique"),
    ],
)
def test_a_cell_that_cannot_be_exported_does_not_run(models, asked, head, body, message):
    assert message in models.error(f"%%onnx_export{head}\n{body}")
    assert "ran" not in models.shell.user_ns
    assert asked.exports == 0


def test_await_inside_an_async_function_is_fine(models, asked):
    models.run("%%onnx_export\nasync def load():\n    return await something()\nmodel(x)")
    assert asked.exports == 1


def test_a_last_call_of_no_model(models, asked):
    assert "`f` is a function" in models.error("%%onnx_export\ndef f(x): return x\nf(x)")


@pytest.mark.parametrize(
    ("body", "line"),
    [("q = 5\nq / 0\nmodel(q)", 3), ("\n\nq = 5\nmodel(\n    q,\n    q / 0)", 7), ("%pwd\nq = 1 / 0\nmodel(q)", 3)],
)
def test_an_error_in_a_cell_names_its_line(models, asked, capsys, body, line):
    capsys.readouterr()
    result = models.try_(f"%%onnx_export\n{body}")
    shown = capsys.readouterr().out
    assert type(result.error_in_exec) is ZeroDivisionError
    assert re.search(rf"In\[{result.execution_count}\], line {line}\n", shown)
    assert "onnxmagic/" not in shown
    assert asked.exports == 0


def test_what_a_failing_cell_did_before_stays(models, asked):
    models.try_("%%onnx_export\nq = 5\nq / 0\nmodel(q)")
    assert models["q"] == 5


def test_cells_have_numbers(models, asked):
    models.run("%onnx_export model(x);")
    cells, count = asked.options["cells"], models.shell.execution_count
    result = models.try_("%%onnx_export -q\ndef helper(): pass\nmodel(x)")
    assert cells(models["helper"].__code__.co_filename) == result.execution_count == count
    assert cells("<ipython-input-7-0123456789ab>") == 7
    assert cells("/some/file.py") is None
    assert cells("") is None


# -------------------------------------------------------------------------------------------------------------- errors


def test_misuse_found_by_the_export_is_a_usage_error(models, asked):
    asked.error = UsageMistake("x has no axis 5.")
    assert models.error("%onnx_export model(x)") == "x has no axis 5."
    assert asked.shown == []


@pytest.mark.parametrize("error", [CaptureFailed("no such operator"), WriteFailed("disk full")])
def test_a_failed_export_is_raised_and_binds_nothing(models, asked, error):
    asked.error = error
    assert models.try_("%onnx_export model(x) --as e").error_in_exec is error
    assert "e" not in models.shell.user_ns


class Export:
    findings = ()


def test_a_closed_gate_shows_the_report_first(models, asked):
    asked.error = GateClosed("1 error", Export())
    assert models.try_("%onnx_export model(x) --fail-on error").error_in_exec is asked.error
    assert asked.shown == [(asked.error.export, "auto")]


def test_a_closed_gate_is_silent_when_asked(models, asked):
    asked.error = GateClosed("1 error", Export())
    assert models.try_("%onnx_export model(x) --fail-on error;").error_in_exec is asked.error
    assert asked.shown == []


def test_the_whole_stack_on_request(models, asked, capsys, monkeypatch):
    def fail(*_, **__):
        raise CaptureFailed("not exported") from KeyError("the cause")

    monkeypatch.setattr("onnxmagic.magics.export", fail)
    monkeypatch.setattr(ExportError, "_render_traceback_", lambda self: ["the short report"])
    capsys.readouterr()
    models.try_("%onnx_export model(x)")
    assert "the short report" in capsys.readouterr().out
    models.try_("%onnx_export model(x) --traceback")
    shown = capsys.readouterr().out
    assert "the short report" not in shown
    assert "KeyError: 'the cause'" in shown
    assert "CaptureFailed: not exported" in shown


def test_an_interrupt_passes_through(models, asked):
    asked.error = KeyboardInterrupt()
    assert type(models.try_("%onnx_export model(x)").error_in_exec) is KeyboardInterrupt
    assert asked.shown == []


# ---------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("cell", ["%onnx_export --help", "%onnx_export -h", "%%onnx_export --help\nran = 1"])
def test_help_is_printed_and_nothing_runs(models, asked, capsys, cell):
    capsys.readouterr()
    assert models.run(cell) is None
    shown = capsys.readouterr().out
    assert "%onnx_export CALL [options]" in shown
    assert "--fail-on error|warning|never" in shown
    assert asked.exports == 0
    assert "ran" not in models.shell.user_ns


def test_the_question_mark_gives_the_same_text(nb):
    text = nb.shell.object_inspect("onnx_export")["docstring"]
    assert "%%onnx_export [options]" in text
    assert "--dynamic ARG:AXIS[=NAME]" in text
