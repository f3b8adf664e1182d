"""How far two weights are apart, a piece at a time, whatever way each of them is stored.

Each pair is looked at as pairs of pieces in the same order: flat ones where both lie alike, blocks of rows against
blocks of columns where one is transposed. Sums are taken in float64. Not with BLAS, which would start threads of its
own for them, on all the cores that training uses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from onnxmagic.diff.values import Numbers, Values
from onnxmagic.diff.weight_reads import Read, WeightPair
from onnxmagic.diff.weight_steps import Incomparable, Normed, Places, Real, Scaled, float64

__all__ = ["Distance", "distance", "real_pieces"]

_PIECE: Final = 2**17
"""Elements that are computed with at a time: in float64, few enough to stay in the processor's cache."""

_WHOLE: Final = 256 * 2**20
"""Bytes of a matrix that is held whole to be turned; of a larger one each row is read once a block of columns."""

_BLOCK: Final = 2**22
"""Elements of such a block."""


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two weights are apart; ``same`` when no value differs. The rest is as in ``WeightChange``."""

    same: bool
    seen_through: tuple[str, ...]
    max_abs: float
    mean_abs: float
    cosine: float
    nan: tuple[int, int]


def distance(a: Values, b: Values, pair: WeightPair) -> Distance:
    """Compare all values of a pair.

    Raises
    ------
    Incomparable
        They have other shapes, or one of them cannot be read as numbers.
    OSError
        A file was cut meanwhile.
    """
    lanes = _Lane(a, pair.a), _Lane(b, pair.b)
    words = _how(lanes, turned=pair.a.turned != pair.b.turned)
    sums = _Sums()
    with np.errstate(all="ignore"):
        for one, other in _crosswise(*lanes) if "transposed" in words else _alongside(*lanes):
            sums.add(one.ravel(), other.ravel())
    return sums.distance(words)


def real_pieces(values: Values, read: Read) -> Iterator[Real]:
    """Yield all values of a weight, dequantised, in pieces."""
    lane = _Lane(values, read)
    for start in range(0, lane.size, _PIECE):
        yield lane.flat(start, min(_PIECE, lane.size - start))


class _Lane:
    """A weight as real numbers."""

    def __init__(self, values: Values, read: Read) -> None:
        self._values = values
        self._index = read.weight
        self.weight = values.stored[read.weight]
        self.shape, self.size = self.weight.shape, self.weight.size
        self.scaled = Scaled.of(values, read.quantised, self.shape) if read.quantised else None
        self.normed = Normed.of(values, read.norm, self.shape) if read.norm else None

    def flat(self, start: int, count: int) -> Real:
        """Return values row by row."""
        return self._real(self._values.flat(self._index, start, count), lambda: np.arange(start, start + count))

    def rows(self, rows: range) -> Real:
        """Return rows of a matrix."""
        width = self.shape[1]
        return self.flat(rows.start * width, len(rows) * width).reshape(len(rows), width)

    def columns(self, columns: range) -> Real:
        """Return columns of a matrix, as rows."""
        height, width = self.shape
        along = np.arange(columns.start, columns.stop)[:, None]
        return self._real(self._columns(columns), lambda: np.arange(height)[None] * width + along)

    def _real(self, numbers: Numbers, places: Callable[[], Places]) -> Real:
        """Return what numbers stand for that are in these places of the weight; nobody else has to work them out."""
        real = float64(numbers)
        for step in filter(None, (self.scaled, self.normed)):
            real = step.real(real, places())
        return real

    @property
    def step(self) -> int:
        """How many elements are turned at a time."""
        return _BLOCK if self.weight.nbytes > _WHOLE else _PIECE

    def _columns(self, columns: range) -> Numbers:
        if self.weight.nbytes > _WHOLE:
            return self._values.columns(self._index, columns)
        return np.ascontiguousarray(self._whole[:, columns.start : columns.stop]).T

    @cached_property
    def _whole(self) -> Numbers:
        return self._values.flat(self._index, 0, self.size).reshape(self.shape)


def _how(lanes: tuple[_Lane, _Lane], *, turned: bool) -> tuple[str, ...]:
    """Return what is seen through to compare the two."""
    one, other = lanes
    words: list[str] = []
    if len(one.shape) == 2 and one.shape == other.shape[::-1] and (turned or one.shape != other.shape):
        words.append("transposed")
    elif one.shape != other.shape:
        if one.size != other.size or _permuted(_sizes(one.shape), _sizes(other.shape)):
            raise Incomparable(f"its shape was {_text(one.shape)} and is {_text(other.shape)}")
        words.append("reshaped")
    if one.normed or other.normed:
        words.append("folded")
    if one.scaled or other.scaled:
        words.append("dequantised")
    elif one.weight.dtype != other.weight.dtype:
        if any("int" in each.weight.dtype for each in lanes):
            raise Incomparable(f"it was {one.weight.dtype} and is {other.weight.dtype}, and no scale was found")
        words.append("cast")
    return tuple(words)


def _sizes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _permuted(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether one shape is no grouping of the other's values: axes stand in another order, or nobody knows."""
    return len(one) == len(other) and one != other


