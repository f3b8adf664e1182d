"""The graph as it is drawn: boxes that open, nodes in them, and what flows from which to which.

A file knows nodes and names of values. A person sees modules, or blocks that repeat, and arrows. This is the step from
one to the other, in plain indices, so that a view has nothing left to resolve.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from onnxmagic.graph.boxes import Box, Boxes, by_module, settle, slash_paths
from onnxmagic.graph.facts import Graph, Initializer, Module, Node, Value
from onnxmagic.graph.grouping import Level, group
from onnxmagic.graph.wiring import Part, Wiring, wiring

__all__ = ["Edge", "Outline", "Scope", "outline"]

Source = Literal["modules", "names", "blocks", "flat"]

_LONGEST: Final = 200
_LONGEST_PATH: Final = 2000


@dataclass(frozen=True, slots=True)
class Scope:
    """A box that opens: a module, a block found by structure, or the body of a node.

    Attributes
    ----------
    name : str
        As it is shown: the last component of the path (``"0"``, ``"then_branch"``, ``"block 3"``).
    path : str
        Dotted path from the root, which is ``""``; unique.
    class_name : str
        ``""`` where it is not known, as for every block.
    parent : int
        Index in ``Outline.scopes``; -1 for the root, which is the first.
    kind : {"module", "block", "body"}
    owner : int
        Of a body, the If, Loop, Scan or function call it belongs to (index in ``Outline.nodes``); else -1.
    """

    name: str
    path: str
    class_name: str
    parent: int
    kind: Literal["module", "block", "body"]
    owner: int = -1


@dataclass(frozen=True, slots=True)
class Edge:
    """A value on its way: from a node (-1: a graph input) to a node (-1: a graph output)."""

    source: int
    target: int
    value: int


@dataclass(frozen=True)
class Outline:
    """A graph in scopes, by indices.

    Attributes
    ----------
    source : {"modules", "names", "blocks", "flat"}
        Where the scopes come from: the exporter's metadata, paths in the nodes' names, repetition in the structure, or
        nowhere, because the graph is small and nothing in it repeats.
    scopes : tuple of Scope
        Parents before children.
    nodes : tuple of Node
        The main graph's in file order, then those of bodies, each body once per node that owns it.
    of_node : tuple of int
        The scope of each node.
    values : tuple of Value
        What edges carry, what nodes make, the graph's inputs and outputs.
    edges : tuple of Edge
        Initializers make none; they are weights of the node that reads them.
    weights : tuple of tuple of int
        Per node, indices into the graph's initializers with ``inner`` behind them.
    inputs, outputs : tuple of int
        Indices into ``values``.
    inner : tuple of Initializer
        Those of control-flow bodies, which the graph's own list does not have.
    reads : tuple of tuple of int
        Per node and input: the value's index, -1 for one left out or made nowhere, ``-2 - i`` for initializer ``i``.
    makes : tuple of tuple of int
        Per node and output: the value's index, -1 for one left out.
    """

    source: Source
    scopes: tuple[Scope, ...]
    nodes: tuple[Node, ...]
    of_node: tuple[int, ...]
    values: tuple[Value, ...]
    edges: tuple[Edge, ...]
    weights: tuple[tuple[int, ...], ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    inner: tuple[Initializer, ...] = ()
    reads: tuple[tuple[int, ...], ...] = ()
    makes: tuple[tuple[int, ...], ...] = ()


def outline(graph: Graph) -> Outline:
    """Return `graph` in scopes.

    What flows in and out of a body: each node of it that reads a value from around it has an edge from where that is
    made, and so has each that reads what its owner hands in (the state of a Loop, the arguments of a function), from
    where the owner has it; an input that the operator makes itself, such as the number of the round, has none. What a
    body returns flows into its owner. So a body stands before its owner, and bodies make no cycle.
    """
    wired = wiring(graph)
    stored = [*graph.initializers, *wired.inner]
    drawing = _Drawing(wired, stored, {module.path: module.class_name for module in _modules(graph)})
    for number, part in enumerate(wired.parts):
        drawing.add(part, drawing.edges[number])
    return Outline(
        source=drawing.source,
        scopes=tuple(drawing.scopes),
        nodes=tuple(wired.nodes),
        of_node=tuple(drawing.of_node),
        values=tuple(wired.values),
        edges=tuple([Edge(*edge) for edge in wired.edges]),
        weights=tuple(wired.weights),
        inputs=tuple(wired.inputs),
        outputs=tuple(wired.outputs),
        inner=tuple(wired.inner),
        reads=tuple(wired.reads),
        makes=tuple(wired.makes),
    )


class _Drawing:
    """Scopes of all parts, as they come: the main graph, then bodies."""

    def __init__(self, wired: Wiring, stored: Sequence[Initializer], classes: Mapping[str, str]) -> None:
        self.wired = wired
        self.stored = stored
        self.classes = classes
        self.scopes: list[Scope] = []
        self.of_node: list[int] = []
        self.source: Source = "flat"
        self._paths: dict[str, int] = {}

    @cached_property
    def edges(self) -> list[list[tuple[int, int]]]:
        """The edges within each part, as pairs of positions in it."""
        parts = self.wired.parts
        within: list[list[tuple[int, int]]] = [[] for _ in parts]
        of_node = [number for number, part in enumerate(parts) for _ in range(part.first, part.end)]
        for source, target, _ in self.wired.edges:
            if source >= 0 and target >= 0 and of_node[source] == of_node[target]:
                first = parts[of_node[source]].first
                within[of_node[source]].append((source - first, target - first))
        return within

    def add(self, part: Part, edges: Sequence[tuple[int, int]]) -> None:
        """Find the scopes of one part."""
        nodes = self.wired.nodes[part.first : part.end]
        owner = self.wired.nodes[part.owner] if part.owner >= 0 else None
        found = by_module(nodes, (owner.module if owner else "") or "", slashes=slash_paths(nodes))
        source: Source = "flat"
        if len(found.boxes) > 1:
            source = "modules" if any(node.classes for node in nodes) else "names"
        settle(found, edges)
        weights = [[self.stored[i] for i in used] for used in self.wired.weights[part.first : part.end]]
        if group(found, Level(nodes, weights, edges)) and source == "flat":
            source = "blocks"
        if self.source == "flat":
            self.source = source
        self._take(found, self._root(part, owner))

    def _root(self, part: Part, owner: Node | None) -> Scope:
        if owner is None:
            return Scope("model", "", "", -1, "module")
        around = self.of_node[part.owner]
        path = [self.scopes[around].path, owner.name[:_LONGEST] or owner.op_type[:_LONGEST], part.name[:_LONGEST]]
        return Scope(part.name, ".".join(filter(None, path))[-_LONGEST_PATH:], "", around, "body", part.owner)

    def _take(self, found: Boxes, root: Scope) -> None:
        """Give numbers to the boxes of a part, behind the scopes that there are, parents first."""
        class_name = found.boxes[0].class_name or ("" if root.path else self.classes.get("", ""))
        name = (class_name or root.name) if root.parent < 0 else root.name
        root = Scope(name, self._unique(root.path), class_name, root.parent, root.kind, root.owner)
        inside: list[list[int]] = [[] for _ in found.boxes]
        for index, box in enumerate(found.boxes[1:], 1):
            inside[box.parent].append(index)
        numbers = [len(self.scopes)] * len(found.boxes)
        self.scopes.append(root)
        waiting = deque([0])
        while waiting:
            for index in inside[waiting[0]]:
                numbers[index] = len(self.scopes)
                self.scopes.append(self._scope(found.boxes[index], numbers[waiting[0]], root))
                waiting.append(index)
            waiting.popleft()
        self.of_node += [numbers[box] for box in found.of_node]

    def _scope(self, box: Box, parent: int, root: Scope) -> Scope:
        path = f"{root.path}.{box.path}" if root.path else box.path
        class_name = box.class_name or ("" if root.path else self.classes.get(box.path, ""))
        return Scope(box.name, self._unique(path), class_name, parent, box.kind)

    def _unique(self, path: str) -> str:
        """Return `path`, with a number behind it where it is taken."""
        met = self._paths.get(path, 0)
        self._paths[path] = met + 1
        return self._unique(f"{path}~{met + 1}") if met else path


def _modules(graph: Graph) -> Iterable[Module]:
    return graph.modules.walk() if graph.modules else ()
