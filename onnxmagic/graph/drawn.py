"""A graph with its outline and its costs, computed once a graph.

A report, its live view, its picture and the questions asked of it each need the outline of one graph. It is kept as
long as the graph itself is, and no longer.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from onnxmagic.graph.cost import Cost, costs
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.outline import Outline, outline

__all__ = ["MOST_NODES", "Drawn", "drawn", "outlined"]

MOST_NODES = 50_000
"""More than any network of today has; beyond it a page would be megabytes, and a browser would take seconds."""


@dataclass(frozen=True)
class Drawn:
    """A graph, its boxes and edges, and what each node costs."""

    graph: Graph
    outline: Outline
    costs: tuple[Cost, ...]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        # Backwards, so that of two nodes with one name the first is found.
        return {node.name: number for number, node in reversed(list(enumerate(self.outline.nodes))) if node.name}

    def find(self, name: str | None) -> int:
        """Return the number of the node called `name`; -1 where there is none."""
        return self._numbers.get(name or "", -1)


_known: dict[int, tuple[weakref.ref[Graph], Outline, tuple[Cost, ...]]] = {}
"""By the graph's id; nothing in it may refer to the graph, which would then live for ever."""


def drawn(graph: Graph) -> Drawn | int:
    """Return what is needed to draw `graph`; the number of its nodes where they are too many."""
    if next(islice(graph.walk(), MOST_NODES, None), None) is not None:
        return sum(1 for _ in graph.walk())
    made, figures = _known_of(graph)
    count = len(made.nodes)
    return Drawn(graph, made, figures) if count <= MOST_NODES else count


def outlined(graph: Graph) -> Outline:
    """Return ``outline(graph)``, made once."""
    return _known_of(graph)[0]


def _known_of(graph: Graph) -> tuple[Outline, tuple[Cost, ...]]:
    key = id(graph)
    if key in _known and _known[key][0]() is graph:
        return _known[key][1:]
    made = outline(graph)
    figures = costs(made, graph) if len(made.nodes) <= MOST_NODES else ()
    _known[key] = (weakref.ref(graph, lambda _: _known.pop(key, None)), made, figures)
    return made, figures