def _text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single value"


def _alongside(one: _Lane, other: _Lane) -> Iterator[tuple[Real, Real]]:
    for start in range(0, one.size, _PIECE):
        count = min(_PIECE, one.size - start)
        yield one.flat(start, count), other.flat(start, count)


def _crosswise(one: _Lane, other: _Lane) -> Iterator[tuple[Real, Real]]:
    """Yield rows of the one with columns of the other; columns are read a row at a time, so of the lower matrix."""
    height, width = one.shape
    if height < width:
        yield from ((x, y) for y, x in _crosswise(other, one))
        return
    step = max(1, other.step // max(1, width))
    for start in range(0, height, step):
        rows = range(start, min(height, start + step))
        yield one.rows(rows), other.columns(rows)


class _Sums:
    """The figures of all pieces so far."""

    def __init__(self) -> None:
        self._most = self._sum = 0.0
        self._products = np.zeros(3)
        self._count, self._nan, self._apart = 0, [0, 0], False

    def add(self, one: Real, other: Real) -> None:
        """Take two pieces in, of which each value belongs to one of the other."""
        apart = self._apart_of(one, other)
        if apart.size and not math.isfinite(float(apart.max())):
            one, other = self._finite(one, other)
            apart = self._apart_of(one, other)
        if apart.size:
            self._most = max(self._most, float(apart.max()))
            self._sum += float(apart.sum())
            self._count += apart.size
            self._products += [float(np.einsum("i,i->", x, y)) for x, y in ((one, other), (one, one), (other, other))]

    def distance(self, seen_through: tuple[str, ...]) -> Distance:
        """Return the figures."""
        mean = self._sum / self._count if self._count else 0.0
        same = self._most == 0 and not self._apart
        return Distance(same, seen_through, self._most, mean, self._cosine(), (self._nan[0], self._nan[1]))

    @staticmethod
    def _apart_of(one: Real, other: Real) -> Real:
        return np.abs(one - other)

    def _finite(self, one: Real, other: Real) -> tuple[Real, Real]:
        """Count NaN and return the pairs in which both are finite; infinities that differ are infinitely far apart."""
        nan = np.isnan(one), np.isnan(other)
        self._nan = [count + int(each.sum()) for count, each in zip(self._nan, nan, strict=True)]
        self._apart |= bool((nan[0] != nan[1]).any())
        infinite = ~(nan[0] | nan[1]) & ~(np.isfinite(one) & np.isfinite(other))
        if (one[infinite] != other[infinite]).any():
            self._most = math.inf
        keep = np.isfinite(one) & np.isfinite(other)
        return one[keep], other[keep]

    def _cosine(self) -> float:
        both, first, second = map(float, self._products)
        if not first or not second:
            return 1.0 if first == second else 0.0
        return max(-1.0, min(1.0, both / math.sqrt(first) / math.sqrt(second)))
