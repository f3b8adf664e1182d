"""What is held around all batches of a sweep: the cell's silence, and one turn at the model for each thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from onnxmagic.disk.interrupt import deferred_interrupt
from onnxmagic.export.example import Example
from onnxmagic.export.quiet import quiet

__all__ = ["Silence", "Turns"]


class Silence:
    """``quiet`` for the whole sweep, because it costs as much as a small batch; left while somebody is told of it."""

    def __enter__(self) -> Silence:
        self._stack = ExitStack()
        self._stack.enter_context(quiet())
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def aloud(self, tell: Callable[[], None]) -> None:
        """Call `tell` with the cell's output as it was."""
        self._stack.close()
        try:
            tell()
        finally:
            self._stack.enter_context(quiet())


class Turns:
    """Threads of this process share the user's module, which nobody promised to run twice at a time.

    When the block ends, the run that is under way is waited for, and no other begins: the module is the user's again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False

    def __enter__(self) -> Turns:
        return self

    def __exit__(self, *exc: object) -> None:
        with deferred_interrupt(), self._lock:
            self._over = True

    def taken(self, function: Callable[[Example], Any]) -> Callable[[Example], Any]:
        """Return `function` as something that waits for its turn."""

        def in_turn(example: Example) -> Any:
            with self._lock:
                if self._over:
                    raise RuntimeError("the sweep is over")
                return function(example)

        return in_turn
