"""What a weight is called: as PyTorch calls it where a file tells, else by who computes with it.

A folded weight is ``val_108`` in one export and ``val_112`` in the next. ``encoder.0.fc.weight`` is what a person
looks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onnxmagic.diff.side import Side
from onnxmagic.diff.weight_pairs import own_name
from onnxmagic.diff.weight_reads import WeightPair

__all__ = ["is_parameter", "name_of", "where_of"]

_NORM: Final[Mapping[int, str]] = {1: "weight", 2: "bias"}
_ROLES: Final[Mapping[str, Mapping[int, str]]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul", "LayerNormalization", "RMSNormalization"), _NORM),
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization"), _NORM),
    "BatchNormalization": {1: "weight", 2: "bias", 3: "running_mean", 4: "running_var"},
    "Gather": {0: "weight"},
    "PRelu": {1: "weight"},
    "Add": {0: "bias", 1: "bias"},
}


def is_parameter(side: Side, index: int) -> bool:
    """Tell whether a weight is what a person calls one, and not a constant of the computation."""
    weight = side.stored[index]
    return weight.is_parameter and bool(weight.shape or own_name(side, index))


def name_of(a: Side, b: Side, pair: WeightPair) -> str:
    """Return what a pair is called."""
    known = own_name(a, pair.a.weight) or own_name(b, pair.b.weight)
    if known or not is_parameter(a, pair.a.weight):
        return known or a.stored[pair.a.weight].name
    node, slot = (pair.nodes[0], pair.slot) if pair.nodes[0] >= 0 else _first_reader(a, pair.a.weight)
    role = _ROLES.get(a.nodes[node].op_type, {}).get(slot, "") if node >= 0 else ""
    where = where_of(a, b, pair)
    return f"{where}.{role}" if role and where else a.stored[pair.a.weight].name


def where_of(a: Side, b: Side, pair: WeightPair) -> str:
    """Return the module that computes with a weight; ``""`` where nobody knows."""
    if pair.nodes[0] < 0:
        node, _ = _first_reader(a, pair.a.weight)
        return (a.nodes[node].module if node >= 0 else None) or ""
    return a.nodes[pair.nodes[0]].module or b.nodes[pair.nodes[1]].module or ""


def _first_reader(side: Side, weight: int) -> tuple[int, int]:
    """Return the first node that reads a weight as it is, and the slot; -1 where none does."""
    for node, used in enumerate(side.outline.weights):
        if weight in used:
            return node, side.outline.reads[node].index(-2 - weight)
    return -1, -1
