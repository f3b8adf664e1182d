"""From a Python stack to the line that its reader wrote.

A stack from torch runs through fifty frames of torch. The person can change one of them: the innermost that is theirs,
a notebook cell first, else a file that is neither installed nor part of Python.
"""

from __future__ import annotations

import linecache
import re
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from onnxmagic.check.finding import Where

__all__ = ["Cells", "where_from_trace", "where_from_traceback", "where_of_line"]

Cells = Callable[[str], "int | None"]
"""Maps a Python file name to the number of the notebook cell it is, or None."""

_FRAME = re.compile(
    r'File "(?P<file>[^"\n]*)", line (?P<line>\d{1,9}), in (?P<function>[^\n]*)(?:\n[ \t]*(?P<source>[^\n]*))?'
)

# What a person typed has such names; other names in angle brackets are made up by Python and torch.
_TYPED = ("<stdin>", "<ipython-input-", "<python-input-")


@dataclass(frozen=True, slots=True)
class _Frame:
    file: str
    line: int
    function: str
    source: str


def where_from_trace(trace: str, cells: Cells | None = None) -> Where:
    """Return the user's line in a stack that torch wrote as text.

    Parameters
    ----------
    trace : str
        Frames as Python prints them (``File "…", line N, in forward`` and the code below), innermost last.
    cells : callable, optional
        Tells which file is which notebook cell.

    Returns
    -------
    Where
        Empty when no frame is the user's.
    """
    frames: list[_Frame] = []
    for match in _FRAME.finditer(trace):
        source = (match["source"] or "").strip()
        code = "" if source.startswith('File "') else source
        frames.append(_Frame(match["file"], int(match["line"]), match["function"].strip(), code))
    return _pick(frames, cells)


def where_from_traceback(tb: TracebackType | None, cells: Cells | None = None) -> Where:
    """Return the user's line in a Python traceback; empty when no frame is the user's."""
    frames: list[_Frame] = []
    while tb is not None:
        code = tb.tb_frame.f_code
        source = linecache.getline(code.co_filename, tb.tb_lineno, tb.tb_frame.f_globals).strip()
        frames.append(_Frame(code.co_filename, tb.tb_lineno, code.co_name, source))
        tb = tb.tb_next
    return _pick(frames, cells)


def where_of_line(file: str, line: int, function: str, cells: Cells | None = None) -> Where:
    """Return a line of a file or cell; empty when it is not the user's."""
    return _pick([_Frame(file, line, function, linecache.getline(file, line).strip())], cells)


def _pick(frames: Sequence[_Frame], cells: Cells | None) -> Where:
    for frame in reversed(frames):
        cell = cells(frame.file) if cells else None
        if cell is not None:
            return Where(cell=cell, line=frame.line, source=frame.source or None, function=frame.function)
    for frame in reversed(frames):
        if not _installed(frame.file):
            name = re.split(r"[/\\]", frame.file)[-1]
            return Where(file=name, line=frame.line, source=frame.source or None, function=frame.function)
    return Where()


def _installed(file: str) -> bool:
    """Return whether `file` is a library's, Python's own, ours, or made up by torch (``<eval_with_key>.3``)."""
    path = file.replace("\\", "/")
    if "/site-packages/" in path or "/dist-packages/" in path:
        return True
    if path.startswith("<") and not path.startswith(_TYPED):
        return True
    return path.startswith(_library_folders())


@cache
def _library_folders() -> tuple[str, ...]:
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    ours = str(Path(__file__).resolve().parents[1])
    return tuple(f"{folder.replace(chr(92), '/')}/" for folder in (*sorted(standard), ours))
