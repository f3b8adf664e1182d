"""Where every tensor of a model is in its file, and which weight or node of the outline that is.

The facts hold no values, and a name finds only the weights of the main graph. Weights of a loop's body and constants of
a megabyte are as much part of what a model computes: two files that differ only there are not identical. So a tensor
has an address here, made of positions alone, that the walk over the file and the outline both arrive at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from onnxmagic.graph.facts import Graph, Node
from onnxmagic.graph.outline import Outline
from onnxmagic.graph.window import Bytes
from onnxmagic.graph.wire import MAX_DEPTH, Part, fields

__all__ = ["Runs", "everywhere", "is_buried", "is_long", "main_only", "runs"]

_MAIN: Final = "g"
_SMALL: Final = 128
"""Bytes of a message; a tensor of more than the facts hold has more, unless its values are in another file."""

_MODEL_GRAPH, _MODEL_FUNCTION, _FUNCTION_NODE = 7, 25, 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_VALUE, _NODE_ATTRIBUTE = 1, 5, 13, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPHS = 5, (6, 11)


Found = tuple[str, int, int]
"""An address, and where the tensor begins and ends in the file."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Where the nodes and the weights of a graph, a body or a function begin in the outline.

    ``of`` has one pair for each time it stands there: a function stands once for each of its calls.
    """

    of: Mapping[str, tuple[tuple[int, int], ...]]

    def weights(self, address: str) -> list[int]:
        """Return the indices of the weight at `address`; none for what is no weight."""
        path, kind, number = address.rpartition("=")
        return [first + int(number) for _, first in self.of.get(path, ())] if kind else []

    def nodes(self, address: str) -> list[int]:
        """Return the indices of the node whose constant is at `address`; none for what is no constant."""
        path, kind, number = address.rpartition("@")
        return [first + int(number) for first, _ in self.of.get(path, ())] if kind else []


def runs(graph: Graph, outline: Outline) -> Runs:
    """Return where graphs, bodies and functions begin in `outline`, which was made of `graph`."""
    functions = {(f.domain, f.name, f.overload): number for number, f in enumerate(graph.local)}
    found: dict[str, list[tuple[int, int]]] = defaultdict(list, {_MAIN: [(0, 0)]})
    of_node = [(_MAIN, position) for position in range(len(graph.nodes))]
    weights = len(graph.initializers)
    seen: dict[int, int] = defaultdict(int)
    for scope in outline.scopes:
        if scope.kind != "body":
            continue
        node, body = outline.nodes[scope.owner], seen[scope.owner]
        seen[scope.owner] += 1
        if body < len(node.body):
            path, position = of_node[scope.owner]
            path, size = f"{path}/{position}/{body}", len(node.body[body].nodes)
        else:
            number = functions[node.domain, node.op_type, node.overload]
            path, size = f"f{number}", len(graph.local[number].nodes)
        found[path].append((len(of_node), weights))
        of_node += [(path, position) for position in range(size)]
        weights += len(node.body[body].initializers) if body < len(node.body) else 0
    return Runs({path: tuple(places) for path, places in found.items()})


def is_buried(graph: Graph) -> bool:
    """Tell whether there is more than the main graph's weights and constants that the facts hold."""
    return bool(graph.local) or any(node.body or is_long(node) for node in graph.nodes)


def is_long(node: Node) -> bool:
    """Tell whether an attribute of `node` is a tensor that the facts have only a description of."""
    return any(isinstance(value, str) and " tensor, " in value for value in node.attributes.values())


def main_only(data: Bytes, about: Callable[[int, int], None] | None = None) -> Iterator[Found]:
    """Yield the addresses and places of the weights of the main graph; `about` is told where a value is described."""
    for number, _, begin, end in fields(data, 0, len(data)):
        if number == _MODEL_GRAPH:
            yield from _main(data, begin, end, about)


def _main(data: Bytes, begin: int, end: int, about: Callable[[int, int], None] | None) -> Iterator[Found]:
    positions = count()
    for number, _, start, stop in fields(data, begin, end):
        if number == _GRAPH_INITIALIZER:
            yield f"{_MAIN}={next(positions)}", start, stop
        elif number == _GRAPH_VALUE and about is not None:
            about(start, stop)


def everywhere(data: Bytes, about: Callable[[int, int], None] | None = None) -> Iterator[Found]:
    """Yield the addresses and places of all weights and of all constants that may be long; `about` as above."""
    walk, functions = _Walk(data), count()
    for number, _, begin, end in fields(data, 0, len(data)):
        if number == _MODEL_GRAPH:
            yield from _main(data, begin, end, about)
            yield from walk.nodes(_MAIN, (part for part in fields(data, begin, end) if part[0] == _GRAPH_NODE), 0)
        elif number == _MODEL_FUNCTION:
            nodes = (part for part in fields(data, begin, end) if part[0] == _FUNCTION_NODE)
            yield from walk.nodes(f"f{next(functions)}", nodes, 0)


@dataclass(frozen=True, slots=True)
class _Walk:
    data: Bytes

    def graph(self, path: str, begin: int, end: int, depth: int) -> Iterator[Found]:
        """Yield what is in a graph or a body."""
        weights = (part for part in fields(self.data, begin, end) if part[0] == _GRAPH_INITIALIZER)
        for position, (_, _, start, stop) in enumerate(weights):
            yield f"{path}={position}", start, stop
        yield from self.nodes(path, (part for part in fields(self.data, begin, end) if part[0] == _GRAPH_NODE), depth)

    def nodes(self, path: str, nodes: Iterable[Part], depth: int) -> Iterator[Found]:
        """Yield what is in the attributes of `nodes`."""
        for position, (_, _, start, stop) in enumerate(nodes):
            if stop - start > _SMALL and depth < MAX_DEPTH:
                yield from self._node(f"{path}@{position}", f"{path}/{position}", (start, stop), depth)

    def _node(self, constant: str, body: str, span: tuple[int, int], depth: int) -> Iterator[Found]:
        bodies = count()
        for number, _, start, stop in fields(self.data, *span):
            for inner, _, first, last in fields(self.data, start, stop) if number == _NODE_ATTRIBUTE else ():
                if inner == _ATTRIBUTE_TENSOR and last - first > _SMALL:
                    yield constant, first, last
                elif inner in _ATTRIBUTE_GRAPHS:
                    yield from self.graph(f"{body}/{next(bodies)}", first, last, depth + 1)
