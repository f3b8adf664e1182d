"""The live line: it ticks, it leaves nothing behind, and it never gets in the way."""

from __future__ import annotations

import io
import re
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


SWEEP = "sweep: 1,024 of 4,096 samples, 812 a second, 11 s left"


def widths(page):
    return re.findall(r"width: ([\d.]+)%", page)


def test_how_far_a_stage_is_stands_in_the_line_and_in_the_bar(kernel):
    with Progress() as progress:
        progress("prove")
        progress(SWEEP)
    before, now = (bundle for bundle, _, _ in kernel.outputs[:2])
    assert now["text/plain"].startswith("running your data: 1,024 of 4,096 samples, 812 a second, 11 s left … ")
    assert widths(now["text/html"]) == ["25.0"]
    assert widths(before["text/html"]) == ["100.0"]
    # Its place follows the proof's, and is there only where it happens.
    assert now["text/html"].count("flex: 1 1 0") == before["text/html"].count("flex: 1 1 0") + 1
    assert now["text/html"].count("#1f9d4d") == 6
    assert now["text/html"].index("#3b82f6") > now["text/html"].rindex("#1f9d4d")


@pytest.mark.parametrize(
    ("detail", "width"), [("12 samples", "100.0"), ("0 of 0", "100.0"), ("0 of 7", "0.0"), ("9 of 3 samples", "100.0")]
)
def test_a_bar_is_never_longer_than_its_place(kernel, detail, width):
    with Progress() as progress:
        progress(f"sweep: {detail}")
    assert widths(kernel.outputs[0][0]["text/html"]) == [width]


def test_a_batch_a_millisecond_is_no_flood(kernel):
    with Progress() as progress:
        for number in range(1000):
            progress(f"sweep: {number:,} of 1,000 samples")
        wait_for(lambda: "999 of 1,000" in kernel.outputs[-1][0]["text/plain"])
    assert len(kernel.outputs) < 20


def test_a_narrow_terminal_gets_no_second_line(terminal, monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "40")
    with Progress() as progress:
        progress(SWEEP)
    assert max(len(text) for text in out.getvalue().split("\r\x1b[K")) == 39


def test_a_colon_in_an_unknown_name_is_part_of_it(kernel):
    with Progress() as progress:
        progress("batch 3: more\x1b[2J")
    assert kernel.outputs[0][0]["text/plain"].startswith("batch 3: more\\x1b[2J … ")
