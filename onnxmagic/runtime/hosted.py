"""ONNX Runtime as the process of ``apart`` holds it: sessions by number, since a session cannot be handed over."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from typing import Any, Final

from onnxmagic.runtime.ort import OnnxRuntime, OrtSession, plain_reason

__all__ = ["drop", "hold", "load", "run", "seconds"]

_SESSIONS: Final[dict[int, OrtSession]] = {}
_HELD: Final[dict[int, dict[str, Any]]] = {}
_NUMBERS: Final = count(1)


class RuntimeRefuses(Exception):
    """ONNX Runtime does not run the file on these inputs; the message is its reason."""


def load(path: str, optimize: bool, weights_in: str = "") -> dict[str, Any]:
    """Load a file; return the session's number, its inputs and outputs, and the runtime's name."""
    runtime = OnnxRuntime()
    session = runtime.load(Path(path), optimize=optimize, weights_in=Path(weights_in) if weights_in else None)
    number = next(_NUMBERS)
    _SESSIONS[number] = session
    return {"number": number, "inputs": session.inputs, "outputs": session.outputs, "name": runtime.name}


def run(number: int, feeds: dict[str, Any]) -> list[Any]:
    """Run a session.

    Raises
    ------
    RuntimeRefuses
    """
    try:
        return _SESSIONS[number].run(feeds)
    except Exception as error:
        raise RuntimeRefuses(plain_reason(error)) from error


def hold(number: int, feeds: dict[str, Any]) -> None:
    """Keep the inputs that a session is to be timed on."""
    _HELD[number] = feeds


def seconds(number: int, runs: int) -> float:
    """Return how long one run of a session takes on the inputs it holds, in the mean of `runs`.

    Raises
    ------
    RuntimeRefuses
    """
    start = time.perf_counter()
    for _ in range(runs):
        run(number, _HELD[number])
    return (time.perf_counter() - start) / runs


def drop(number: int) -> None:
    """Forget a session, and give its memory back."""
    _SESSIONS.pop(number, None)
    _HELD.pop(number, None)
