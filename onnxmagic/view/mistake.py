"""A mistake in a call of a function: the user's own lines and the message, without the stack through our files.

A magic says a mistake in one line. A function cannot: it may stand deep in a cell, or in a file of the user's, so the
lines that led to it are needed. The exception keeps all of its stack; only what IPython prints is cut.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import IPython
from IPython.core.getipython import get_ipython

__all__ = ["mistake_lines"]

_OURS = str(Path(__file__).parents[1])
_SHELL = str(Path(IPython.__file__).parent)


def mistake_lines(error: Exception) -> list[str]:
    """Return the lines that IPython prints for `error`, its stack up to the call of ours."""
    shell = get_ipython()
    stack = _until_ours(error.__traceback__)
    if shell is None or stack is None:
        return [f"{type(error).__name__}: {error}"]
    alone = type(error)(str(error))  # what it came of is ours too
    return shell.InteractiveTB.structured_traceback(type(error), alone, stack, tb_offset=0)


def _until_ours(stack: TracebackType | None) -> TracebackType | None:
    """Return a copy of `stack` with the frames between the shell's and ours."""
    while stack is not None and _file(stack).startswith(_SHELL):
        stack = stack.tb_next
    if stack is None or _file(stack).startswith(_OURS):
        return None
    return TracebackType(_until_ours(stack.tb_next), stack.tb_frame, stack.tb_lasti, stack.tb_lineno)


def _file(stack: TracebackType) -> str:
    return stack.tb_frame.f_code.co_filename
