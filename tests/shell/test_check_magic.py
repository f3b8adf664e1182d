"""%onnx_check: what a line means, what is asked of the check, what is shown, bound and raised."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onnxmagic.errors import CheckFailed, ModelFailed, UsageMistake
from onnxmagic.subject import path_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with two model files in it."""
    monkeypatch.chdir(tmp_path)
    for name in ("net.onnx", "my net.onnx", "plain"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


# ----------------------------------------------------------------------------------------------------- what is checked


def test_a_call_is_captured_and_not_made(models, asked):
    assert models.run("%onnx_check model(x, mask=[1])") == "the export"
    assert asked.subject == (models["model"], (models["x"],), {"mask": [1]})
    assert asked.options["name"] == "model"
    assert asked.shown == [("the export", "auto")]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("net.onnx", "net.onnx"),
        ("missing.onnx", "missing.onnx"),
        ("NET.ONNX", "NET.ONNX"),
        ("plain", "plain"),
        ('"my net.onnx"', "my net.onnx"),
        ("'my net.onnx'", "my net.onnx"),
        ("{run}/net.onnx", "a/net.onnx"),
        ("$run/net.onnx", "a/net.onnx"),
        ("net(1).onnx", "net(1).onnx"),
        ("models/net-2.onnx", "models/net-2.onnx"),
    ],
)
def test_a_file(models, asked, folder, line, path):
    models.run("run = 'a'")
    models.run(f"%onnx_check {line};")
    assert asked.subject == (path,)
    assert asked.options["name"] is None


def test_home_is_known(models, asked, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    models.run("%onnx_check ~/net.onnx;")
    assert Path(asked.subject[0]) == Path("/home/someone/net.onnx")


VALUES = """
import onnx
class Holder:
    onnx = b"an attribute"
class Export:
    def model_proto(self): raise AssertionError("not asked")
net, e, path, proto, data = Holder(), Export(), "there.onnx", onnx.ModelProto(), b"bytes"
def load(name): return data
"""


@pytest.mark.parametrize(
    ("line", "name", "called"),
    [("e", "e", "e"), ("path", "path", None), ("proto", "proto", "proto"), ("data", "data", "data")],
)
def test_a_variable(models, asked, folder, line, name, called):
    models.run(VALUES)
    models.run(f"%onnx_check {line};")
    assert asked.subject == (models[name],)
    assert asked.options["name"] == called


def test_a_file_wins_over_an_attribute_and_brackets_make_it_python(models, asked, folder):
    models.run(VALUES)
    models.run("%onnx_check net.onnx;")
    assert asked.subject == ("net.onnx",)
    models.run("%onnx_check (net.onnx);")
    assert asked.subject == (b"an attribute",)


def test_a_variable_wins_over_a_file_without_a_suffix(models, asked, folder):
    models.run("plain = b'a variable'")
    models.run("%onnx_check plain;")
    assert asked.subject == (b"a variable",)


def test_a_call_of_no_model_is_python(models, asked, folder):
    models.run(VALUES)
    models.run("%onnx_check load('net.onnx');")
    assert asked.subject == (b"bytes",)


def test_a_function_s_locals_are_seen(models, asked):
    models.run("def go(mine):\n    %onnx_check mine;\ngo(b'bytes')")
    assert asked.subject == (b"bytes",)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "What is to be checked? Write the call of a model, model(x), or a file: %onnx_check net.onnx"),
        ("model", "`model` is a model; write the call you would run, with an example: model(x)"),
        ("Net", "`Net` is a class; call a model made from it"),
        ("modl", "There is no `modl`. Did you mean `model`?"),
        ("modl(x)", "There is no `modl`. Did you mean `model`?"),
        ("x", "`x` is of type Tensor, and nothing in it can be checked."),
        ("None", "`None` is None, and nothing in it can be checked."),
        ("print(model(x))", "Write the model's call alone: model(x)"),
        ("model.encode(x)", "is a method, and only a model's forward"),
        ("my net.onnx", 'A path with blanks needs quotes: %onnx_check "my net.onnx"'),
        ("new folder/net.onnx", 'needs quotes: %onnx_check "new folder/net.onnx"'),
        ("net.onnx my.onnx", "One file at a time: %onnx_check net.onnx"),
        ("$nothing/net.onnx", "name 'nothing' is not defined"),
        ("model(x) net", "`net` is neither part of the call nor an option."),
        ("net", "There is no variable `net`, but a file: %onnx_check net.onnx"),
    ],
)
def test_what_cannot_be_checked(models, asked, folder, line, message):
    assert message in models.error(f"%onnx_check {line}")
    assert asked.subject is None


