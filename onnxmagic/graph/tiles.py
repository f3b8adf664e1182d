"""How much of a constant is new and how much is repetition.

What ``repeat``, ``expand`` and ``tile`` make repeats along its axes, so only lengths that divide an axis need to be
looked at, first at a few bytes. Hardly a trained weight gets past that; only what does is read in full.
"""

from __future__ import annotations

from math import prod
from typing import Final

from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.weights import Weights

__all__ = ["piece"]

LARGEST: Final = 64 * 2**20
"""Bytes; what is larger is not looked at."""

_PROBE: Final = 64


def piece(constant: Initializer, values: Weights) -> int:
    """Return the bytes of the smallest piece that gives `constant` when it is repeated along its axes.

    Its own number of bytes when it does not repeat itself; 0 when that is not known: its values cannot be had, or
    are more than ``LARGEST``, or are of less than a byte each.
    """
    item = constant.nbytes // max(1, constant.size)
    if values.nbytes(constant.name) != constant.nbytes or constant.nbytes != item * constant.size:
        return 0
    if not 0 < constant.nbytes <= LARGEST:
        return 0
    lengths = [_probed(constant, values, axis, item) for axis in range(len(constant.shape))]
    if prod(lengths) == constant.size:
        return constant.nbytes
    return _verified(constant, values, lengths, item)


def _probed(constant: Initializer, values: Weights, axis: int, item: int) -> int:
    """Return the shortest length after which `axis` seems to start again, its own length when it does not."""
    stride = prod(constant.shape[axis + 1 :]) * item
    count = min(_PROBE, stride)
    first = values.read(constant.name, 0, count)
    size = constant.shape[axis]
    for length in _divisors(size):
        if all(values.read(constant.name, place * stride, count) == first for place in (length, size - length)):
            return length
    return size


def _divisors(size: int) -> list[int]:
    """Return what divides `size` and is smaller, ascending."""
    low = [n for n in range(1, int(size**0.5) + 1) if size % n == 0]
    return [n for n in (*low, *(size // n for n in reversed(low) if n * n != size)) if n < size]


def _verified(constant: Initializer, values: Weights, lengths: list[int], item: int) -> int:
    """Return the bytes of the piece, each length kept only where the whole constant bears it out."""
    import numpy as np

    data = values.read(constant.name)
    if len(data) != constant.nbytes:
        return 0
    array = np.frombuffer(data, dtype=f"V{item}" if item not in {1, 2, 4, 8} else f"u{item}").reshape(constant.shape)
    for axis, length in enumerate(lengths):
        size = array.shape[axis]
        if length == size:
            continue
        shape = (*array.shape[:axis], size // length, length, *array.shape[axis + 1 :])
        split = array.reshape(shape)
        first = split.take([0], axis=axis)
        if bool((split == first).all()):
            array = split.take(0, axis=axis)
    return int(array.size) * item
