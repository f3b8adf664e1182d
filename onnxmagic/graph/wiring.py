"""Who reads whose value, with the bodies of control flow and of local functions laid open.

In a file values have names, and a name means something else in a function than around it, and a body sees the names of
all graphs around it. Here each node of each body gets a number, and names are gone.

The bodies come from strangers: functions call themselves, or each calls the next one twice, so that forty of them are a
million million nodes. A call is laid open while the whole stays small; else it is a node like any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from onnxmagic.graph.facts import Function, Graph, Initializer, Node, Reference, Value

__all__ = ["LIMIT", "Part", "Wiring", "wiring"]

LIMIT: Final = 60_000
"""Calls of local functions are laid open while there are no more nodes than this in all; 50,000 can be drawn."""

MAX_DEPTH: Final = 100
"""Of calls within calls."""

_INPUT: Final = -1
_NOTHING: Final = -2


@dataclass(frozen=True, slots=True)
class Part:
    """A run of nodes: the main graph (the first part), or one body of the node `owner`."""

    name: str
    first: int
    end: int
    owner: int = -1


@dataclass
class Wiring:
    """Nodes, values and edges by number; the fields are those of ``Outline``. ``parts`` are in the order of nodes."""

    nodes: list[Node] = field(default_factory=list[Node])
    parts: list[Part] = field(default_factory=list[Part])
    values: list[Value] = field(default_factory=list[Value])
    edges: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    weights: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    inputs: list[int] = field(default_factory=list[int])
    outputs: list[int] = field(default_factory=list[int])
    inner: list[Initializer] = field(default_factory=list[Initializer])
    reads: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])
    makes: list[tuple[int, ...]] = field(default_factory=list[tuple[int, ...]])


def wiring(graph: Graph) -> Wiring:
    """Return the nodes of `graph` and of all bodies in it, and what flows between them."""
    return _Unfolding(graph).done()


_Origin = tuple[int, int, int]
"""Behind a name: the node that makes it (or ``_INPUT``, ``_NOTHING``), the value its edges carry, the value itself.

