"""From the numbers that a file stores to those that the model computes with.

A quantised weight is whole numbers and a scale; one with a batch norm behind it is another weight once that is folded
in. Both are undone a piece at a time, from the places that the numbers of a piece have in the weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxmagic.diff.values import Numbers, Values
from onnxmagic.diff.weight_reads import Norm, Quantised

__all__ = ["Incomparable", "Normed", "Places", "Real", "Scaled", "float64"]

Real = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Incomparable(Exception):
    """The values of two weights say nothing about each other; the message is a clause that says why."""


@dataclass(frozen=True)
class Scaled:
    """Whole numbers that stand for real ones: for one in place `p`, scale and zero point of its block."""

    scale: Real
    zero: Real
    dim: int
    inner: int
    block: int

    @classmethod
    def of(cls, values: Values, kind: Quantised, shape: tuple[int, ...]) -> Scaled:
        """Read scale and zero point.

        Raises
        ------
        Incomparable
            They cannot be read, or are not those of a weight of this shape.
        """
        unread = "its scale or its zero point cannot be read"
        scale, zero = (_small(values, index, unread) for index in (kind.scale, kind.zero))
        axis = kind.axis % len(shape) if shape else 0
        dim, inner = (shape[axis] if shape else 1), math.prod(shape[axis + 1 :])
        known = {1, dim} if not kind.block else {math.prod(shape) // dim * -(-dim // kind.block)}
        if scale.size not in known or zero.size not in {0, scale.size}:
            raise Incomparable("its scale does not fit its shape")
        return cls(scale, zero, dim, inner, kind.block)

    def real(self, numbers: Real, places: Places) -> Real:
        """Return the real values of `numbers`, which stand in these places of the weight."""
        if self.scale.size == 1:
            which: Any = 0
        else:
            along = places // self.inner % self.dim
            which = along if not self.block else self._of_block(places, along)
        return (numbers - (self.zero[which] if self.zero.size else 0.0)) * self.scale[which]

    def _of_block(self, places: Places, along: Places) -> Places:
        blocks = -(-self.dim // self.block)
        return (places // (self.inner * self.dim) * blocks + along // self.block) * self.inner + places % self.inner


@dataclass(frozen=True)
class Normed:
    """A weight with a batch norm in it: of a channel, its values are multiplied and shifted.

    For y = (W x + b - mean) / sqrt(variance + epsilon) * scale + shift, as the ONNX operator defines BatchNormalization
    for inference, with f = scale / sqrt(variance + epsilon): the weight is f W and the bias f b + shift - f mean.
    """

    factor: Real
    shift: Real
    shape: tuple[int, ...]
    axis: int
    groups: int

    @classmethod
    def of(cls, values: Values, norm: Norm, shape: tuple[int, ...]) -> Normed:
        """Read the figures of a norm.

        Raises
        ------
        Incomparable
            They cannot be read, or are not those of a weight of this shape.
        """
        if norm.problem:
            raise Incomparable(norm.problem)
        scale, shift, mean, variance = (
            _small(values, index, "the figures of its batch norm cannot be read") for index in norm.figures
        )
        if {each.size for each in (scale, shift, mean, variance)} != {shape[norm.axis] * norm.groups}:
            raise Incomparable("the figures of its batch norm do not fit its shape")
        factor = scale / np.sqrt(variance + norm.epsilon)
        parts = {
            "weight": (factor, np.zeros_like(factor)),
            "bias": (factor, shift - factor * mean),
            "shift": (np.ones_like(factor), -factor * mean),
        }
        return cls(*parts[norm.part], shape, norm.axis, norm.groups)

    def real(self, numbers: Real, places: Places) -> Real:
        """Return the folded values of `numbers`, which stand in these places of the weight."""
        dim = self.shape[self.axis]
        channel = places // math.prod(self.shape[self.axis + 1 :]) % dim
        if self.groups > 1:
            row = places // math.prod(self.shape[1:])
            channel = channel + row // (self.shape[0] // self.groups) * dim
        return numbers * self.factor[channel] + self.shift[channel]


def _small(values: Values, index: int, unread: str) -> Real:
    if index < 0:
        return np.zeros(0)
    if not values.readable(index):
        raise Incomparable(unread)
    return float64(values.flat(index, 0, values.stored[index].size))


def float64(numbers: Numbers) -> Real:
    """Return numbers of any type as they are computed with."""
    # What numpy has no arithmetic for (bfloat16, float8, int4) has it in float32.
    plain = numbers if numbers.dtype.kind in "biuf" else numbers.astype(np.float32)
    return plain.astype(np.float64, order="C")
