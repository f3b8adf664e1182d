"""%config OnnxMagic: defaults, what wins, and bad values that break nothing."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("setting", "option", "value"),
    [
        ("opset = 18", "opset", 18),
        ("prove = False", "prove", False),
        ("changes = False", "changes", False),
        ("static = True", "static", True),
        ("keep_source = True", "keep_source", True),
        ("fail_on = 'error'", "fail_on", "error"),
    ],
)
def test_a_setting_holds_for_every_export(models, asked, setting, option, value):
    models.run(f"%config OnnxMagic.{setting}")
    models.run("%onnx_export model(x)")
    assert asked.options[option] == value


@pytest.mark.parametrize(
    ("setting", "given", "value"), [("50", "", 50), ("'all'", "", "all"), ("50", "--samples 7", 7)]
)
@pytest.mark.parametrize("line", ["%onnx_export model(x)", "%onnx_check net.onnx"])
def test_how_many_samples_are_taken(models, asked, line, setting, given, value):
    models.run(f"%config OnnxMagic.samples = {setting}")
    models.run(f"{line} --data [(x,)] {given}")
    assert asked.options["samples"] == value


def test_data_are_wanted_for_the_proof_also_where_there_is_none_by_default(models, asked):
    models.run("%config OnnxMagic.prove = False")
    models.run("%onnx_export model(x) --data [(x,)]")
    assert asked.options["prove"] is True


@pytest.mark.parametrize(
    ("setting", "given", "value"),
    [
        ("opset = 18", "--opset 20", 20),
        ("prove = False", "--prove", True),
        ("changes = False", "--changes", True),
        ("static = True", "--no-static", False),
        ("keep_source = True", "--no-keep-source", False),
        ("fail_on = 'error'", "--fail-on never", "never"),
    ],
)
def test_the_line_wins(models, asked, setting, given, value):
    models.run(f"%config OnnxMagic.{setting}")
    models.run(f"%onnx_export model(x) {given}")
    assert asked.options[setting.split()[0]] == value


def test_how_it_is_shown(models, asked):
    models.run("%config OnnxMagic.show = 'text'")
    models.run("%onnx_export model(x)")
    models.run("%onnx_export model(x) --show html")
    assert [how for _, how in asked.shown] == ["text", "html"]


def test_quiet(models, asked):
    models.run("%config OnnxMagic.quiet = True")
    models.run("%onnx_export model(x)")
    assert asked.shown == []
    models.run("%onnx_export model(x) --no-quiet")
    assert len(asked.shown) == 1


@pytest.mark.parametrize(
    "bad",
    [
        *("opset = 'a'", "show = 'loud'", "prove = 3", "fail_on = None"),
        *("keep = 0", "budget = 'much'", "samples = 'some'", "samples = 0"),
    ],
)
def test_a_bad_value_changes_nothing(models, asked, bad):
    models.run("%config OnnxMagic.opset = 18")
    models.run(f"%config OnnxMagic.{bad}")
    models.run("%onnx_export model(x) --data [(x,)]")
    assert (asked.options["opset"], asked.options["prove"], asked.options["fail_on"]) == (18, True, "never")
    assert asked.options["samples"] == 1000
    assert (models.run("%config OnnxMagic.keep"), models.run("%config OnnxMagic.budget")) == (16, "1GB")


def test_a_bad_value_breaks_no_later_load(models, asked):
    models.run("%config OnnxMagic.static = True")
    models.run("%config OnnxMagic.opset = 'a'")
    models.run("%reload_ext onnxmagic")
    models.run("%onnx_export model(x)")
    assert (asked.options["opset"], asked.options["static"]) == (None, True)


def test_settings_of_the_profile_are_read(bare_shell):
    bare_shell.config.OnnxMagic.opset = 19
    bare_shell.config.OnnxMagic.show = "nonsense"
    bare_shell.run_line_magic("load_ext", "onnxmagic")
    assert bare_shell.run_line_magic("config", "OnnxMagic.opset") == 19
    assert bare_shell.run_line_magic("config", "OnnxMagic.show") == "auto"


def test_they_are_listed_with_their_meaning(nb, capsys):
    nb.run("%config OnnxMagic")
    shown = capsys.readouterr().out
    for name in (
        "opset",
        "show",
        "fail_on",
        "prove",
        "changes",
        "keep_source",
        "static",
        "quiet",
        "keep",
        "budget",
        "samples",
    ):
        assert f"OnnxMagic.{name}=" in shown
