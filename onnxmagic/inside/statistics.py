"""What an array is like, in a few figures, from pieces of it: its size does not matter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["BINS", "Histogram", "Statistics", "pieces", "statistics"]

BINS: Final = 32
PIECE: Final = 2**20

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values lie between two neighbours of ``edges``."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of an array; ``minimum`` to ``histogram`` are those of its finite values, None where there are none."""

    size: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    nan: int
    inf: int
    zeros: int
    histogram: Histogram | None


@dataclass
class _Sums:
    size: int = 0
    finite: int = 0
    nan: int = 0
    inf: int = 0
    zeros: int = 0
    low: float = math.inf
    high: float = -math.inf
    mean: float = 0.0
    spread: float = 0.0

    def add(self, values: Array) -> None:
        numbers, nan = _finite(values)
        self.size += values.size
        self.nan += nan
        self.inf += values.size - numbers.size - nan
        self.zeros += int((numbers == 0).sum())
        if not numbers.size:
            return
        self.low, self.high = min(self.low, float(numbers.min())), max(self.high, float(numbers.max()))
        # Chan's way of joining the moments of two parts: no sum grows so large that small values are lost in it.
        with np.errstate(over="ignore"):
            mean = float(numbers.mean())
            spread = float(((numbers - mean) ** 2).sum())
        both = self.finite + numbers.size
        shift = mean - self.mean
        self.mean += shift * numbers.size / both
        self.spread += spread + shift * shift * self.finite * numbers.size / both
        self.finite = both


def statistics(parts: Callable[[], Iterable[Array]]) -> Statistics:
    """Return the figures of the values that `parts` gives, twice, in pieces."""
    sums = _Sums()
    for part in parts():
        sums.add(part)
    if not sums.finite:
        return Statistics(sums.size, None, None, None, None, sums.nan, sums.inf, sums.zeros, None)
    std = math.sqrt(sums.spread / sums.finite)
    histogram = _histogram(parts(), sums.low, sums.high)
    return Statistics(
        sums.size, sums.low, sums.high, _known(sums.mean), _known(std), sums.nan, sums.inf, sums.zeros, histogram
    )


def pieces(array: Array) -> Iterator[Array]:
    """Yield an array flat, in pieces."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, PIECE):
        yield flat[start : start + PIECE]


def _histogram(parts: Iterable[Array], low: float, high: float) -> Histogram | None:
    if not math.isfinite(high - low):
        return None  # half of what a float can hold is no width of a bar
    if low == high:
        return Histogram((low, high), (sum(_finite(part)[0].size for part in parts),))
    counts = np.zeros(BINS, np.int64)
    edges = np.linspace(low, high, BINS + 1)
    for part in parts:
        counts += np.histogram(_finite(part)[0], BINS, (low, high))[0]
    return Histogram(tuple(map(float, edges)), tuple(map(int, counts)))


def _finite(values: Array) -> tuple[Array, int]:
    """Return the finite values in float64, and how many are NaN."""
    # What numpy has no arithmetic for (bfloat16, float8, int4) has it in float32.
    plain = values if values.dtype.kind in "biuf" else values.astype(np.float32)
    numbers = np.asarray(plain, np.float64)
    keep = np.isfinite(numbers)
    return (numbers, 0) if keep.all() else (numbers[keep], int(np.isnan(numbers).sum()))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
