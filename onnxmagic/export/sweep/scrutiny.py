"""A batch that does not plainly agree, looked at in float64 and row by row.

Over a whole batch one wrong sample among hundreds is drowned by the right ones, so each row is held against PyTorch's
own rounding. A row may round worse than the batch that the rounding was measured on; a float64 run of this batch tells
that from a mistake. Without one only what is far off is called wrong in a batch that agrees as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch

from onnxmagic.check.evidence import RunCase
from onnxmagic.export.compare import BY_DTYPE, MOST_RATIO, Compared, compare_output, to_numpy
from onnxmagic.export.eager import Outputs
from onnxmagic.export.judge import decided
from onnxmagic.export.second_leg import SecondLeg
from onnxmagic.export.sweep.measure import by_row

__all__ = ["Answers", "Seen", "looked_at"]

NO_SECOND_OPINION: Final = SecondLeg("untried", "no second opinion in float64 for a file")

UNSEEN: Final = 1e-5
"""Error of a row, relative to its values or the batch's, that nobody will ever see: 100 dB."""

UNSURE: Final = 10.0
"""How much further a single row may be off where no float64 run tells how this very row rounds."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What both said to one batch.

    Attributes
    ----------
    names : tuple of str
        The file's outputs.
    got : sequence of arrays
    torch32 : Outputs
    torch64 : sequence of torch.Tensor or None
        A float64 run of this batch.
    noise : sequence of float or None
        PyTorch's relative rounding of each output.
    axes : sequence of int or None
        Where each output has its rows.
    rows : int
        Samples in the batch.
    """

    names: tuple[str, ...]
    got: Sequence[Any]
    torch32: Outputs
    torch64: Sequence[torch.Tensor] | None
    noise: Sequence[float] | None
    axes: Sequence[int | None]
    rows: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest error of every row, which rows are wrong, and the outputs compared."""

    errors: Any
    wrong: Any
    compared: list[Compared]


def looked_at(case: RunCase, answers: Answers) -> Seen:
    """Compare a batch with all that there is to tell a mistake from rounding."""
    count = len(answers.torch32.tensors)
    if len(answers.got) != count:
        detail = f"the file has {len(answers.got)} outputs, PyTorch {count}"
        return _all_wrong(answers.rows, [Compared(replace(case, problem="count", detail=detail), 0.0, "float32")])
    compared = _compared(case, answers)
    rows = [_rows(one, answers, number) for number, one in enumerate(compared)]
    errors = np.max([one.errors for one in rows], axis=0)
    wrong = np.any([one.wrong for one in rows], axis=0)
    if wrong.any() and not any(one.case.problem for one in compared):
        compared = _compared(case, _only(answers, wrong))
    return Seen(errors, wrong, compared)


def _compared(case: RunCase, answers: Answers) -> list[Compared]:
    count = len(answers.got)
    exact: Sequence[Any] = answers.torch64 if answers.torch64 is not None else [None] * count
    noise: Sequence[float | None] = answers.noise if answers.noise is not None else [None] * count
    compared = [
        compare_output(replace(case, output=name), got, torch32, torch64, rounding)
        for name, got, torch32, torch64, rounding in zip(
            answers.names, answers.got, answers.torch32.tensors, exact, noise, strict=True
        )
    ]
    return decided(compared, NO_SECOND_OPINION, answers.got, answers.torch32)


def _all_wrong(rows: int, compared: list[Compared]) -> Seen:
    return Seen(np.full(rows, np.inf), np.ones(rows, bool), compared)


def _rows(compared: Compared, answers: Answers, number: int) -> Seen:
    """Return the rows of one output."""
    torch32, got, axis = answers.torch32.tensors[number], answers.got[number], answers.axes[number]
    if compared.case.problem in ("shape", "dtype") or not torch32.numel():
        wrong = compared.case.problem != ""
        return Seen(np.full(answers.rows, np.inf if wrong else 0.0), np.full(answers.rows, wrong), [])
    ours, theirs = _wide(got, axis), _wide(to_numpy(torch32), axis)
    with np.errstate(all="ignore"):
        difference = np.abs(ours - theirs)
    difference[(ours == theirs) | (np.isnan(ours) & np.isnan(theirs))] = 0.0
    difference[np.isnan(difference)] = np.inf
    errors = difference.max(axis=1)
    if torch32.is_floating_point():
        wrong = _beyond(compared, answers, number, (ours, theirs), difference)
    else:
        wrong = _unequal(answers, number, ours, theirs)
    return Seen(np.broadcast_to(errors, answers.rows), np.broadcast_to(wrong, answers.rows), [])


def _unequal(answers: Answers, number: int, ours: Any, theirs: Any) -> Any:
    wrong = ours != theirs
    torch64 = answers.torch64[number] if answers.torch64 is not None else None
    if torch64 is not None and torch64.shape == answers.torch32.tensors[number].shape:
        wrong &= _wide(to_numpy(torch64), answers.axes[number]) == theirs  # else there was a tie, see ``compare``
    return wrong.any(axis=1)


def _beyond(compared: Compared, answers: Answers, number: int, values: Any, difference: Any) -> Any:
    """Return the rows that differ by more than PyTorch's rounding explains; at least one where the batch does."""
    theirs = values[1]
    strict = (~np.isfinite(difference) | np.isnan(theirs)).any(axis=1)
    if compared.case.problem in ("nan", "nan-both") or (compared.case.problem and strict.any()):
        return strict
    noise = answers.noise[number] if answers.noise is not None else None
    if noise is None:
        magnitude = np.abs(theirs).max(where=np.isfinite(theirs), initial=0.0)
        return difference.max(axis=1) > BY_DTYPE.get(answers.torch32.tensors[number].dtype, 1e-4) * magnitude
    own, most, exact = 0.0, (MOST_RATIO + 1), theirs
    torch64 = answers.torch64[number] if answers.torch64 is not None else None
    if torch64 is not None and torch64.shape == answers.torch32.tensors[number].shape:
        most, exact = MOST_RATIO, _wide(to_numpy(torch64), answers.axes[number])
        own = _rms(theirs - exact)
        difference = values[0] - exact
    error, scale = _rms(np.where(np.isfinite(theirs), difference, 0.0)), _rms(np.nan_to_num(exact, posinf=0, neginf=0))
    whole = float(np.sqrt(np.mean(np.square(scale))))
    loose = most * (1.0 if torch64 is not None else UNSURE)
    large = np.maximum(scale, whole)
    wrong = (error > loose * np.maximum(own, noise * large)) & (error > UNSEEN * large)
    if compared.case.problem == "values" and not wrong.any():
        wrong = (error > most * noise * whole) | (error == error.max())
    return wrong


def _only(answers: Answers, rows: Any) -> Answers:
    """Return the answers with these rows alone, so that they are not judged among the others."""
    picked = [int(row) for row in np.flatnonzero(rows)]
    index = torch.tensor(picked)
    narrowed = [
        tensor if axis is None else tensor.index_select(axis, index.to(tensor.device))
        for tensor, axis in zip(answers.torch32.tensors, answers.axes, strict=True)
    ]
    exact = answers.torch64 and [
        tensor if axis is None else tensor.index_select(axis, index.to(tensor.device))
        for tensor, axis in zip(answers.torch64, answers.axes, strict=True)
    ]
    got = [
        value if axis is None else value.take(picked, axis)
        for value, axis in zip(answers.got, answers.axes, strict=True)
    ]
    torch32 = replace(answers.torch32, tensors=tuple(narrowed))
    return replace(answers, got=got, torch32=torch32, torch64=exact, rows=len(picked))


def _wide(values: Any, axis: int | None) -> Any:
    return by_row(np.asarray(values).astype(np.float64), axis)


def _rms(values: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.sqrt(np.mean(np.square(values), axis=1))
