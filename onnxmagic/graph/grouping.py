"""Boxes by structure, wherever a graph or one of its modules has more in it than can be looked at.

A module of four hundred operators, or a whole file without modules, is a list of items: nodes, and boxes already known.
``blocks`` finds what repeats in a list; here a level of a graph becomes such a list, and blocks become boxes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from onnxmagic.graph.blocks import FEW, MANY, Block, blocks, covered, crossing
from onnxmagic.graph.boxes import Box, Boxes, ancestors
from onnxmagic.graph.facts import Initializer, Node
from onnxmagic.graph.order import depth_first

if TYPE_CHECKING:
    from onnxmagic.graph.repetition import Numbers

__all__ = ["Level", "group"]

_CROWD: Final = 150
"""So many modules in one module are too many; they have names, so they may be more than nameless nodes."""

_HEADS: Final = frozenset(
    {"Conv", "ConvTranspose", "MatMul", "Gemm", "Attention", "LSTM", "GRU", "RNN"}
    | {"QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "MatMulNBits"}
)
"""What a block likes to begin with."""


class Level(NamedTuple):
    """What is looked at: the nodes of a part, their weights, and edges between them as pairs of positions."""

    nodes: Sequence[Node]
    weights: Sequence[Sequence[Initializer]]
    edges: Sequence[tuple[int, int]]


def group(found: Boxes, level: Level) -> bool:
    """Put boxes into the crowded ones of `found`, and return whether there was anything to put."""
    whole = len(found.boxes) == 1
    crowded = _crowded(found, whole=whole) if len(level.nodes) > FEW else {}
    if not crowded:
        return False
    links = _links(found, level.edges, crowded)
    before = len(found.boxes)
    for box, items in crowded.items():
        _Grouping(found, level, box, items).group(links[box], FEW if whole else MANY)
    return len(found.boxes) > before


def _crowded(found: Boxes, *, whole: bool) -> dict[int, list[int]]:
    """Return the items of each box that has too many, in the order of the file.

    An item is a number: that of a node, or the number of nodes and that of a box added up.
    """
    size = len(found.of_node)
    first = [size] * len(found.boxes)
    nodes, boxes = [0] * len(first), [0] * len(first)
    for index, box in enumerate(found.of_node):
        nodes[box] += 1
        first[box] = min(first[box], index)
    for box in range(len(first) - 1, 0, -1):
        parent = found.boxes[box].parent
        boxes[parent] += 1
        first[parent] = min(first[parent], first[box])
    most = FEW if whole else MANY
    items: dict[int, list[int]] = {
        box: [] for box in range(len(first)) if nodes[box] > most or nodes[box] + boxes[box] > _CROWD
    }
    for index, box in enumerate(found.of_node if items else ()):
        if box in items:
            items[box].append(index)
    for index, box in enumerate(found.boxes):
        if index and box.parent in items:
            items[box.parent].append(size + index)
    for held in items.values():
        held.sort(key=lambda item: item if item < size else first[item - size])
    return items


def _links(found: Boxes, edges: Sequence[tuple[int, int]], crowded: Container[int]) -> dict[int, list[tuple[int, int]]]:
    """Return for each crowded box the edges between two of its items."""
    size, depths, parents = len(found.of_node), found.depths(), [box.parent for box in found.boxes]
    links: dict[int, list[tuple[int, int]]] = {}
    for source, target in edges:
        a, b = found.of_node[source], found.of_node[target]
        one, other = source, target
        while a != b:
            if depths[a] >= depths[b]:
                one, a = size + a, parents[a]
            else:
                other, b = size + b, parents[b]
        if a in crowded and one != other:
            links.setdefault(a, []).append((one, other))
    return defaultdict(list, links)


@dataclass
class _Grouping:
    """One crowded box."""

    found: Boxes
    level: Level
    box: int
    items: list[int]

    def group(self, links: Sequence[tuple[int, int]], most: int) -> None:
        """Find blocks among the items; those that need nothing (constants) go along with what needs them."""
        taking = {target for _, target in links}
        sequence = [item for item in self.items if item in taking or self._reads(item)]
        if len(sequence) <= most:
            return
        order, best = sequence, ()
        for candidate, labels in self._candidates(sequence, links):
            tried = self._blocks(candidate, labels, links)
            if not best or covered(tried) > covered(best):
                order, best = candidate, tried
            if 2 * covered(best) >= len(sequence):
                break
        self._box_up(self.box, order, best)
        self._follow(set(self.items).difference(sequence), links)

    def _reads(self, item: int) -> bool:
        """Return whether an item reads anything but its own weights, be it from outside of this box."""
        if item >= len(self.level.nodes):
            return True
        inputs = self.level.nodes[item].inputs
        return len(inputs) > len(self.level.weights[item]) and len({*inputs, ""}) > len(self.level.weights[item]) + 1

    def _candidates(
        self, sequence: list[int], links: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[list[int], list[object]]]:
        """Yield orders of the items with their labels; files are mostly written in the order of the program."""
        exact = {item: self._label(item) for item in sequence}
        yield sequence, [exact[item] for item in sequence]
        deep = [sequence[at] for at in depth_first(len(sequence), _placed(sequence, links))]
        yield deep, [exact[item] for item in deep]
        # Widths may differ from block to block, as in most networks for images; the operators do not.
        yield sequence, [self._loose_label(item) for item in sequence]

    def _label(self, item: int) -> object:
        if item >= len(self.level.nodes):
            return self._loose_label(item)
        node, weights = self.level.nodes[item], self.level.weights[item]
        shapes = tuple([weight.shape for weight in weights])
        return node.op_type, node.domain, len(node.inputs), _hashable(tuple(node.attributes.items())), shapes

    def _loose_label(self, item: int) -> object:
        if item >= len(self.level.nodes):
            box = self.found.boxes[item - len(self.level.nodes)]
            return box.kind, box.class_name
        return self.level.nodes[item].op_type, self.level.nodes[item].domain

    def _blocks(
        self, order: Sequence[int], labels: Sequence[object], links: Sequence[tuple[int, int]]
    ) -> tuple[Block, ...]:
        nodes = self.level.nodes
        heads = [item >= len(nodes) or nodes[item].op_type in _HEADS for item in order]
        cost = crossing(_placed(order, links), heads)
        return blocks(_numbered(labels), cost)

    def _box_up(self, parent: int, order: Sequence[int], found: Sequence[Block]) -> None:
        """Make the boxes, and move the items into them."""
        numbers = {True: 0, False: 0}
        for block in found:
            numbers[block.repeats] += 1
            name = f"{'block' if block.repeats else 'part'} {numbers[block.repeats]}"
            around = self.found.boxes[parent].path
            self.found.boxes.append(Box(name, f"{around}.{name}" if around else name, parent, kind="block"))
            index = len(self.found.boxes) - 1
            inside = order[block.first : block.end]
            for item in inside:
                if item >= len(self.level.nodes):
                    self.found.boxes[item - len(self.level.nodes)].parent = index
                else:
                    self.found.of_node[item] = index
            self._box_up(index, inside, block.inside)

    def _follow(self, moving: set[int], links: Sequence[tuple[int, int]]) -> None:
        """Put nodes that need nothing into the innermost box around all that need them."""
        if not moving:
            return
        common, size = ancestors(self.found), len(self.level.nodes)
        users = dict.fromkeys(moving, -1)
        for source, target in links:
            if source in moving:
                box = self.found.boxes[target - size].parent if target >= size else self.found.of_node[target]
                users[source] = common(users[source], box)
        for item, box in users.items():
            self.found.of_node[item] = max(box, self.box)


def _placed(order: Sequence[int], links: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the links between items of `order`, as positions in it."""
    place = {item: at for at, item in enumerate(order)}
    return [(place[a], place[b]) for a, b in links if a in place and b in place]


def _hashable(value: object) -> object:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _numbered(labels: Sequence[object]) -> Numbers:
    import numpy as np

    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)
