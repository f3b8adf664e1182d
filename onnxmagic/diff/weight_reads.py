"""Which weight a node computes with, seen through what stands between the two.

A quantiser puts two nodes between a weight and its convolution, an optimiser stores it transposed, a converter casts
it. For the convolution it is the same weight: what matters is which one it is and how it lies, and that is found here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from onnxmagic.diff.side import Side
from onnxmagic.graph.facts import Node

__all__ = ["Norm", "Quantised", "Read", "Reads", "WeightPair"]

_FARTHEST: Final = 6
"""Nodes between a weight and who computes with it."""

_AS_IT_IS: Final = frozenset({"Identity", "Cast", "CastLike", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})
_BETWEEN: Final = _AS_IT_IS | {"Transpose", "DequantizeLinear", "QuantizeLinear"}


@dataclass(frozen=True, slots=True)
class Quantised:
    """How whole numbers stand for values: indices of scale and zero point (-1: zero), and the axis they are along."""

    scale: int
    zero: int = -1
    axis: int = 1
    block: int = 0


@dataclass(frozen=True, slots=True)
class Norm:
    """A batch norm that the other model has folded into a weight.

    Attributes
    ----------
    figures : tuple of int
        Indices of its scale, shift, mean and variance.
    epsilon : float
    part : {"weight", "bias", "shift"}
        What the weight is: that of the convolution, its bias, or the norm's own shift where it has no bias.
    axis, groups : int
        The axis of the weight that its channels are along; in a transposed convolution each group's are.
    problem : str
        Why it cannot be computed; empty where it can.
    """

    figures: tuple[int, ...] = ()
    epsilon: float = 1e-5
    part: Literal["weight", "bias", "shift"] = "weight"
    axis: int = 0
    groups: int = 1
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A weight as a node reads it: `turned` when it is a matrix that is transposed on the way."""

    weight: int
    turned: bool = False
    quantised: Quantised | None = None
    norm: Norm | None = None


@dataclass(frozen=True, slots=True)
class WeightPair:
    """A weight of each model, how each is read, and one pair of the matched nodes that read them (-1: nobody)."""

    a: Read
    b: Read
    nodes: tuple[int, int] = (-1, -1)
    slot: int = -1


# Operators that compute with whole numbers: by the slot of their float counterpart, the slots of the values, the scale
# and the zero point (-1: none), and the axis. A scale of -1 is applied by a node behind.
_INTEGER: Final[Mapping[str, Mapping[int, tuple[int, int, int, int]]]] = {
    "MatMulInteger": {1: (1, -1, 3, -1)},
    "ConvInteger": {1: (1, -1, 3, 0)},
    "QLinearMatMul": {1: (3, 4, 5, -1)},
    "QLinearConv": {1: (3, 4, 5, 0)},
    "DynamicQuantizeMatMul": {1: (1, 2, 3, -1)},
    "MatMulIntegerToFloat": {1: (1, 3, 5, -1)},
    "QGemm": {1: (3, 4, 5, -1)},
}


