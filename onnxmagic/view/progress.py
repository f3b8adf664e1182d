"""One live line while an export runs: which stage, how far it is, and for how long.

The time is told by a thread, because torch may keep the main thread busy for minutes without a word. The thread only
writes to what was opened before the export: the stage itself may have put the process's output aside.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from contextlib import suppress
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, TextIO

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.getipython import get_ipython

from onnxmagic.view.markup import Markup, tag
from onnxmagic.view.span import clean
from onnxmagic.view.words import seconds

__all__ = ["Progress"]

STAGES = {
    "model": "running your model",
    "axes": "trying other sizes",
    "capture": "capturing the graph",
    "write": "writing",
    "read": "reading the file",
    "fix": "mending it",
    "check": "checking the file",
    "run": "running it",
    "prove": "proving it",
    "compare": "comparing it with the file before",
    "sweep": "running your data",
}
_EXPORT = ("model", "axes", "capture", "write", "check", "prove")
_FILE = ("read", "fix", "check", "run", "prove")
"""The order of the stages, for a model and for a file that is checked."""
_RARE = "sweep"
"""It follows all the others, and has a place only where it happens: nobody must wait for what will not come."""

_FRACTION = re.compile(r"([\d,]*\d) of ([\d,]*\d)")

TICK = 0.25
"""Seconds between two updates."""


class Progress:
    """The line; a context manager that is called with the name of each stage as it starts.

    Behind the name, a colon and a blank may stand how far it is: ``sweep: 1,024 of 10,000 samples, 11 s left``. The
    first fraction among these words is drawn in the bar.

    After the ``with`` block it shows nothing. ``display_id`` then names the empty output in a notebook, for the report
    to take its place; None when there is none.
    """

    def __init__(self) -> None:
        self.display_id: str | None = None
        self._line = _line()
        self._stage = ""
        self._start = time.monotonic()
        self._stop = Event()
        self._drawing = Lock()
        self._ticker: Thread | None = None

    def __call__(self, stage: str) -> None:
        """Show that `stage` starts now, or how far it is."""
        same = ": " in stage and _split(stage)[0] == _split(self._stage)[0]
        self._stage = stage
        if self._line is None or same:
            # A sweep tells of every batch: the next tick is soon enough for a front end.
            return
        self._draw()
        if self._ticker is None:
            self._ticker = Thread(target=self._tick, name="onnxmagic-progress", daemon=True)
            self._ticker.start()

    def __enter__(self) -> Progress:
        self._start = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._stop.set()
        with self._drawing, suppress(OSError, ValueError):
            if self._line is not None and self._ticker is not None:
                self._line.clear()
        if self._ticker is not None:
            self._ticker.join(timeout=1)

    def _tick(self) -> None:
        while not self._stop.wait(TICK):
            self._draw()

    def _draw(self) -> None:
        with self._drawing:
            if self._line is None or self._stop.is_set():
                return
            # The terminal or the kernel's channel may be gone; the export must not fail for that.
            with suppress(OSError, ValueError):
                self._line.draw(self._stage, time.monotonic() - self._start)
                self.display_id = self._line.display_id


class _KernelLine:
    """A display in a notebook that is updated in place."""

    def __init__(self) -> None:
        self.display_id: str | None = None
        self._order: tuple[str, ...] = ()

    def draw(self, stage: str, elapsed: float) -> None:
        from IPython.display import display, update_display

        name = _split(stage)[0]
        self._order = self._order or (_EXPORT if name in _EXPORT else _FILE)
        if name == _RARE and name not in self._order:
            self._order = (*self._order, name)
        bundle = {"text/html": _bar(stage, elapsed, self._order), "text/plain": _words(stage, elapsed)}
        if self.display_id is None:
            handle: Any = display(bundle, raw=True, display_id=True)
            self.display_id = handle.display_id
        else:
            update_display(bundle, raw=True, display_id=self.display_id)

    def clear(self) -> None:
        from IPython.display import update_display

        update_display({"text/html": "", "text/plain": ""}, raw=True, display_id=self.display_id)


class _TerminalLine:
    """A line in a terminal that is written over, and erased at the end."""

    display_id = None

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, stage: str, elapsed: float) -> None:
        # A line that the terminal breaks in two could not be erased.
        told = _words(stage, elapsed)[: max(shutil.get_terminal_size().columns - 1, 20)]
        self._stream.write(f"\r\x1b[K{told}")
        self._stream.flush()

    def clear(self) -> None:
        self._stream.write("\r\x1b[K")
        self._stream.flush()


def _line() -> _KernelLine | _TerminalLine | None:
    """Return where progress can be seen: a kernel's front end, a terminal, or nowhere."""
    shell = get_ipython()
    if getattr(shell, "kernel", None) is not None:
        # %%capture keeps every update as an output of its own; nobody watches it.
        captured = isinstance(getattr(shell, "display_pub", None), CapturingDisplayPublisher)
        return None if captured else _KernelLine()
    return _TerminalLine(sys.stdout) if sys.stdout is not None and sys.stdout.isatty() else None


def _words(stage: str, elapsed: float) -> str:
    # In tenths from the start: a unit that changes would make the line jump.
    told = f"{elapsed:.1f} s" if elapsed < 99.95 else seconds(elapsed)
    name, detail = _split(stage)
    return f"{clean(': '.join(filter(None, (STAGES.get(name, name), detail))))} … {told}"


def _split(stage: str) -> tuple[str, str]:
    """Return a stage's name and how far it is; a name that is no stage's is shown whole."""
    name, _, detail = stage.partition(": ")
    return (name, detail) if name in STAGES else (stage, "")


def _done(detail: str) -> float:
    """Return which part of a stage is done; all of it where nothing is said of it, so that its piece is seen."""
    found = _FRACTION.search(detail)
    if found is None:
        return 1.0
    done, whole = (int(figure.replace(",", "")) for figure in found.groups())
    return min(done / whole, 1.0) if whole else 1.0


def _bar(stage: str, elapsed: float, names: tuple[str, ...]) -> Markup:
    name, detail = _split(stage)
    now = names.index(name) if name in names else -1
    colours = ["#1f9d4d" if index < now else "#8c959f40" for index in range(len(names))]
    piece = "display: block; height: 6px; border-radius: 3px; background: "
    filled = tag("span", style=f"{piece}#3b82f6; width: {_done(detail):.1%}")
    inside = [(filled,) if index == now else () for index in range(len(names))]
    pieces = [
        tag("span", *inner, style=f"{piece}{colour}; flex: 1 1 0")
        for inner, colour in zip(inside, colours, strict=True)
    ]
    bar = tag("span", *pieces, style="display: flex; flex: 0 1 240px; gap: 3px")
    words = tag("span", _words(stage, elapsed))
    style = "display: flex; gap: 12px; align-items: center; padding: 4px 0; font-family: sans-serif; font-size: 13px"
    return tag("div", bar, words, style=style, data_testid="om-progress", role="status")
