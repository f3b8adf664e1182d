"""A side in columns: who feeds whom at which input, and what stands at the other inputs.

There are two ways to look at a graph. In one, every node is a node. In the other, what only carries a value on
(Identity, a quantised value and back, a weight that is cast) and constants that are nodes are looked through: a
quantised or converted file has other ones of these at other places, and the computation between them is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple

import numpy as np

from onnxmagic.diff.match.colours import Ints
from onnxmagic.diff.side import Side
from onnxmagic.graph.facts import Node
from onnxmagic.graph.order import depth_first

__all__ = ["Columns", "Leaf", "Link", "columns"]

_CARRIERS: Final = frozenset({"Identity", "QuantizeLinear", "DequantizeLinear"})
_RETURNED: Final = 1_000_000
"""Input slots from here on are what the bodies of a node return to it."""

Link = tuple[int, int, int]
"""One end of an arrow: the input's slot, the maker's output, and the node at the other end.

A plain tuple of numbers, as there are many: Python's collection of garbage does not look at those again.
"""


class Leaf(NamedTuple):
    """What stands at an input that no node makes: a number in its kind.

    Of an input its position, of a weight that of the initializer, of a constant its node, of a formal its position
    among what a body is given; one that is absent was left out.
    """

    kind: Literal["absent", "weight", "input", "formal", "constant"]
    number: int = 0


@dataclass(frozen=True)
class Columns:
    """One side in one way of looking.

    Attributes
    ----------
    side : Side
    hidden : bytearray
        1 for each node that is looked through.
    feeds, users : sequence of list of Link
        Per node, who feeds it (by slot) and who uses it.
    table : sequence of Leaf
        All leaves.
    leaves : sequence of list of (slot, number)
        Per node, its leaves by their numbers in the table.
    results : mapping of int to list of (port, position)
        Of nodes that make graph outputs, which.
    """

    side: Side
    hidden: bytearray
    feeds: Sequence[list[Link]]
    users: Sequence[list[Link]]
    table: Sequence[Leaf]
    leaves: Sequence[list[tuple[int, int]]]
    results: Mapping[int, list[tuple[int, int]]]

    @property
    def nodes(self) -> Sequence[Node]:
        """The nodes of the outline."""
        return self.side.outline.nodes

    @cached_property
    def edges(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Source, target, slot and port of each arrow, by target."""
        flat = [number for feeds in self.feeds for link in feeds for number in link]
        table = np.array(flat, np.int64).reshape(-1, 3)
        counts = np.fromiter(map(len, self.feeds), np.int64, len(self.feeds))
        return table[:, 2].copy(), np.repeat(np.arange(len(counts)), counts), table[:, 0].copy(), table[:, 1].copy()

    @cached_property
    def order(self) -> list[int]:
        """All nodes, each behind what feeds it, whatever the order of the file."""
        count = len(self.feeds)
        edges = [(link[2], index) for index, feeds in enumerate(self.feeds) for link in feeds]
        # One more node that uses all results in their order, so that it is not the file's that decides.
        last = sorted((position, index) for index, some in self.results.items() for _, position in some)
        edges += [(index, count) for _, index in last]
        return [index for index in depth_first(count + 1, edges) if index < count]

    def sorted(self, nodes: Ints) -> list[int]:
        """Return `nodes`, each behind those of them that feed it."""
        if self._in_order:
            return nodes.tolist()
        wanted = set(nodes.tolist())
        return [node for node in self.order if node in wanted]

    @cached_property
    def _in_order(self) -> bool:
        """Whether the file has the nodes in an order in which they can run; bodies stand behind their owners."""
        source, target, _, _ = self.edges
        return bool((source < target).all())


def columns(side: Side, formals: Mapping[int, int], returns: Sequence[tuple[int, int]], *, through: bool) -> Columns:
    """Return a side in columns.

    Parameters
    ----------
    side : Side
    formals : mapping of int to int
        For values that a body is given, their position.
    returns : sequence of (node, owner)
        Which nodes of bodies make what the body returns.
    through : bool
        Whether to look through what only carries a value on.
    """
    building = _Building(side, formals)
    if through:
        building.look_through()
    return building.done(returns)


