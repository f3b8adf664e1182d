"""Work that needs neither Python's lock nor the user's model goes on beside work that does.

Writing a file and loading it into a runtime are most of an export's waiting, and PyTorch's own answers do not depend on
either. The user's model always stays on the thread the user called from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

__all__ = ["beside"]

T = TypeVar("T")


@contextlib.contextmanager
def beside(work: Callable[[Event], T]) -> Generator[Callable[[], T]]:
    """Run `work` on another thread, and yield a function that waits for it and returns or raises what it did.

    On the way out the thread has ended. On the way out through an exception the event that `work` was given is set, for
    long work to look at.
    """
    stop = Event()
    with ThreadPoolExecutor(1, thread_name_prefix="onnxmagic") as thread:
        try:
            yield thread.submit(work, stop).result
        except BaseException:
            stop.set()
            raise