@pytest.mark.parametrize("word", ["~nobody(x)", "~nobody/x", "a" * 5000, "\0"])
def test_strange_words_are_no_files(word):
    assert path_of((word,), {}) is None


@given(st.lists(st.text("net.ox/~ \\'\"(){}$#\0", min_size=1, max_size=20), max_size=3))
def test_no_word_trips_it(words):
    with contextlib.suppress(UsageMistake):
        assert isinstance(path_of(tuple(words), {}), str | None)


def test_an_error_in_the_user_s_own_code_is_theirs(models, asked):
    assert type(models.try_("%onnx_check model(1 / 0)").error_in_exec) is ZeroDivisionError
    assert type(models.try_("%onnx_check net.onnx --data [1 / 0]").error_in_exec) is ZeroDivisionError


# ------------------------------------------------------------------------------------------------------------- options


def asked_for(asked):
    """Return the options that are no matter of the shell."""
    return {k: v for k, v in asked.options.items() if k not in ("progress", "cells")}


def test_the_defaults_are_those_of_the_function(models, asked):
    models.run("%onnx_check net.onnx")
    assert asked_for(asked) == {
        "output": None,
        "run": True,
        "fail_on": "never",
        "select": (),
        "ignore": (),
        "fix": False,
        "targets": "",
        "name": None,
    }


def test_every_option_arrives(models, asked):
    models.run("loader, folder, pool = [(x,)], 'out', 'the pool'")
    models.run(
        "%onnx_check net.onnx --against model --data loader[:1] --samples 3 --executor pool --target onnxruntime==1.17 "
        "--target opencv,tensorrt --select OM1,OM2 --select train-mode --ignore OM105 --fix unsafe -o $folder/f.onnx "
        "--no-run --fail-on warning --show text --as found"
    )
    assert asked_for(asked) == {
        "against": models["model"],
        "data": models["loader"][:1],
        "samples": 3,
        "executor": "the pool",
        "output": "out/f.onnx",
        "run": False,
        "fail_on": "warning",
        "select": ("OM1", "OM2", "train-mode"),
        "ignore": ("OM105",),
        "fix": "unsafe",
        "targets": ("onnxruntime==1.17", "opencv", "tensorrt"),
        "name": None,
    }
    assert asked.shown == [("the export", "text")]
    assert models["found"] == "the export"


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("--fix", "safe"),
        ("--fix -o f.onnx", "safe"),
        ("--fix safe", "safe"),
        ("--fix unsafe", "unsafe"),
        ("--fix OM102", "OM102"),
        ("--fix OM102,source-leak", "OM102,source-leak"),
        ("--fix OM102 --fix OM605", "OM102,OM605"),
        ("--fix dropout-to-identity", "dropout-to-identity"),
        ("--fix=dropout-to-identity", "dropout-to-identity"),
        ("--fix om999", "om999"),
        ("--fix dropout-to-identiti", "dropout-to-identiti"),
    ],
)
def test_the_word_after_fix_is_its_value_only_if_it_says_what_to_mend(models, asked, line, fix):
    models.run(f"%onnx_check net.onnx {line}")
    assert asked.options["fix"] == fix
    assert asked.subject == ("net.onnx",)


def test_fix_before_the_file_or_the_call(models, asked):
    models.run("%onnx_check --fix net.onnx -o f.onnx")
    assert (asked.subject, asked.options["fix"]) == (("net.onnx",), "safe")
    models.run("%onnx_export --fix model(x)")
    assert (asked.model, asked.options["fix"]) == (models["model"], "safe")


@pytest.mark.parametrize("written", ["loader", "$loader", "{loader}", "'loader'"])
def test_data_are_the_variable_itself_however_it_is_written(models, asked, written):
    models.run("loader = [(x,)]")
    models.run(f"%onnx_check net.onnx --data {written}")
    assert asked.options["data"] is models["loader"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--sample 3", "There is no option --sample. Did you mean --samples?"),
        ("--samples few", "--samples takes a whole number from 1, for example 1000, or all, not 'few'."),
        ("--samples 0", "--samples takes a whole number from 1"),
        (
            "--samples 8",
            "--samples says how much of --data is taken, and there is none: add for example --data val_loader",
        ),
        ("--executor pool", "--executor says who runs --data, and there is none"),
        ("--data loadr", "There is no `loadr`. Did you mean `loader`?"),
        ("--against 1+", "--against 1+ is no Python"),
        ("--fail-on errors", "--fail-on takes error, warning or never"),
        ("--target", "--target needs a value."),
        ("--explain OM101", "--explain stands alone"),
    ],
)
def test_a_wrong_option_runs_nothing(models, asked, line, message):
    models.run("loader = []")
    assert message in models.error(f"%onnx_check net.onnx {line}")
    assert asked.subject is None


