"""Silence in the cell while torch works.

torch.onnx prints, warns and logs; the user's own forward may print once more for every run of ours. All of that is kept
from the cell, in this thread only: a training loop in another thread keeps its prints and its logs.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Generator
from typing import Any, TextIO, cast

__all__ = ["quiet"]

LOGGERS = ("torch", "onnxscript", "onnx_ir", "onnx", "transformers")


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep this thread's prints, and torch's warnings and log records, from the cell."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(cast("TextIO", _OtherThreadsOnly(sys.stdout))))
        stack.enter_context(contextlib.redirect_stderr(cast("TextIO", _OtherThreadsOnly(sys.stderr))))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_no_records())
        yield


class _OtherThreadsOnly:
    """A text stream that swallows what the thread that made it writes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._silent = threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._silent or self._stream is None:
            return len(text)
        return self._stream.write(text)

    def flush(self) -> None:
        if threading.get_ident() != self._silent and self._stream is not None:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _no_records() -> Generator[None]:
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        return threading.get_ident() != thread or record.name.split(".", 1)[0] not in LOGGERS

    handlers = _handlers()
    for handler in handlers:
        handler.addFilter(keep)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(keep)


def _handlers() -> list[logging.Handler]:
    """Return every handler a record of these loggers can reach."""
    found = {id(h): h for h in logging.getLogger().handlers}
    if logging.lastResort is not None:
        found[id(logging.lastResort)] = logging.lastResort
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and name.split(".", 1)[0] in LOGGERS:
            found.update({id(h): h for h in logger.handlers})
    return list(found.values())
