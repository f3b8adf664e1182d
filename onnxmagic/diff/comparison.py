"""Two nodes that are held to be one, and what is not the same about them.

A node that was put in between two others changes what the second reads, and so does one that was taken out. That is one
edit and must not be told three times: an input counts as rewired only where no added or removed node explains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

from onnxmagic.diff.attributes import attribute_changes, operator, plain
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import NOTHING, Body, Origin, Origins
from onnxmagic.diff.ports import Ports
from onnxmagic.diff.result import Change
from onnxmagic.graph.facts import Initializer, Node

__all__ = ["Comparison"]

_FEW: Final = 6
"""Values of a weight that are told."""

_FAR: Final = 64
"""Added or removed nodes that are looked through to explain one input."""


class Comparison:
    """Two models, of which it is known which node is which."""

    def __init__(self, a: Origins, b: Origins, matching: Matching, paired: Ports) -> None:
        self.a = a
        self.b = b
        self.paired = paired
        self._of_a, self._of_b = matching.of_a, matching.of_b
        self._same_opsets = a.side.graph.opsets == b.side.graph.opsets

    def changes(self, a: int, b: int) -> list[Change]:
        """Return what is not the same about two nodes that are one."""
        first, second = self.a.outline.nodes[a], self.b.outline.nodes[b]
        changes = []
        if (first.op_type, first.domain, first.overload) != (second.op_type, second.domain, second.overload):
            changes.append(Change("operator", "operator", operator(first), operator(second)))
        instead: set[int] = set()
        if not self._same_opsets or first.attributes != second.attributes:
            attributes, instead = attribute_changes(self.a, self.b, (a, b))
            changes += attributes
        if a in self.a.side.constants and not changes:
            changes += self._constants(a, b)
        changes += self._inputs(a, b, instead)
        changes += self._outputs(a, b)
        if a in self.a.bodies or b in self.b.bodies:
            changes += self._bodies(a, b)
        elif first.op_type in self._called:
            changes += self._closed(first, second)
        return changes

    def _inputs(self, a: int, b: int, instead: set[int]) -> Iterator[Change]:
        reads = self.a.outline.reads[a], self.b.outline.reads[b]
        if len(reads[0]) == len(reads[1]) and all(map(self._plainly_one, *reads)):
            return
        first, second = self.a.read(a), self.b.read(b)
        for slot in range(max(len(first), len(second))):
            if slot not in instead:
                x, y = (reads[slot] if slot < len(reads) else NOTHING for reads in (first, second))
                yield from self._input(slot, x, y)

    def _plainly_one(self, x: int, y: int) -> bool:
        """Whether two values, as ``Outline.reads`` numbers them, are one. Nearly all are, so this is the quick way."""
        if x >= 0:
            return self._value_of_a.get(x) == y
        if x == -1 or y >= -1:
            return x == y
        hashed = self.a.side.hash_of(-2 - x)
        if hashed is not None and hashed == self.b.side.hash_of(-2 - y):
            return True
        return self.one(Origin("weight", -2 - x), Origin("weight", -2 - y))

    @cached_property
    def _value_of_a(self) -> dict[int, int]:
        """What the matched nodes of the second model make, by what those of the first do."""
        makes = self.a.outline.makes, self.b.outline.makes
        return {
            x: y
            for a, b in self._of_a.items()
            for x, y in zip(makes[0][a], makes[1][b], strict=False)
            if x >= 0 and y >= 0
        }

    def _input(self, slot: int, x: Origin, y: Origin) -> Iterator[Change]:
        if x.kind == y.kind == "weight":
            weights = self.a.side.stored[x.number], self.b.side.stored[y.number]
            if (weights[0].dtype, weights[0].shape) != (weights[1].dtype, weights[1].shape):
                yield Change("input", f"input {slot}", *map(_weight, weights))
            elif self._other_values(x.number, y.number):
                # Axes, shapes and flags are part of the structure, wherever they are stored.
                kind = "weight" if weights[0].is_parameter else "input"
                yield Change(kind, f"input {slot}", *map(_weight, weights))
        elif not self.one(x, y) and not self.explained(x, y):
            yield Change("input", f"input {slot}", describe(self.a, x), describe(self.b, y))

    def _other_values(self, a: int, b: int) -> bool:
        """Whether the values of two weights of one kind are known, and are not the same."""
        hashes = self.a.side.hash_of(a), self.b.side.hash_of(b)
        if None not in hashes:
            return hashes[0] != hashes[1]
        values = self.a.side.stored[a].value, self.b.side.stored[b].value
        return None not in values and repr(values[0]) != repr(values[1])

    def _constants(self, a: int, b: int) -> Iterator[Change]:
        """Yield that two tensors, of which the facts have the type and shape alone, have other values."""
        hashes = self.a.side.constants[a], self.b.side.constants.get(b)
        if hashes[1] is not None and hashes[0] != hashes[1]:
            name, value = next(iter(self.a.outline.nodes[a].attributes.items()), ("", ""))
            before, after = (f"{plain(value)} ({hashed.hex()[:8]})" for hashed in (hashes[0], hashes[1]))
            yield Change("attribute", f"attribute {name}", before, after)

    def _outputs(self, a: int, b: int) -> Iterator[Change]:
        """Yield how many outputs there are, and which of them the graph gives back."""
        first, second = self.a.outline.makes[a], self.b.outline.makes[b]
        if len(first) != len(second) or -1 in first or -1 in second:
            counts = _used(first), _used(second)
            if counts[0] != counts[1]:
                yield Change("output", "outputs", str(counts[0]), str(counts[1]))
        if a in self._given_back[0] or b in self._given_back[1]:
            yield from dict.fromkeys((*self._given_back[0].get(a, ()), *self._given_back[1].get(b, ())))

    @cached_property
    def _given_back(self) -> tuple[dict[int, list[Change]], dict[int, list[Change]]]:
        """By the node that makes them, in either model: the graph's outputs that the other has from elsewhere."""
        found: tuple[dict[int, list[Change]], dict[int, list[Change]]] = ({}, {})
        for place, other in self.paired.outputs.items():
            x, y = self.a.outputs[place], self.b.outputs[other]
            if not self.one(x, y) and not self.explained(x, y):
                name = self.a.side.graph.outputs[place].name
                change = Change("output", f"graph output {name}", describe(self.a, x), describe(self.b, y))
                for origin, by_node in zip((x, y), found, strict=True):
                    if origin.kind == "node":
                        by_node.setdefault(origin.number, []).append(change)
        return found

    def _bodies(self, a: int, b: int) -> Iterator[Change]:
        """Yield what owners of bodies do with them; what is in the bodies is compared node by node."""
        first, second = self.a.bodies.get(a, ()), self.b.bodies.get(b, ())
        if len(first) != len(second):
            yield Change("body", "bodies", *map(str, (len(first), len(second))))
        for before, after in zip(first, second, strict=False):
            yield from self._body(before, after)

    @cached_property
    def _called(self) -> set[str]:
        return {function.name for function in self.a.side.graph.local}

    def _closed(self, first: Node, second: Node) -> Iterator[Change]:
        """Yield that two calls of functions with too many nodes to be laid open may not be the same."""
        called = [
            [f for f in side.side.graph.local if (f.domain, f.name, f.overload) == (n.domain, n.op_type, n.overload)]
            for side, n in ((self.a, first), (self.b, second))
        ]
        if called[0] != called[1]:
            counts = [f"{sum(len(function.nodes) for function in each)} nodes, not looked into" for each in called]
            yield Change("body", f"function {first.op_type}", *counts)

    def _body(self, before: Body, after: Body) -> Iterator[Change]:
        for what, x, y in (
            ("inputs", before.inputs, after.inputs),
            ("outputs", len(before.returns), len(after.returns)),
        ):
            if x != y:
                yield Change("body", f"{what} of {before.name}", str(x), str(y))
        for slot, (x, y) in enumerate(zip(before.returns, after.returns, strict=False)):
            if x.kind == y.kind == "weight":
                for change in self._input(slot, x, y):
                    yield Change(change.kind, f"output {slot} of {before.name}", change.before, change.after)
            elif not self.one(x, y) and not self.explained(x, y):
                yield Change("body", f"output {slot} of {before.name}", describe(self.a, x), describe(self.b, y))

    def one(self, x: Origin, y: Origin) -> bool:
        """Whether two values come from the same place, or are equal weights."""
        if x.kind == y.kind == "weight":
            return not any(self._input(0, x, y))
        return x.kind == y.kind and self._other(x) == y

    def _other(self, x: Origin) -> Origin | None:
        """Return where in the second model a value of the first comes from; None where it is in the first alone."""
        if x.kind == "input":
            index = self.paired.inputs.get(x.number)
        elif x.kind == "node":
            index = self._of_a.get(x.number)
        elif x.kind == "body":
            index = self._bodies_of_a.get(x.number)
        else:
            return x
        return None if index is None else Origin(x.kind, index, x.slot)

    @cached_property
    def _bodies_of_a(self) -> dict[int, int]:
        """Which body is which, by their scopes."""
        return {
            x.scope: y.scope
            for owner, bodies in self.a.bodies.items()
            if owner in self._of_a
            for x, y in zip(bodies, self.b.bodies.get(self._of_a[owner], ()), strict=False)
        }

    def explained(self, x: Origin, y: Origin) -> bool:
        """Whether an added or a removed node is why one input comes from `x` and the other from `y`."""
        alone = x.kind == "node" and x.number not in self._of_a, y.kind == "node" and y.number not in self._of_b
        if alone[0] == alone[1]:
            return alone[0]
        before = {self._other(origin) for origin in _sources(self.a, x, self._of_a)}
        after = set(_sources(self.b, y, self._of_b))
        # Constants come from nowhere: one that was computed may be stored now.
        return not before or not after or bool(before & after)


