"""Where a value comes from: a node, an input of the graph, a weight, or what a body is handed.

Two graphs share no indices and need not share a name, so what two nodes read can only be held against each other by
what made it. The outline knows that for everything but the edges of bodies: what a loop hands in and what a branch
gives back have names in the file and nothing else. Those names are resolved here, once a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

from onnxmagic.diff.side import Side
from onnxmagic.graph.facts import Graph, Initializer

__all__ = ["NOTHING", "Body", "Origin", "Origins"]


class Origin(NamedTuple):
    """What makes a value.

    ``number`` is that of a node of the outline, of an input of the graph, of a weight, or of the body's scope; ``slot``
    says which of the node's outputs, or of the body's inputs, it is.
    """

    kind: Literal["node", "input", "weight", "body", "nothing"]
    number: int
    slot: int = 0


NOTHING: Final = Origin("nothing", -1)
"""An input that is left out, or made by nobody."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body of a node: its name, its scope, how many inputs it has, and where what it gives back comes from."""

    name: str
    scope: int
    inputs: int
    returns: tuple[Origin, ...]


class Origins:
    """The origins of all values of one model."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.outline = side.outline
        self._inner = len(side.graph.initializers)
        self._of_value = [NOTHING] * len(self.outline.values)
        for place, number in enumerate(self.outline.inputs):
            self._of_value[number] = Origin("input", place)
        for index, makes in enumerate(self.outline.makes):
            for slot, number in enumerate(makes):
                if number >= 0:
                    self._of_value[number] = Origin("node", index, slot)
        self._hand_in()

    def of(self, number: int) -> Origin:
        """Return the origin of a value as ``Outline.reads`` numbers it."""
        if number >= 0:
            return self._of_value[number]
        return Origin("weight", -2 - number) if number < -1 else NOTHING

    def read(self, index: int) -> list[Origin]:
        """Return where the inputs of a node come from; those left out at the end are gone."""
        reads = [self.of(number) for number in self.outline.reads[index]]
        while reads and reads[-1] is NOTHING:
            reads.pop()
        return reads

    @cached_property
    def outputs(self) -> list[Origin]:
        """Where the outputs of the graph come from."""
        stored = {weight.name: index for index, weight in reversed(list(enumerate(self.side.graph.initializers)))}
        found: list[Origin] = []
        for number, value in zip(self.outline.outputs, self.side.graph.outputs, strict=True):
            origin = self._of_value[number]
            known = origin is not NOTHING or value.name not in stored
            found.append(origin if known else Origin("weight", stored[value.name]))
        return found

    @cached_property
    def consumers(self) -> list[list[tuple[int, int]]]:
        """For each node, the nodes that read what it makes, with the number of the input."""
        found: list[list[tuple[int, int]]] = [[] for _ in self.outline.nodes]
        for index, reads in enumerate(self.outline.reads):
            for slot, number in enumerate(reads):
                origin = self._of_value[number] if number >= 0 else NOTHING
                if origin.kind == "node":
                    found[origin.number].append((index, slot))
        return found

    def owner(self, index: int) -> int:
        """Return the node in whose body a node is; -1 for one of the main graph."""
        return self.outline.scopes[self._parts[self.outline.of_node[index]]].owner

    @cached_property
    def bodies(self) -> Mapping[int, tuple[Body, ...]]:
        """The bodies of each node that has any, in its own order; a call of a function has one."""
        found: dict[int, tuple[Body, ...]] = {}
        for scope, owner, graph in self._opened:
            inputs = len(graph.inputs) if graph else 0
            body = Body(self.outline.scopes[scope].name, scope, inputs, tuple(self._returns(scope, owner, graph)))
            found[owner] = (*found.get(owner, ()), body)
        return found

    @cached_property
    def _opened(self) -> list[tuple[int, int, Graph | None]]:
        """The bodies that are laid open: their scope, their owner, and their graph, which a function has not."""
        met: dict[int, int] = {}
        found: list[tuple[int, int, Graph | None]] = []
        for number, scope in enumerate(self.outline.scopes):
            if scope.kind == "body":
                place = met.get(scope.owner, 0)
                met[scope.owner] = place + 1
                graphs = self.outline.nodes[scope.owner].body
                found.append((number, scope.owner, graphs[place] if place < len(graphs) else None))
        return found

    def _hand_in(self) -> None:
        """Tell the inputs of bodies: values that nobody makes, in the order in which bodies were laid open."""
        if not self._opened:
            return
        known = {*self.outline.outputs}
        orphans = (n for n, origin in enumerate(self._of_value) if origin is NOTHING and n not in known)
        for scope, _, graph in self._opened:
            for slot in range(len(graph.inputs) if graph else 0):
                self._of_value[next(orphans)] = Origin("body", scope, slot)

    def _returns(self, scope: int, owner: int, graph: Graph | None) -> list[Origin]:
        if graph is not None:
            return [self._named(scope, value.name) for value in graph.outputs]
        node = self.outline.nodes[owner]
        key = (node.domain, node.op_type, node.overload)
        called = next((f for f in self.side.graph.local if (f.domain, f.name, f.overload) == key), None)
        return [self._named(scope, name) for name in called.outputs] if called else []

    def _named(self, scope: int, name: str) -> Origin:
        """Return what `name` means in a body, or in the graphs around it."""
        while True:
            if name in self._names[scope]:
                return self._names[scope][name]
            body = self.outline.scopes[scope]
            # The body of a function sees nothing of what is around the call.
            if body.owner < 0 or scope in self._functions:
                return NOTHING
            scope = self._parts[self.outline.of_node[body.owner]]

    @cached_property
    def _functions(self) -> set[int]:
        return {scope for scope, _, graph in self._opened if graph is None}

    @cached_property
    def _parts(self) -> list[int]:
        """For each scope the body that it is in, by the body's scope; 0 is the main graph."""
        parts: list[int] = []
        for number, scope in enumerate(self.outline.scopes):
            parts.append(number if scope.kind == "body" or scope.parent < 0 else parts[scope.parent])
        return parts

    @cached_property
    def _names(self) -> dict[int, dict[str, Origin]]:
        """What names mean in the main graph and in each body; of two meanings the first holds, as in the outline."""
        graph = self.side.graph
        names: dict[int, dict[str, Origin]] = {0: {v.name: Origin("input", k) for k, v in enumerate(graph.inputs)}}
        self._store(names[0], graph.initializers, 0)
        first = self._inner
        for scope, owner, body in self._opened:
            names[scope] = self._given(scope, owner, body)
            if body:
                self._store(names[scope], body.initializers, first)
                first += len(body.initializers)
        for index, node in enumerate(self.outline.nodes):
            known = names[self._parts[self.outline.of_node[index]]]
            for slot, name in enumerate(node.outputs):
                known.setdefault(name, Origin("node", index, slot))
        return names

    def _given(self, scope: int, owner: int, body: Graph | None) -> dict[str, Origin]:
        if body is not None:
            return {value.name: Origin("body", scope, slot) for slot, value in enumerate(body.inputs)}
        node = self.outline.nodes[owner]
        key = (node.domain, node.op_type, node.overload)
        called = next((f for f in self.side.graph.local if (f.domain, f.name, f.overload) == key), None)
        reads = map(self.of, self.outline.reads[owner])
        return dict(zip(called.inputs, reads, strict=False)) if called else {}

    def _store(self, names: dict[str, Origin], weights: Sequence[Initializer], first: int) -> None:
        for number, weight in enumerate(weights, first):
            names.setdefault(weight.name, Origin("weight", number))
