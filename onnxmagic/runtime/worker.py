"""The process at the other end of ``apart``: it sets its own limits, then calls what it is told to call.

What its libraries print would break the conversation, so both of its outputs are closed to them. The limits come after
the start, since a limit on memory counts what the interpreter has taken already.
"""

from __future__ import annotations

import contextlib
import os
import sys
from importlib import import_module
from typing import Any, BinaryIO

from onnxmagic.runtime.frames import Closed, TooLarge, receive, send

__all__ = ["main"]

PER_THREAD = 24 * 2**20
"""Memory that a thread takes without computing anything: its stack, and its part of the allocator."""

_WANT_OF_MEMORY = (
    "bad allocation",
    "bad_alloc",
    "failed to allocate memory",
    "cannot allocate memory",
    "out of memory",
)


def main() -> None:
    """Read calls from standard input and write what they return to standard output."""
    replies = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for output in (1, 2):
        os.dup2(nowhere, output)
    calls = sys.stdin.buffer
    limit(**receive(calls))
    with contextlib.suppress(Closed, BrokenPipeError):
        while True:
            function, args = receive(calls)
            _reply(replies, _answer(function, args))
    os._exit(0)  # what a stranger's file left behind is not taken down in order


def limit(memory: int, seconds: float) -> None:
    """Set the limits of this process, where the platform has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    processors = os.cpu_count() or 1
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        # Memory that is written to; the limit on addresses (RLIMIT_AS) would count mapped files and what an allocator
        # only reserves, which is many times more.
        resource.RLIMIT_DATA: memory + processors * PER_THREAD,
        # Should the notebook die, nobody is left to stop the clock.
        resource.RLIMIT_CPU: int(10 * seconds * processors) + 60,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # a platform that knows the limit and does not set it
            resource.setrlimit(kind, (most, most))


def _answer(function: str, args: list[Any]) -> dict[str, Any]:
    module, _, name = function.partition(":")
    try:
        return {"value": getattr(import_module(module), name)(*args)}
    # Whatever it raises is the answer.
    except Exception as error:  # noqa: BLE001
        return {"kind": type(error).__name__, "message": str(error)[:10_000], "memory": _wants_memory(error)}


def _wants_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _WANT_OF_MEMORY)


def _reply(stream: BinaryIO, answer: dict[str, Any]) -> None:
    try:
        send(stream, answer)
    except TooLarge as error:
        send(stream, {"kind": "TooLarge", "message": f"its outputs are too large: {error}", "memory": False})
