"""Which value of one model is which of the other: inputs, outputs, and what matched nodes compute.

Names decide only where they are part of the contract with whoever calls the model, that is of inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from onnxmagic.check.wording import code
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.side import Side
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Dim, Value

__all__ = ["OtherInputs", "Twin", "inner_twins", "inputs_by_name", "output_twins"]

_FLOATS: Final = frozenset({"float16", "float32", "float64", ""})
"""Types of the values that are compared; where a file does not say the type, a run shows it."""

_NUMBERS: Final = frozenset(
    {*_FLOATS, "bool", "complex64", "complex128", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64))}
)
"""Types of outputs that are compared; of others a runtime gives the bits."""


class OtherInputs(Exception):
    """The two cannot run on the same inputs; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A value of the first model and the one of the second that is the same.

    ``node`` makes it in the first, or -1; ``numbers`` is False where a file says that it is of a type without them.
    """

    a: str
    b: str
    node: int = -1
    numbers: bool = True


def inner_twins(a: Side, b: Side, matching: Matching) -> tuple[Twin, ...]:
    """Return the floating-point values that matched nodes of the two main graphs make, in the order of the first."""
    types = dtypes(a.graph), dtypes(b.graph)
    pairs = sorted((pair.a, pair.b) for pair in matching.pairs)
    found: dict[str, Twin] = {}
    for one, other in pairs:
        if one >= len(a.graph.nodes) or other >= len(b.graph.nodes) or a.nodes[one].op_type == "Constant":
            continue
        for name, its in zip(a.nodes[one].outputs, b.nodes[other].outputs, strict=False):
            if name and its and types[0].get(name, "") in _FLOATS and types[1].get(its, "") in _FLOATS:
                found.setdefault(name, Twin(name, its, one))
    return tuple(found.values())


def output_twins(a: Side, b: Side, matching: Matching) -> tuple[Twin, ...]:
    """Return the outputs that both have: by their names, a renamed one by the node that makes it."""
    makers, others = _makers(a), _makers(b)
    theirs = {value.name: value.dtype for value in b.graph.outputs}
    by_maker = {
        others[name]: name for name in theirs.keys() - {value.name for value in a.graph.outputs} if name in others
    }
    found: list[Twin] = []
    for value in a.graph.outputs:
        node, slot = makers.get(value.name, (-1, 0))
        its = value.name if value.name in theirs else by_maker.get((matching.of_a.get(node, -1), slot))
        if its is not None:
            found.append(Twin(value.name, its, node, {value.dtype, theirs[its]} <= _NUMBERS))
    return tuple(found)


def inputs_by_name(a: Side, b: Side, matching: Matching) -> Mapping[str, str]:
    """Return the inputs of the second by those of the first; a renamed one is known by the nodes that read it.

    Raises
    ------
    OtherInputs
        They have not the same inputs, or of other types or sizes.
    """
    ours, theirs = ({v.name: v for v in side.graph.inputs} for side in (a, b))
    names = {name: name for name in ours if name in theirs}
    names |= dict(_renamed(a, b, matching, names))
    for side, left in ((a, ours.keys() - names.keys()), (b, theirs.keys() - set(names.values()))):
        if left:
            raise OtherInputs(f"only {code(side.name)} has an input {code(min(left))}")
    for name, its in names.items():
        if unlike := _unlike(ours[name], theirs[its]):
            one, other = unlike
            raise OtherInputs(f"{code(name)} is {one} in {code(a.name)} and {other} in {code(b.name)}")
    return names


def _renamed(a: Side, b: Side, matching: Matching, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield inputs that bear two names: each is read where the other is, and nowhere else."""
    read: dict[str, set[str]] = {}
    theirs = {index: value.name for index, value in zip(b.outline.inputs, b.graph.inputs, strict=False)}
    ours = {index: value.name for index, value in zip(a.outline.inputs, a.graph.inputs, strict=False)}
    for pair in matching.pairs:
        for one, other in zip(a.outline.reads[pair.a], b.outline.reads[pair.b], strict=False):
            if one in ours and other in theirs:
                read.setdefault(ours[one], set()).add(theirs[other])
    taken = set(known.values())
    for name, candidates in read.items():
        left = candidates - taken
        if name not in known and len(left) == 1 == len(candidates):
            taken |= left
            yield name, left.pop()


def _unlike(ours: Value, theirs: Value) -> tuple[str, str] | None:
    """Return what an input is in both where no array can be both."""
    if ours.dtype != theirs.dtype:
        return ours.dtype or "of unknown type", theirs.dtype or "of unknown type"
    if ours.shape is None or theirs.shape is None:
        return None
    sizes = zip(ours.shape, theirs.shape, strict=False)
    fixed = (isinstance(x, int) and isinstance(y, int) and x != y for x, y in sizes)
    if len(ours.shape) != len(theirs.shape) or any(fixed):
        return _shape(ours.shape), _shape(theirs.shape)
    return None


def _shape(shape: Sequence[Dim]) -> str:
    return f"[{', '.join('?' if dim is None else str(dim)[:40] for dim in shape)}]"


def _makers(side: Side) -> dict[str, tuple[int, int]]:
    """Return the node, and which of its outputs, by the name of the value."""
    return {
        name: (index, slot)
        for index, node in enumerate(side.graph.nodes)
        for slot, name in enumerate(node.outputs)
        if name
    }
