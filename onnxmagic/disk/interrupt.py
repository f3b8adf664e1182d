"""A step that must not be left half done, such as the exchange of two files."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator
from types import FrameType

__all__ = ["WholeSteps", "deferred_interrupt"]


@contextlib.contextmanager
def deferred_interrupt() -> Generator[None]:
    """Hold back KeyboardInterrupt until the block is done; a half-restored model would be worse than a late one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    except ValueError:  # an embedded interpreter: Python owns no signals there, so no interrupt can come
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        raise KeyboardInterrupt


class WholeSteps:
    """As ``deferred_interrupt``, for a step that is done a thousand times: ``with steps:`` only sets a flag.

    To change a signal's handler takes Python as long as to compare a small batch, so it is done once, by ``handled``.
    """

    def __init__(self) -> None:
        self._inside = False
        self._caught = False

    @contextlib.contextmanager
    def handled(self) -> Generator[None]:
        """Hold back what comes in a step, for as long as this block runs."""
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(before):
            yield
            return

        def handle(number: int, frame: FrameType | None) -> None:
            if self._inside:
                self._caught = True
            else:
                before(number, frame)

        signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def __enter__(self) -> None:
        self._inside = True

    def __exit__(self, *_: object) -> None:
        self._inside = False
        if self._caught:
            self._caught = False
            raise KeyboardInterrupt
