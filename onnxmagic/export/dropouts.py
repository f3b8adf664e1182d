"""``F.dropout`` that does not listen to ``eval()``, switched off while a model is exported with ``--fix``.

Taking such dropouts out of the graph alone would leave nothing to compare with: PyTorch itself would go on drawing
random numbers, so no axis could be tried and nothing proved. Switched off for the capture and for every run beside it,
the file and PyTorch compute the same thing, which is what the model computes in inference.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from onnxmagic.check.finding import Where
from onnxmagic.check.wording import enumerated

__all__ = ["Dropouts", "dropouts_off"]

_TORCH = str(Path(torch.__file__).parent)
_NAMED = ("input", "p", "training")


class Dropouts:
    """The user's lines with dropouts that were switched off."""

    def __init__(self, cells: Callable[[str], int | None] | None) -> None:
        self._cells = cells
        self._lines: dict[tuple[str, int], None] = {}

    def note(self) -> None:
        """Take down the line that is running now, the innermost outside torch."""
        frame = inspect.currentframe()
        if frame is None:  # a Python without frames
            return
        while frame.f_back is not None and (frame.f_code.co_filename.startswith(_TORCH) or _own(frame)):
            frame = frame.f_back
        self._lines[frame.f_code.co_filename, frame.f_lineno] = None

    @property
    def said(self) -> tuple[str, ...]:
        """What was changed, a sentence, when anything was."""
        if not self._lines:
            return ()
        places = enumerated([str(self._where(*line)) for line in list(self._lines)[:3]])
        more = f" and {len(self._lines) - 3} more" if len(self._lines) > 3 else ""
        what, are = ("Dropouts", "are") if len(self._lines) > 1 else ("A dropout", "is")
        done = f"{are} left out of the file, and switched off in PyTorch for the comparison"
        return (f"{what} that eval() does not reach ({places}{more}) {done}.",)

    def _where(self, file: str, line: int) -> Where:
        cell = self._cells(file) if self._cells is not None else None
        return Where(cell=cell, file=None if cell is not None else Path(file).name, line=line)


@contextlib.contextmanager
def dropouts_off(
    wanted: bool,  # the one thing it is asked
    cells: Callable[[str], int | None] | None = None,
) -> Generator[Dropouts]:
    """Let ``F.dropout`` hand on its input in the block, if `wanted`, and yield what takes down where."""
    dropouts = Dropouts(cells)
    with _Off(dropouts) if wanted else contextlib.nullcontext():
        yield dropouts


class _Off(TorchFunctionMode):
    def __init__(self, dropouts: Dropouts) -> None:
        super().__init__()
        self._dropouts = dropouts

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func is not functional.dropout:
            return func(*args, **named)
        given = {"p": 0.5, "training": True, **dict(zip(_NAMED, args, strict=False)), **named}
        if given["training"] and given["p"]:
            self._dropouts.note()
        return given["input"]


def _own(frame: Any) -> bool:
    return bool(frame.f_code.co_filename == __file__)
