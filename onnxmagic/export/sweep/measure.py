"""One output of a batch, row by row, in as few passes over its values as a judgement takes.

Sound files are the rule, so most batches need no more than this: no float64, no masks, no copies. It says nothing of
what could be wrong; that is looked at slowly, see ``scrutiny``. The limits are the same as there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from onnxmagic.check.evidence import RunCase
from onnxmagic.export.compare import BY_DTYPE, MOST_RATIO, Compared

__all__ = ["Plain", "by_row", "matching", "measured"]


@dataclass(frozen=True, slots=True)
class Plain:
    """An output that agrees: the largest error of every row, and the comparison of all of them."""

    errors: Any
    compared: Compared


def measured(
    case: RunCase, got: Any, torch32: torch.Tensor, expected: Any, *, noise: float | None, axis: int | None
) -> Plain | None:
    """Measure an output, `expected` being `torch32` as an array; None when it has to be looked at more closely."""
    if not isinstance(got, np.ndarray) or got.shape != expected.shape or got.dtype != expected.dtype:
        return None
    if torch32.is_complex() or not expected.size:
        return None
    theirs = by_row(expected, axis)
    if not torch32.is_floating_point():
        return Plain(np.zeros(len(theirs)), Compared(case, 0.0, "float32")) if np.array_equal(got, expected) else None
    if theirs.dtype not in (np.float32, np.float64):
        got, theirs = got.astype(np.float32), theirs.astype(np.float32)
    with np.errstate(all="ignore"):
        difference = by_row(got, axis) - theirs
        squares = np.einsum("ij,ij->i", difference, difference)
        scales = np.einsum("ij,ij->i", theirs, theirs)
        errors = np.abs(difference, out=difference).max(axis=1).astype(np.float64)
    if not (np.isfinite(squares).all() and np.isfinite(scales).all()):
        return None  # a NaN or an infinity somewhere, or values whose squares are too large
    largest, magnitude = float(errors.max()), max(float(theirs.max()), -float(theirs.min()))
    case = replace(case, max_abs=largest, max_rel=largest / magnitude if magnitude else largest)
    if noise is None:
        tolerance = BY_DTYPE.get(torch32.dtype, BY_DTYPE[torch.float32]) * magnitude
        return Plain(errors, Compared(case, tolerance, "float32")) if largest <= tolerance else None
    return _within_rounding(case, errors, squares / theirs.shape[1], scales / theirs.shape[1], noise * noise)


def _within_rounding(case: RunCase, errors: Any, squares: Any, scales: Any, noise2: float) -> Plain | None:
    """Judge mean squares, of differences and of values, against `noise2`, the square of PyTorch's rounding."""
    mean = float(scales.mean(dtype=np.float64))
    most2 = (MOST_RATIO + 1) ** 2 * noise2
    # A row of large values rounds by as much more; what of it is small still has the others' rounding.
    if (squares > most2 * np.maximum(scales, mean)).any():
        return None
    error2 = float(squares.mean(dtype=np.float64))
    ratio = float(np.sqrt(error2 / (noise2 * mean))) if error2 else 0.0
    tolerance = float(np.sqrt(most2 * mean))
    if ratio > MOST_RATIO + 1:
        return None
    return Plain(errors, Compared(replace(case, ratio=ratio), tolerance, "float32"))


def by_row(values: Any, axis: int | None) -> Any:
    """Return `values` as a matrix with a row a sample; one row where they have none."""
    if axis is None:
        return values.reshape(1, -1)
    if axis == 0:
        return values.reshape(len(values), -1)
    return np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)


def matching(got: Any, expected: Any, axis: int | None) -> int | None:
    """Return in how many rows the largest entry is at the same place, for float outputs of shape (rows, classes)."""
    if axis != 0 or expected.ndim != 2 or expected.shape[1] < 2 or not _floating(expected):
        return None
    if not isinstance(got, np.ndarray) or got.shape != expected.shape or got.dtype != expected.dtype:
        return None
    if got.dtype not in (np.float32, np.float64):
        got, expected = got.astype(np.float32), expected.astype(np.float32)
    return int((got.argmax(1) == expected.argmax(1)).sum())


def _floating(values: Any) -> bool:
    return values.dtype.kind == "f" or values.dtype.name == "bfloat16"