class _Building:
    """One walk over the reads of a side. ``makers`` and ``leaves`` say where a value comes from, one or the other."""

    def __init__(self, side: Side, formals: Mapping[int, int]) -> None:
        self.outline = outline = side.outline
        self.side = side
        self.hidden = bytearray(len(outline.nodes))
        self.makers: dict[int, tuple[int, int]] = {}
        for index, made in enumerate(outline.makes):
            for port, value in enumerate(made):
                self.makers[value] = (index, port)
        self.makers.pop(-1, None)
        # An absent one is the first, then there are the weights in their order.
        self.table = [Leaf("absent"), *(Leaf("weight", number) for number in range(len(side.stored)))]
        self.leaves = {-1: 0, **{-2 - number: number + 1 for number in range(len(side.stored))}}
        for position, value in enumerate(outline.inputs):
            self._leaf(value, Leaf("input", position))
        for value, position in formals.items():
            self._leaf(value, Leaf("formal", position))

    def _leaf(self, value: int, leaf: Leaf) -> None:
        self.leaves.setdefault(value, len(self.table))
        self.table.append(leaf)

    def done(self, returns: Sequence[tuple[int, int]]) -> Columns:
        makers, hidden, known = self.makers, self.hidden, self.leaves
        feeds: list[list[Link]] = [[] for _ in hidden]
        users: list[list[Link]] = [[] for _ in hidden]
        leaves: list[list[tuple[int, int]]] = [[] for _ in hidden]
        for index, reads in enumerate(self.outline.reads):
            if hidden[index]:
                continue
            for slot, value in enumerate(reads):
                maker = makers.get(value)
                if maker is None:
                    leaves[index].append((slot, known.get(value, 0)))
                else:
                    feeds[index].append((slot, maker[1], maker[0]))
                    users[maker[0]].append((slot, maker[1], index))
        returned: dict[int, int] = {}
        for index, owner in returns:
            slot = returned[owner] = returned.get(owner, _RETURNED - 1) + 1
            feeds[owner].append((slot, 0, index))
            users[index].append((slot, 0, owner))
        return Columns(self.side, hidden, feeds, users, self.table, leaves, self._results())

    def _results(self) -> dict[int, list[tuple[int, int]]]:
        found: dict[int, list[tuple[int, int]]] = {}
        for position, value in enumerate(self.outline.outputs):
            if value in self.makers:
                index, port = self.makers[value]
                found.setdefault(index, []).append((port, position))
        return found

    def look_through(self) -> None:
        """Let what constants and carriers make come from where these have it."""
        carriers: list[int] = []
        for index, node in enumerate(self.outline.nodes):
            if node.op_type == "Constant" and self.outline.makes[index]:
                value = self.outline.makes[index][0]
                self.hidden[index] = 1
                self.makers.pop(value, None)
                self._leaf(value, Leaf("constant", index))
            elif node.op_type == "Cast" or node.op_type in _CARRIERS:
                carriers.append(index)
        for index in carriers:
            self._carry(index)

    def _carry(self, index: int) -> None:
        """Look through a node, unless it is a cast of what is no weight."""
        reads, makes = self.outline.reads[index], self.outline.makes[index]
        if not reads or len(makes) != 1 or makes[0] < 0 or reads[0] == -1:
            return
        maker, leaf = self.makers.get(reads[0]), self.leaves.get(reads[0], 0)
        if maker is None:
            if self.table[leaf].kind in {"weight", "constant"} or self.outline.nodes[index].op_type in _CARRIERS:
                self.leaves[makes[0]] = leaf
                del self.makers[makes[0]]
                self.hidden[index] = 1
        elif self.outline.nodes[index].op_type in _CARRIERS:
            self.makers[makes[0]] = maker
            self.hidden[index] = 1
