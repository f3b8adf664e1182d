"""Which nodes are in which body of If, Loop, Scan or a called function, and what goes in and out of it.

A node of a body has its partner in the same body of its owner's partner, and nowhere else: so bodies are matched after
the nodes around them, one level of nesting after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from onnxmagic.diff.match.colours import Ints
from onnxmagic.diff.side import Side
from onnxmagic.errors import UsageMistake

__all__ = ["Parts", "Zones", "owners", "parts"]


@dataclass(frozen=True)
class Parts:
    """The main graph (part 0) and the bodies of a side.

    Attributes
    ----------
    of_node : sequence of int
        The part of each node.
    owners : sequence of int
        Per part, the node it belongs to; -1 for the main graph.
    numbers : sequence of int
        Per part, which of the bodies of its owner it is.
    depths : sequence of int
        Per part, how many owners are around it.
    formals : mapping of int to int
        Values that a body is given, by their position.
    returns : sequence of (node, owner)
        What makes the results of bodies, in their order.
    """

    of_node: Sequence[int]
    owners: Sequence[int]
    numbers: Sequence[int]
    depths: Sequence[int]
    formals: Mapping[int, int]
    returns: Sequence[tuple[int, int]]

    @cached_property
    def inside(self) -> list[tuple[Ints, Ints]]:
        """Nodes of bodies with their owners, by owner; one pair of columns for each depth, the deepest first."""
        part = np.array(self.of_node, np.int64)
        depths, around = np.array(self.depths, np.int64)[part], np.array(self.owners, np.int64)[part]
        found: list[tuple[Ints, Ints]] = []
        for depth in range(max(self.depths), 0, -1):
            nodes = np.flatnonzero(depths == depth)
            nodes = nodes[np.argsort(around[nodes], kind="stable")]
            found.append((nodes, around[nodes]))
        return found


def parts(side: Side) -> Parts:
    """Return the parts of a side."""
    outline = side.outline
    owners, numbers, depths = [-1], [0], [0]
    of_scope: list[int] = []
    bodies: dict[int, int] = {}
    for scope in outline.scopes:
        if scope.kind == "body":
            of_scope.append(len(owners))
            numbers.append(bodies.get(scope.owner, 0))
            bodies[scope.owner] = numbers[-1] + 1
            depths.append(depths[of_scope[scope.parent]] + 1)
            owners.append(scope.owner)
        else:
            of_scope.append(of_scope[scope.parent] if scope.parent >= 0 else 0)
    of_node = [of_scope[scope] for scope in outline.of_node]
    if len(owners) == 1:
        return Parts(of_node, owners, numbers, depths, {}, ())
    returns = [(edge.source, edge.target) for edge in outline.edges if edge.source >= 0 and edge.target >= 0]
    returns = [(source, target) for source, target in returns if owners[of_node[source]] == target]
    return Parts(of_node, owners, numbers, depths, _formals(side, of_node, owners, numbers), returns)


def _formals(side: Side, of_node: Sequence[int], owners: Sequence[int], numbers: Sequence[int]) -> dict[int, int]:
    """Return the position of each value that a body is given: they have the numbers before the first that it makes."""
    outline = side.outline
    first: dict[int, int] = {}
    for index, made in enumerate(outline.makes):
        for value in made:
            if value >= 0:
                first.setdefault(of_node[index], value)
    found: dict[int, int] = {}
    for part, value in first.items():
        bodies = outline.nodes[owners[part]].body if owners[part] >= 0 else ()
        count = len(bodies[numbers[part]].inputs) if numbers[part] < len(bodies) else 0
        found.update({value - count + position: position for position in range(count)})
    return found


def owners(inner: tuple[Parts, Parts], pin: tuple[int, int]) -> list[tuple[int, int]]:
    """Return two nodes with the owners of the bodies that they are in, from the inside out.

    Raises
    ------
    UsageMistake
        They are in bodies that are not at the same place.
    """
    found = [pin]
    while True:
        part_a, part_b = inner[0].of_node[found[-1][0]], inner[1].of_node[found[-1][1]]
        if not part_a and not part_b:
            return found
        if not (part_a and part_b) or inner[0].numbers[part_a] != inner[1].numbers[part_b]:
            raise UsageMistake(
                "A node in the body of an If, a loop or a function can be pinned to one in the same body of the other "
                "model only, and not to one outside of it."
            )
        found.append((inner[0].owners[part_a], inner[1].owners[part_b]))


class Zones:
    """Where nodes may have their partners: those of two bodies that belong together have one number.

    ``of_node`` holds the number of each node on each side; 0 is the main graph, -1 what has no partner yet.
    """

    def __init__(self, inner: tuple[Parts, Parts]) -> None:
        self._inner = inner
        self._depths = [np.array(each.depths, np.int64)[np.array(each.of_node, np.int64)] for each in inner]
        self.of_node = ([-1] * len(inner[0].of_node), [-1] * len(inner[1].of_node))

    @property
    def depth(self) -> int:
        """How deep bodies are nested on the side where they are less so."""
        return min(max(each.depths) for each in self._inner)

    def open(self, depth: int, partners: Sequence[int]) -> tuple[Ints, Ints]:
        """Give numbers to the nodes at this depth, now that those around them are matched, and return these nodes."""
        numbers = self._numbers(depth, partners)
        found: list[Ints] = []
        for of, depths, zones, known in zip(self._inner, self._depths, self.of_node, numbers, strict=True):
            nodes = [node for node in np.flatnonzero(depths == depth).tolist() if of.of_node[node] in known]
            for node in nodes:
                zones[node] = known[of.of_node[node]]
            found.append(np.array(nodes, np.int64))
        return found[0], found[1]

    def _numbers(self, depth: int, partners: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
        """Return numbers for the parts at this depth: those of each side that belong together have the same."""
        if not depth:
            return {0: 0}, {0: 0}
        a, b = self._inner
        of_b = {(owner, number): part for part, (owner, number) in enumerate(zip(b.owners, b.numbers, strict=True))}
        found: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for part, (owner, number) in enumerate(zip(a.owners, a.numbers, strict=True)):
            partner = of_b.get((partners[owner], number)) if a.depths[part] == depth else None
            if partner is not None:
                found[0][part] = found[1][partner] = part
        return found
