"""A few values of a weight, always from the same places, taken while its hash is computed.

Two projections of an attention layer have the same shape, the same operator and the same neighbours. Retrained or
quantised, their hashes are new too; but the weights still resemble those they were. A sketch of 256 values is enough to
tell which is which, and costs no second reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from onnxmagic.graph.facts import Initializer
from onnxmagic.inside.arrays import bits, decoded, element_type

__all__ = ["Sketching", "alike_as", "looks_turned"]

_SIDE: Final = 16
"""Rows and columns that are looked at of a matrix: as many of each, so that the sketch of its transpose is the
transpose of its sketch."""

Places = npt.NDArray[np.int64]

_NONE: Final[Places] = np.zeros(0, np.int64)


class Sketching:
    """Blocks of a weight on their way to somebody else, of which some values are kept."""

    def __init__(self, weight: Initializer) -> None:
        self._weight = weight
        self._bytes = bits(weight.dtype) // 8 if element_type(weight.dtype) and weight.dtype != "string" else 0
        self._kept = bytearray()

    def through(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `blocks`, each of whole elements."""
        positions, _ = _positions(self._weight.shape) if self._bytes else (_NONE, _NONE)
        start = 0
        for block in blocks:
            yield block
            end = start + len(block) // max(1, self._bytes)
            first, last = np.searchsorted(positions, (start, end))
            if first < last:
                elements = np.frombuffer(block, np.uint8).reshape(-1, self._bytes)
                self._kept += elements[positions[first:last] - start].tobytes()
            start = end

    def done(self) -> bytes:
        """Return the values, as float32 in the order of the weight; none for a type of less than a byte."""
        if not self._kept:
            return b""
        values = decoded(bytes(self._kept), self._weight.dtype, len(self._kept) // self._bytes)
        with np.errstate(all="ignore"):
            return values.astype(np.float32)[_positions(self._weight.shape)[1]].tobytes()


@lru_cache(maxsize=256)
def _positions(shape: tuple[int, ...]) -> tuple[Places, Places]:
    """Return the places in a weight of this shape that are looked at, each once, and which of them is the nth."""
    size = math.prod(shape)
    if not size:
        return _NONE, _NONE
    if len(shape) == 2:
        rows, columns = (np.arange(_SIDE) * each // _SIDE for each in shape)
        places = (rows[:, None] * shape[1] + columns[None]).ravel()
    else:
        places = np.arange(_SIDE**2) * size // _SIDE**2
    return np.unique(places, return_inverse=True)


def alike_as(a: bytes, b: bytes, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> float:
    """Return how much the weights with these sketches are alike: 1 for the same up to a scale, 0 for strangers.

    Neither a scale nor a zero point matters, so a quantised weight is like what it was made of.
    """
    one, other = (np.frombuffer(each, np.float32).astype(np.float64) for each in (a, b))
    if not one.size or one.size != other.size:
        return 0.0
    if shapes[0] == shapes[1]:
        return _correlation(one, other)
    if len(shapes[0]) == 2 and shapes[0] == shapes[1][::-1]:
        return _correlation(one, other.reshape(_SIDE, _SIDE).T.ravel())
    return 0.0


def looks_turned(a: bytes, b: bytes) -> bool:
    """Tell of the sketches of two square matrices whether the one rather resembles the other's transpose."""
    one, other = (np.frombuffer(each, np.float32).astype(np.float64) for each in (a, b))
    if one.size != _SIDE**2 or other.size != _SIDE**2:
        return False
    return _correlation(one, other.reshape(_SIDE, _SIDE).T.ravel()) > _correlation(one, other)


def _correlation(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    keep = np.isfinite(one) & np.isfinite(other)
    if not keep.any():
        return 0.0
    one, other = one[keep] - one[keep].mean(), other[keep] - other[keep].mean()
    scale = float(np.sqrt((one * one).sum() * (other * other).sum()))
    # A constant is like a constant only.
    return max(0.0, float((one * other).sum()) / scale) if scale else float(not one.any() and not other.any())
