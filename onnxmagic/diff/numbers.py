"""How far two arrays are apart, in a few figures, in pieces: no copy of a large value is made.

A value may come in batches, so the figures are gathered. What is NaN in both at one place, or the same infinity, is the
same there; what is so in one alone is as far away as can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from onnxmagic.inside.statistics import pieces

__all__ = ["SMALLEST", "Apartness", "numeric"]

SMALLEST: Final = 1e-3
"""A difference is relative to this at least: where all values are smaller, what is left of larger ones is rounding."""

Array = npt.NDArray[Any]


@dataclass(slots=True)
class Apartness:
    """The difference of a value in two models, over all batches that were added.

    ``max_abs`` and ``max_rel`` are infinite where the shapes differ, or one of both is NaN or infinite and the other is
    not; ``max_rel`` is relative to the largest magnitude of the batch in the first, and to ``SMALLEST`` at least.
    """

    max_abs: float = 0.0
    max_rel: float = 0.0
    nan: tuple[int, int] = (0, 0)
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    unlike: bool = False
    batches: int = 0

    def add(self, first: Array, second: Array) -> None:
        """Compare one batch of the value."""
        if not self.batches or (first.shape != second.shape and not self.unlike):
            self.shapes = (first.shape, second.shape)
        self.batches += 1
        if first.shape != second.shape:
            self.unlike = True
            self._count(first, second)
            self._note(math.inf, 0.0)
            return
        largest = scale = 0.0
        for one, other in zip(pieces(first), pieces(second), strict=True):
            apart, size = self._piece(_numbers(one), _numbers(other))
            largest, scale = max(largest, apart), max(scale, size)
        self._note(largest, scale)

    def _piece(self, one: Array, other: Array) -> tuple[float, float]:
        """Return the largest difference in a piece, and the largest magnitude in the first."""
        fine, fine_too = np.isfinite(one), np.isfinite(other)
        both = fine & fine_too
        if both.all():
            return _largest(one - other), _largest(one)
        self._add_nan(int((~fine).sum()), int((~fine_too).sum()))
        same = (one == other) | (np.isnan(one) & np.isnan(other))
        if not (same | both).all():
            return math.inf, _largest(one[fine])
        return _largest(one[both] - other[both]), _largest(one[fine])

    def _count(self, first: Array, second: Array) -> None:
        counts = [sum(int((~np.isfinite(_numbers(p))).sum()) for p in pieces(each)) for each in (first, second)]
        self._add_nan(*counts)

    def _add_nan(self, first: int, second: int) -> None:
        self.nan = (self.nan[0] + first, self.nan[1] + second)

    def _note(self, largest: float, scale: float) -> None:
        self.max_abs = max(self.max_abs, largest)
        self.max_rel = max(self.max_rel, largest / max(scale, SMALLEST))


def numeric(value: Any, kinds: str = "biufc") -> bool:
    """Tell whether a value is an array of numbers that can be compared: no sequence, no texts."""
    return isinstance(value, np.ndarray) and value.dtype.kind in kinds


def _numbers(values: Array) -> Array:
    if values.dtype.kind == "c":
        return values
    # Whole numbers of 64 bits are told apart where the machine has a type that holds them.
    return np.asarray(values, np.longdouble if values.dtype.kind in "iu" else np.float64)


def _largest(values: Array) -> float:
    with np.errstate(over="ignore"):  # two large values of other signs: their difference is infinite, and so told
        return float(np.abs(values).max()) if values.size else 0.0
