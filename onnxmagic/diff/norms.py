"""A batch norm that one of two models has folded into the convolution before it.

The other model still has it as a node. Both compute the same with other numbers, so weights of the two can only be held
against each other as they are after the folding. What belongs to such a norm is found here; the sums are
``weight_steps``'s.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from onnxmagic.diff.matching import Matching
from onnxmagic.diff.side import Side
from onnxmagic.diff.weight_reads import Norm, Read, Reads, WeightPair

__all__ = ["through_norms"]

_NORM: Final = "BatchNormalization"

_CARRIERS: Final = frozenset({"Conv", "ConvTranspose", "FusedConv", "Gemm"})
"""What a batch norm is folded into."""

_FACTORS: Final = ("alpha", "beta")
"""What a Gemm multiplies with besides; where that is not 1 nothing is folded here."""


class _Carrier(NamedTuple):
    """A node whose weight may hold a batch norm, how it reads that, and the node of that norm behind it (-1: none)."""

    node: int
    read: Read
    norm: int


def through_norms(
    a: Side, b: Side, matching: Matching, pairs: Sequence[WeightPair], left: Sequence[list[int]]
) -> list[WeightPair]:
    """Return `pairs`, the weights with a norm behind them on one side to be compared as they are with it.

    What a norm computes with is then part of those weights and no longer among what is `left`, which is changed.
    """
    if not any(node.op_type == _NORM for side in (a, b) for node in side.nodes):
        return list(pairs)
    sides = (_Side(a, matching.of_a.keys()), _Side(b, matching.of_b.keys()))
    folds = _Folds()
    for pair in pairs:
        carriers = [side.carriers.get(read.weight) for side, read in zip(sides, (pair.a, pair.b), strict=True)]
        match carriers:
            case [_Carrier() as one, _Carrier() as other] if (one.norm < 0) != (other.norm < 0):
                folds.add(sides, pair, (one, other))
            case _:
                folds.pairs.append(pair)
    found = folds.settled()
    for part, before, now, taken in zip(left, _weights(folds.pairs), _weights(found), folds.taken, strict=True):
        part[:] = sorted(({*part} | before) - now - taken)
    return found


def _weights(pairs: Sequence[WeightPair]) -> tuple[set[int], set[int]]:
    return {pair.a.weight for pair in pairs}, {pair.b.weight for pair in pairs}


class _Side:
    """A side, and which of its weights may hold a norm."""

    def __init__(self, side: Side, matched: Collection[int]) -> None:
        self.name = side.name
        self.outline = side.outline
        self.reads = Reads(side)
        self._matched = matched
        self._returned = {number for number in side.outline.outputs if number >= 0}
        self.carriers = self._carriers()

    def _carriers(self) -> dict[int, _Carrier]:
        """Return, by weight, who computes with it; a weight that several share is in no norm of its own."""
        found: dict[int, _Carrier] = {}
        shared: set[int] = set()
        for index, node in enumerate(self.outline.nodes):
            if node.op_type not in _CARRIERS or any(node.attributes.get(key, 1.0) != 1.0 for key in _FACTORS):
                continue
            read = self.reads.of(index).get(1)
            if read is not None:
                shared.update({read.weight} & found.keys())
                found[read.weight] = _Carrier(index, read, self._norm_behind(index))
        return {weight: carrier for weight, carrier in found.items() if weight not in shared}

    def _norm_behind(self, index: int) -> int:
        """Return the norm that alone reads what a node makes, and that the other model has not; -1 if there is none."""
        behind = self.reads.behind(index)
        if len(behind) != 1 or self._returned & set(self.outline.makes[index][:1]):
            return -1
        is_norm = self.outline.nodes[behind[0]].op_type == _NORM
        return behind[0] if is_norm and behind[0] not in self._matched else -1

    def norm(self, carrier: _Carrier, other: str) -> Norm:
        """Return the norm behind a node, as its weight is folded with it in the model `other`."""
        figures = self.reads.of(carrier.norm)
        said = f"a batch norm is folded into it in {other}"
        if not {1, 2, 3, 4} <= figures.keys():
            return Norm(problem=f"{said}, and computed in {self.name}")
        node = self.outline.nodes[carrier.node]
        transposed = node.op_type == "ConvTranspose"
        # A linear layer's outputs are along the second axis, unless its weight is transposed on the way.
        axis = int(transposed or (node.op_type == "Gemm" and not carrier.read.turned))
        return Norm(
            figures=tuple(figures[slot].weight for slot in (1, 2, 3, 4)),
            epsilon=float(self.outline.nodes[carrier.norm].attributes.get("epsilon", 1e-5)),
            axis=axis,
            groups=int(node.attributes.get("group", 1)) if transposed else 1,
        )

    def bias(self, carrier: _Carrier, norm: Norm, other: str) -> Read | None:
        """Return what the bias of the folded weight is made from: the bias there is, or the norm's shift alone."""
        if norm.problem:
            return None
        own = self.reads.of(carrier.node).get(2)
        if own is not None:
            return replace(own, norm=replace(norm, part="bias", axis=0, groups=1))
        inputs = self.outline.reads[carrier.node]
        computed = len(inputs) > 2 and inputs[2] != -1
        problem = f"a batch norm is folded into it in {other}, and the bias before it is computed in {self.name}"
        shift = replace(norm, part="shift", axis=0, groups=1, problem=problem if computed else "")
        return Read(norm.figures[1], norm=shift)


@dataclass
class _Folds:
    """The pairs, and what the norms among them make of the others.

    Weights that are ``taken`` belong to a norm; ``held`` ones are folded biases, in ``biases`` and in no other pair.
    """

    pairs: list[WeightPair] = field(default_factory=list[WeightPair])
    biases: list[WeightPair] = field(default_factory=list[WeightPair])
    taken: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))
    held: tuple[set[int], set[int]] = field(default_factory=lambda: (set(), set()))

    def add(self, sides: tuple[_Side, _Side], pair: WeightPair, carriers: tuple[_Carrier, _Carrier]) -> None:
        """Take a pair in that is to be compared with the norm behind one of the two, and the biases that go with it."""
        own = 0 if carriers[0].norm >= 0 else 1
        side, other = sides[own], sides[1 - own]
        norm = side.norm(carriers[own], other.name)
        read = replace((pair.a, pair.b)[own], norm=norm)
        self.pairs.append(replace(pair, a=read) if own == 0 else replace(pair, b=read))
        bias, theirs = side.bias(carriers[own], norm, other.name), other.reads.of(carriers[1 - own].node).get(2)
        if bias is None or theirs is None:
            # Nothing holds the shift and the mean: they are among what was removed.
            self.taken[own].update(norm.figures[::3])
            return
        self.taken[own].update(norm.figures)
        self.held[1 - own].add(theirs.weight)
        reads = (bias, theirs) if own == 0 else (theirs, bias)
        self.biases.append(WeightPair(*reads, (carriers[0].node, carriers[1].node), 2))

    def settled(self) -> list[WeightPair]:
        """Return all pairs, each folded bias with what it was made from."""
        held = self.held
        kept = [pair for pair in self.pairs if pair.a.weight not in held[0] and pair.b.weight not in held[1]]
        return [*kept, *self.biases]