def _sources(side: Origins, origin: Origin, matched: Mapping[int, int]) -> Iterator[Origin]:
    """Yield what a value is made of, as seen through nodes that are in one model alone."""
    waiting, met = [origin], {origin}
    while waiting and len(met) <= _FAR:
        one = waiting.pop()
        if one.kind == "node" and one.number not in matched:
            new = [each for each in side.read(one.number) if each not in met]
            met.update(new)
            waiting += new
        elif one.kind not in {"weight", "nothing"}:
            yield one


def _used(makes: Iterable[int]) -> int:
    return max((place for place, number in enumerate(makes, 1) if number >= 0), default=0)


def describe(side: Origins, origin: Origin) -> str:
    """Return where a value comes from, as text."""
    if origin.kind == "weight":
        return _weight(side.side.stored[origin.number])
    if origin.kind == "input":
        return f"the input {side.side.graph.inputs[origin.number].name}"
    if origin.kind == "body":
        return f"input {origin.slot} of {side.outline.scopes[origin.number].name}"
    if origin.kind == "nothing":
        return "left out"
    node = side.outline.nodes[origin.number]
    which = f"output {origin.slot} of " if len(node.outputs) > 1 else ""
    return f"{which}{operator(node)} {node.name}".rstrip()


def _weight(weight: Initializer) -> str:
    about = f"{weight.dtype} [{', '.join(map(str, weight.shape))}] {weight.name}"
    return f"{about} = {plain(weight.value)}" if weight.value is not None and weight.size <= _FEW else about
