"""What a person sees when an export fails."""

from __future__ import annotations

import re

import pytest
import samples

from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.errors import CaptureFailed, GateClosed, ModelFailed, WriteFailed
from onnxmagic.view import failure_lines, mark_shown

HEADLINE = "The model decides by the values of a tensor, and a graph cannot."
BRANCH = Finding(
    "OM301",
    "data-dependent-branch",
    "error",
    HEADLINE,
    Where(cell=7, line=14, source="if y.mean() > 0:", function="Gate.forward"),
    Fix("code", "torch.where(y.mean() > 0, y, -y)"),
)


def plain(error):
    return [re.sub(r"\x1b\[\d+m", "", line) for line in failure_lines(error)]


def test_a_refused_model_names_the_line_and_what_to_write():
    error = CaptureFailed(HEADLINE, (BRANCH,))
    error.__cause__ = ValueError("inner")
    assert plain(error) == [
        "✗ Not exported. The model decides by the values of a tensor, and a graph cannot.  OM301",
        "",
        "  cell 7, line 14, in Gate.forward",
        "      if y.mean() > 0:",
        "  Write instead:  torch.where(y.mean() > 0, y, -y)",
        "",
        "  Nothing was written. The whole traceback: --traceback",
    ]


def test_a_failing_model_needs_no_finding():
    where = Where(cell=3, line=2, source="return self.fc(x)", function="forward")
    lines = plain(ModelFailed("The model itself fails on this example: E", where=where, advice="pass `x.float()`"))
    assert lines[2:5] == ["  cell 3, line 2, in forward", "      return self.fc(x)", "  Instead:  pass x.float()"]


def test_a_message_that_says_more_than_the_headline_is_shown():
    error = CaptureFailed("The graph could not be made.", (BRANCH,))
    assert plain(error)[2] == f"  {HEADLINE}"


def test_several_findings_are_listed_each_with_its_line():
    lines = plain(CaptureFailed("Two operators have no translation.", (BRANCH, BRANCH)))
    assert sum("cell 7, line 14 in Gate.forward" in line for line in lines) == 2


def test_detail_is_shown_as_text():
    lines = plain(CaptureFailed("No.", detail="first\nsecond\x1b[2J"))
    assert lines[2:4] == ["  first", r"  second\x1b[2J"]


@pytest.mark.parametrize(
    ("error", "opening"),
    [
        (WriteFailed("The disk is full."), "✗ Not written. The disk is full."),
        (GateClosed("`--fail-on warning`, and there are 2.", samples.ready(path=None)), "✗ Not kept. --fail-on"),
        (CaptureFailed("Not possible."), "✗ Not possible."),
    ],
)
def test_the_headline_opens_with_what_did_not_happen(error, opening):
    assert plain(error)[0].startswith(opening)
    assert plain(error)[-1].startswith("  Nothing was written")


def test_a_closed_gate_lists_the_findings():
    assert [line for line in plain(GateClosed("No.", samples.ready()))[1:] if "OM101" in line]


def test_a_closed_gate_does_not_repeat_the_report_above(terminal):
    export = samples.ready()
    mark_shown(export)
    assert not [line for line in plain(GateClosed("No.", export))[1:] if "OM101" in line]


def test_ipython_prints_these_lines_and_no_stack(terminal, capsys):
    terminal.user_ns["error"] = CaptureFailed(HEADLINE, (BRANCH,))
    result = terminal.run_cell("raise error")
    assert isinstance(result.error_in_exec, CaptureFailed)
    shown = capsys.readouterr().out
    assert "✗ Not exported." in shown
    assert "Traceback" not in shown
    assert "\x1b" not in shown


def test_colour_unless_it_was_turned_off(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert failure_lines(CaptureFailed("No."))[0].startswith("✗")
    monkeypatch.delenv("NO_COLOR")
    assert failure_lines(CaptureFailed("No."))[0].startswith("\x1b[31m✗")
