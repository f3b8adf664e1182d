"""The live line: it ticks, it leaves nothing behind, and it never gets in the way."""

from __future__ import annotations

import io
import sys
import threading
import time

import pytest

from onnxmagic.view import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def tickers():
    return [thread for thread in threading.enumerate() if thread.name == "onnxmagic-progress"]


def test_a_terminal_sees_one_line_that_is_erased(terminal, monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    with Progress() as progress:
        progress("capture")
        progress("prove")
    assert "\r\x1b[Kcapturing the graph … 0.0 s" in out.getvalue()
    assert "proving it" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[K")
    assert "\n" not in out.getvalue()


def test_what_is_no_terminal_sees_nothing(terminal, capsys):
    with Progress() as progress:
        progress("capture")
    assert capsys.readouterr().out == ""
    assert tickers() == []


def test_the_time_goes_on_while_a_stage_is_busy(kernel):
    with Progress() as progress:
        progress("capture")
        wait_for(lambda: len(kernel.outputs) >= 3)
    assert all("capturing the graph" in bundle["text/html"] for bundle, _, _ in kernel.outputs[:-1])


def test_one_output_is_updated_and_emptied(kernel):
    with Progress() as progress:
        progress("model")
        progress("axes")
    (_, first, update), *others = kernel.outputs
    assert not update
    assert {(display_id, updated) for _, display_id, updated in others} == {(first, True)}
    assert kernel.outputs[-1][0] == {"text/html": "", "text/plain": ""}
    assert progress.display_id == first


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_neither_a_bar_nor_a_thread(kernel, error):
    def fail():
        with Progress() as progress:
            progress("capture")
            raise error

    with pytest.raises(error):
        fail()
    assert kernel.outputs[-1][0]["text/html"] == ""
    wait_for(lambda: tickers() == [])


def test_without_a_stage_nothing_is_shown(kernel):
    with Progress() as progress:
        pass
    assert kernel.outputs == []
    assert progress.display_id is None


def test_a_closed_terminal_stops_the_line_and_not_the_export(terminal, monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    with Progress() as progress:
        out.close()
        progress("capture")


def test_a_captured_cell_keeps_no_updates(kernel):
    from IPython.utils.capture import capture_output

    with capture_output() as captured, Progress() as progress:
        progress("capture")
    assert captured.outputs == []


def test_an_unknown_stage_is_shown_by_its_name(kernel):
    with Progress() as progress:
        progress("<new>")
    assert "&lt;new&gt; …" in kernel.outputs[0][0]["text/html"]