The two values differ in a body: what it is given comes along an edge of the graph outside, and may be a slice of that.
The value of a weight is ``-2 - i`` for initializer ``i``. Plain tuples: there is one for every value of a file.
"""

_ABSENT: Final[_Origin] = (_NOTHING, -1, -1)


@dataclass(slots=True)
class _Names:
    """What names mean in one body; those it does not know it asks the graph around it for (functions have none)."""

    known: Mapping[str, Value]
    outer: _Names | None = None
    origins: dict[str, _Origin] = field(default_factory=lambda: {"": _ABSENT})

    def find(self, name: str) -> _Origin:
        """Return the origin of a name, ``_ABSENT`` for one that nobody knows."""
        names: _Names | None = self
        while names is not None:
            if name in names.origins:
                return names.origins[name]
            names = names.outer
        return _ABSENT


@dataclass(frozen=True)
class _Opened:
    """A part whose nodes' own bodies are still to be laid open.

    ``given`` are the attributes of the call it is in, None outside of functions; ``calls`` the functions around it.
    """

    part: Part
    names: _Names
    given: Mapping[str, Any] | None = None
    calls: tuple[tuple[str, str, str], ...] = ()


class _Unfolding:
    """One walk over one graph, bodies last, the outer before the inner."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.wired = Wiring()
        self.total = sum(1 for _ in graph.walk())
        self.waiting: deque[_Opened] = deque()

    @cached_property
    def functions(self) -> dict[tuple[str, str, str], Function]:
        return {(f.domain, f.name, f.overload): f for f in self.graph.local}

    @cached_property
    def sizes(self) -> dict[tuple[str, str, str], int]:
        """Nodes of each function, those in the bodies of its control flow included, those of its calls not."""
        return {key: sum(map(_size, function.nodes)) for key, function in self.functions.items()}

    def done(self) -> Wiring:
        """Lay everything open."""
        graph, wired = self.graph, self.wired
        names = _Names(_known(graph))
        for value in graph.inputs:
            wired.inputs.append(self._value(value))
            names.origins.setdefault(value.name, (_INPUT, wired.inputs[-1], wired.inputs[-1]))
        self._store(graph.initializers, 0, names)
        self._open(graph.nodes, _Opened(Part("", 0, len(graph.nodes)), names))
        for value in graph.outputs:
            source, carried, _ = names.find(value.name)
            wired.outputs.append(self._value(value) if source == _NOTHING else carried)
            if source != _NOTHING:
                wired.edges.append((source, -1, carried))
        while self.waiting:
            self._open_bodies(self.waiting.popleft())
        return wired

    def _value(self, value: Value) -> int:
        self.wired.values.append(value)
        return len(self.wired.values) - 1

    def _store(self, initializers: Sequence[Initializer], first: int, names: _Names) -> None:
        for number, initializer in enumerate(initializers, first):
            names.origins.setdefault(initializer.name, (_NOTHING, -1, -2 - number))

    def _open(self, nodes: Sequence[Node], opened: _Opened) -> None:
        """Give numbers to `nodes` and what they make, then look up what they read: files are not always in order."""
        wired, origins, known = self.wired, opened.names.origins, opened.names.known
        wired.parts.append(opened.part)
        wired.nodes.extend(nodes if opened.given is None else [_resolved(node, opened.given) for node in nodes])
        values = wired.values
        for index, node in enumerate(nodes, opened.part.first):
            made: list[int] = []
            for name in node.outputs:
                number = len(values) if name else -1
                made.append(number)
                if name:
                    values.append(known.get(name) or Value(name, "", None))
                    origins.setdefault(name, (index, number, number))
            wired.makes.append(tuple(made))
        for index, node in enumerate(nodes, opened.part.first):
            # Nearly every name is known right here.
            self._read(index, [origins.get(name) or opened.names.find(name) for name in node.inputs])
        if self.functions or any(node.body for node in nodes):
            self.waiting.append(opened)

    def _read(self, index: int, found: list[_Origin]) -> None:
        """Note what node `index` reads; what it reads twice comes along one edge."""
        wired, own = self.wired, list[int]()
        wired.reads.append(tuple([value for _, _, value in found]))
        for source, carried, value in dict.fromkeys(found) if len(found) > 1 else found:
            if source != _NOTHING:
                wired.edges.append((source, index, carried))
            elif value < _INPUT:
                own.append(-2 - value)
        wired.weights.append(tuple(own))

    def _open_bodies(self, opened: _Opened) -> None:
        for owner in range(opened.part.first, opened.part.end):
            node = self.wired.nodes[owner]
            for name, body in zip(_body_names(node), node.body, strict=True) if node.body else ():
                self._open_body(owner, name, body, opened)
            key = (node.domain, node.op_type, node.overload)
            if key in self.functions:
                self._open_call(owner, key, opened)

    def _open_body(self, owner: int, name: str, body: Graph, opened: _Opened) -> None:
        """Lay a branch, or the body of a loop, open.

        A value that it reads from around it comes along an edge of its own; so does what the owner hands in, from where
        the owner has it. What an operator makes itself, such as the number of the round, comes from nowhere.
        """
        names = _Names(_known(body), opened.names)
        node = self.wired.nodes[owner]
        for value, given in zip(body.inputs, _handed_in(node, body), strict=True):
            source, carried, _ = opened.names.find(given)
            names.origins.setdefault(value.name, (source, carried, self._value(value)))
        self._store(body.initializers, len(self.graph.initializers) + len(self.wired.inner), names)
        self.wired.inner.extend(body.initializers)
        self._close(body.nodes, replace(opened, part=self._part(name, body.nodes, owner), names=names), body.outputs)

    def _open_call(self, owner: int, key: tuple[str, str, str], opened: _Opened) -> None:
        """Lay the call of a local function open, unless it is one inside itself or there are too many nodes already."""
        calls = (*opened.calls, key)
        if key in opened.calls or len(calls) > MAX_DEPTH or self.total + self.sizes[key] > LIMIT:
            return
        self.total += self.sizes[key]
        node, function = self.wired.nodes[owner], self.functions[key]
        known = dict(function.values)
        for name, number in zip(function.outputs, self.wired.makes[owner], strict=False):
            if number >= 0:
                value = self.wired.values[number]
                known.setdefault(name, Value(name, value.dtype, value.shape))
        names = _Names(known)
        for name, given in zip(function.inputs, node.inputs, strict=False):
            names.origins.setdefault(name, opened.names.find(given))
        given = {**function.attributes, **node.attributes}
        outputs = [Value(name, "", None) for name in function.outputs]
        part = self._part(function.name, function.nodes, owner)
        self._close(function.nodes, _Opened(part, names, given, calls), outputs)

    def _part(self, name: str, nodes: Sequence[Node], owner: int) -> Part:
        return Part(name, len(self.wired.nodes), len(self.wired.nodes) + len(nodes), owner)

    def _close(self, nodes: Sequence[Node], opened: _Opened, outputs: Sequence[Value]) -> None:
        """Lay the nodes of a body open, and let what it returns flow into its owner."""
        self._open(nodes, opened)
        for value in outputs:
            source, carried, _ = opened.names.find(value.name)
            if source >= opened.part.first:
                self.wired.edges.append((source, opened.part.owner, carried))


def _size(node: Node) -> int:
    return 1 + sum(1 for body in node.body for _ in body.walk())


def _known(graph: Graph) -> dict[str, Value]:
    return {**graph.values, **{value.name: value for value in graph.outputs}}


def _body_names(node: Node) -> list[str]:
    """Return the names of the attributes that hold the bodies of `node`; they have only a short text as their value."""
    texts = {f"graph of {len(body.nodes)} nodes" for body in node.body}
    named = [name for name, value in node.attributes.items() if isinstance(value, str) and value in texts]
    return named if len(named) == len(node.body) else [f"body {number}" for number in range(1, len(node.body) + 1)]


def _handed_in(node: Node, body: Graph) -> list[str]:
    """Return for each input of `body` the input of `node` that is handed in; ``""`` where there is none."""
    count = len(body.inputs)
    if node.op_type == "Loop":
        # The first is the number of the round; then the condition and the state, as Loop itself has them.
        given = ["", *node.inputs[1:]]
    elif node.op_type == "Scan":
        # States and sequences; the oldest version has the lengths of the sequences before them.
        given = list(node.inputs[max(0, len(node.inputs) - count) :])
    elif node.op_type == "SequenceMap":
        given = list(node.inputs)
    else:
        given = []
    return [*given[:count], *([""] * (count - len(given)))]


def _resolved(node: Node, given: Mapping[str, Any]) -> Node:
    """Return a node of a function with the attributes that the call gives; one that the call leaves out it has not."""
    if not any(isinstance(value, Reference) for value in node.attributes.values()):
        return node
    meant = {
        name: given.get(value.name) if isinstance(value, Reference) else value
        for name, value in node.attributes.items()
    }
    return replace(node, attributes={name: value for name, value in meant.items() if value is not None})