# ------------------------------------------------------------------------------------------------------------ settings


def test_the_setting_ignores_and_the_line_adds_to_it(models, asked):
    models.run("%config OnnxMagic.ignore = 'OM206, OM605'")
    models.run("%onnx_check net.onnx --ignore OM308")
    assert asked.options["ignore"] == ("OM206", "OM605", "OM308")
    models.run("%onnx_export model(x)")
    assert asked.options["ignore"] == ("OM206", "OM605")


def test_a_line_that_selects_sets_the_ignored_aside(models, asked):
    models.run("%config OnnxMagic.ignore = ['OM206']")
    models.run("%onnx_check net.onnx --select OM2")
    assert (asked.options["select"], asked.options["ignore"]) == (("OM2",), ())


def test_targets_of_the_session(models, asked):
    models.run("%config OnnxMagic.targets = 'opencv'")
    models.run("%onnx_check net.onnx")
    assert asked.options["targets"] == "opencv"
    models.run("%onnx_check net.onnx --target tensorrt")
    assert asked.options["targets"] == ("tensorrt",)
    models.run('%onnx_export model(x) --target ""')
    assert asked.options["targets"] == ()


def test_a_setting_that_names_no_rule_changes_nothing(models, asked):
    models.run("%config OnnxMagic.ignore = 'OM206'")
    models.run("%config OnnxMagic.ignore = 'OM999'")
    models.run("%onnx_check net.onnx")
    assert asked.options["ignore"] == ("OM206",)


# ------------------------------------------------------------------------------------------------------------- manners


@pytest.mark.parametrize("line", ["net.onnx;", "net.onnx -q", "net.onnx;  # done"])
def test_silence(models, asked, line, capsys):
    capsys.readouterr()
    models.run(f"c = %onnx_check {line}\nd = 1")
    assert (models["c"], asked.shown, asked.stages) == ("the export", [], [])
    assert capsys.readouterr().out == ""


def test_a_quiet_result_is_the_cell_s_value_and_not_shown(models, asked):
    assert models.run("%onnx_check net.onnx -q") == "the export"
    assert (asked.shown, asked.marked) == ([], ["the export"])
    assert models.run("%onnx_check net.onnx;") is None


class Failing:
    findings = ()


def test_a_closed_gate_shows_the_report_first_and_binds_nothing(models, asked):
    asked.error = CheckFailed("1 error", Failing())
    assert models.try_("%onnx_check net.onnx --fail-on error --as c").error_in_exec is asked.error
    assert asked.shown == [(asked.error.check, "auto")]
    assert "c" not in models.shell.user_ns


@pytest.mark.parametrize("error", [ModelFailed("no"), CheckFailed("1 error", Failing())])
def test_the_whole_stack_on_request(models, asked, capsys, error):
    asked.error = error
    models.try_("%onnx_check net.onnx -q --traceback")
    assert "raise self.error" in capsys.readouterr().out


def test_misuse_found_by_the_check_is_a_usage_error(models, asked):
    asked.error = UsageMistake("There is no file net.onnx.")
    assert models.error("%onnx_check net.onnx") == "There is no file net.onnx."


# ---------------------------------------------------------------------------------------------------------------- help


def test_a_rule_is_explained(nb, capsys):
    assert nb.run("%onnx_check --explain OM101") is None
    assert capsys.readouterr().out.startswith("OM101 train-mode (warning): ")


def test_an_error_text_is_explained(nb, capsys):
    nb.run('%onnx_check --explain "Got invalid dimensions for input: x for the following indices"')
    shown = capsys.readouterr().out
    assert shown.startswith("Got invalid dimensions for input (from ONNX Runtime)")
    assert "--dynamic" in shown


@pytest.mark.parametrize(
    ("asked_for", "message"),
    [("OM999", "there is no rule `OM999`"), ('"the cat sat"', "no rule and no error text"), ("", "needs a value")],
)
def test_what_cannot_be_explained(nb, asked_for, message):
    assert message in nb.error(f"%onnx_check --explain {asked_for}")


def test_help_is_printed_and_nothing_runs(models, asked, capsys):
    models.run("%onnx_check model(x) --help")
    shown = capsys.readouterr().out
    assert "%onnx_check net.onnx --fix -o fixed.onnx" in shown
    assert "--fail-on error|warning|never" in shown
    assert asked.subject is None


def test_the_question_mark_gives_the_same_text(nb):
    text = nb.shell.object_inspect("onnx_check")["docstring"]
    assert "unless it is a call" in text
    assert "--fix [safe|unsafe|NAMES]" in text
    assert max(len(line) for line in text.splitlines()) <= 120