class Reads:
    """The weights that the nodes of a side compute with."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._outline = side.outline

    def of(self, index: int) -> dict[int, Read]:
        """Return what a node reads, by the slot, or by that of the operator's counterpart in floating point."""
        node = self._outline.nodes[index]
        if node.op_type in _INTEGER:
            return dict(self._whole_numbers(index, _INTEGER[node.op_type]))
        slots = range(len(self._outline.reads[index]))
        found = {slot: self._through(index, slot) for slot in slots if node.op_type not in _BETWEEN or slot}
        return {slot: self._as_laid(node, slot, read) for slot, read in found.items() if read is not None}

    def helpers(self) -> set[int]:
        """Return the weights that are scales and zero points: how numbers are stored, and no parameters."""
        found: set[int] = set()
        for index, node in enumerate(self._outline.nodes):
            if node.op_type in {"DequantizeLinear", "QuantizeLinear"}:
                found.update(-2 - number for number in self._outline.reads[index][1:3] if number < -1)
            elif node.op_type in _INTEGER:
                kinds = [read.quantised for read in self.of(index).values() if read.quantised is not None]
                found.update(number for kind in kinds for number in (kind.scale, kind.zero) if number >= 0)
        return found

    def behind(self, index: int) -> Sequence[int]:
        """Return the nodes that read the first output of a node."""
        made = self._outline.makes[index][:1]
        return self._readers.get(made[0], ()) if made else ()

    def _through(self, index: int, slot: int, left: int = _FARTHEST) -> Read | None:
        """Return the weight behind an input; None where there is none."""
        reads = self._outline.reads[index]
        number = reads[slot] if slot < len(reads) else -1
        if number < -1:
            return Read(-2 - number)
        maker = self._maker.get(number, -1)
        if number < 0 or maker < 0 or not left or self._outline.nodes[maker].op_type not in _BETWEEN:
            return None
        node = self._outline.nodes[maker]
        if node.op_type == "DequantizeLinear":
            return self._dequantised(maker, left)
        read = self._through(maker, 0, left - 1)
        if read is None or node.op_type != "Transpose":
            return read
        whole = len(self._side.stored[read.weight].shape) == 2 and node.attributes.get("perm") in {None, (1, 0)}
        return replace(read, turned=not read.turned) if whole else None

    def _dequantised(self, index: int, left: int = _FARTHEST) -> Read | None:
        read = self._through(index, 0, left - 1)
        scale = self._through(index, 1, left - 1)
        if read is None or scale is None:
            return None
        zero = self._through(index, 2, left - 1)
        attributes = self._outline.nodes[index].attributes
        axis, block = (attributes.get(name, other) for name, other in (("axis", 1), ("block_size", 0)))
        quantised = Quantised(scale.weight, zero.weight if zero else -1, axis, block)
        # A weight that is stored as it is and quantised on the way has its own values.
        return replace(read, quantised=quantised) if "int" in self._side.stored[read.weight].dtype else read

    @staticmethod
    def _as_laid(node: Node, slot: int, read: Read) -> Read:
        flipped = node.op_type in {"Gemm", "FusedGemm"} and node.attributes.get(("transA", "transB", "")[min(slot, 2)])
        flipped = flipped or (node.op_type == "FusedMatMul" and node.attributes.get(("transA", "transB")[slot]))
        return replace(read, turned=not read.turned) if flipped else read

    def _whole_numbers(self, index: int, known: Mapping[int, tuple[int, int, int, int]]) -> Iterator[tuple[int, Read]]:
        for slot, (values, scale, zero, axis) in known.items():
            read = self._through(index, values)
            if read is None:
                continue
            scaled = self._through(index, scale) if scale >= 0 else self._scale_behind(index)
            zeroed = self._through(index, zero)
            kind = Quantised(scaled.weight, zeroed.weight if zeroed else -1, axis) if scaled else None
            yield slot, replace(read, quantised=kind)

    def _scale_behind(self, index: int) -> Read | None:
        """Return the weight's scale where it is multiplied with the input's first, and the result with both."""
        for cast in self.behind(index):
            for product in self.behind(cast) if self._outline.nodes[cast].op_type == "Cast" else (cast,):
                for slot in (0, 1) if self._outline.nodes[product].op_type == "Mul" else ():
                    found = self._factor(product, slot)
                    if found is not None:
                        return found
        return None

    def _factor(self, product: int, slot: int) -> Read | None:
        direct = self._through(product, slot)
        maker = self._maker.get(self._outline.reads[product][slot], -1)
        if direct is not None or maker < 0 or self._outline.nodes[maker].op_type != "Mul":
            return direct
        return self._through(maker, 0) or self._through(maker, 1)

    @cached_property
    def _maker(self) -> dict[int, int]:
        return {number: index for index, made in enumerate(self._outline.makes) for number in made if number >= 0}

    @cached_property
    def _readers(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for index, reads in enumerate(self._outline.reads):
            for number in reads:
                if number >= 0:
                    found[number].append(index)
        return found
