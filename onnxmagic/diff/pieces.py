"""Added and removed nodes that belong together.

Those of one model belong together where one reads what another makes. Those of both do where they feed the same input
of one matched node: what they compute is then the same thing. A constant that many read holds nothing together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import NOTHING, Origin, Origins
from onnxmagic.diff.ports import Ports

__all__ = ["Piece", "Seam", "pieces", "seams"]

_OUTPUT: Final = -1


@dataclass
class Piece:
    """Nodes of both models that belong together, by their indices, in the order of the graphs."""

    removed: list[int] = field(default_factory=list[int])
    added: list[int] = field(default_factory=list[int])

    def __len__(self) -> int:
        return len(self.removed) + len(self.added)


class Seam(NamedTuple):
    """Where an added or a removed node feeds what both models have: a node of the first and its input, or an output.

    ``a`` and ``b`` are what stands there in the first and in the second.
    """

    a: Origin
    b: Origin
    target: int
    slot: int


def seams(a: Origins, b: Origins, matching: Matching, paired: Ports) -> list[Seam]:
    """Return all places where added or removed nodes feed matched ones."""
    places = {
        (target, slot)
        for index in _alone(a, matching.of_a)
        for target, slot in a.consumers[index]
        if target in matching.of_a
    } | {
        (matching.of_b[target], slot)
        for index in _alone(b, matching.of_b)
        for target, slot in b.consumers[index]
        if target in matching.of_b
    }
    found: list[Seam] = []
    for target, slot in sorted(places):
        reads = a.read(target), b.read(matching.of_a[target])
        x, y = (read[slot] if slot < len(read) else NOTHING for read in reads)
        found.append(Seam(x, y, target, slot))
    for place, other in paired.outputs.items():
        found.append(Seam(a.outputs[place], b.outputs[other], _OUTPUT, place))
    found += _returned(a, b, matching)
    return [seam for seam in found if _is_alone(seam.a, matching.of_a) or _is_alone(seam.b, matching.of_b)]


def _returned(a: Origins, b: Origins, matching: Matching) -> Iterator[Seam]:
    """Yield what matched nodes get back from their bodies, numbered behind their inputs."""
    for owner, bodies in a.bodies.items():
        slot = len(a.outline.reads[owner])
        others = b.bodies.get(matching.of_a[owner], ()) if owner in matching.of_a else ()
        for before, after in zip(bodies, others, strict=False):
            for number, (x, y) in enumerate(zip(before.returns, after.returns, strict=False)):
                yield Seam(x, y, owner, slot + number)
            slot += len(before.returns)


def _alone(side: Origins, matched: Collection[int]) -> Iterator[int]:
    return (index for index in range(len(side.outline.nodes)) if index not in matched)


def _is_alone(origin: Origin, matched: Collection[int]) -> bool:
    return origin.kind == "node" and origin.number not in matched


def pieces(a: Origins, b: Origins, matching: Matching, found: Sequence[Seam]) -> list[Piece]:
    """Return the added and removed nodes in the pieces that they belong to, in the order of the first model."""
    offset = len(a.outline.nodes)
    groups = _Groups()
    constants = set[int]()
    for side, matched, first in ((a, matching.of_a, 0), (b, matching.of_b, offset)):
        for index in _alone(side, matched):
            groups.find(first + index)
            if not side.outline.reads[index] and index not in side.bodies:
                constants.add(first + index)
        _join(groups, side, matched, first, constants)
    _bridge(groups, found, offset, constants)
    for constant in sorted(constants):
        side, matched, first = (a, matching.of_a, 0) if constant < offset else (b, matching.of_b, offset)
        reader = next((t for t, _ in side.consumers[constant - first] if t not in matched), None)
        if reader is not None:
            groups.join(constant, first + reader)
    by_root: dict[int, Piece] = defaultdict(Piece)
    for one in sorted(groups.parent):
        piece = by_root[groups.find(one)]
        (piece.removed if one < offset else piece.added).append(one if one < offset else one - offset)
    return list(by_root.values())


def _join(groups: _Groups, side: Origins, matched: Collection[int], first: int, constants: Collection[int]) -> None:
    """Join what hangs together in one model; the nodes of a body belong to its owner."""
    for index in _alone(side, matched):
        for origin in side.read(index):
            if _is_alone(origin, matched) and first + origin.number not in constants:
                groups.join(first + index, first + origin.number)
        around = side.owner(index)
        if around >= 0 and around not in matched:
            groups.join(first + index, first + around)


def _bridge(groups: _Groups, found: Sequence[Seam], offset: int, constants: Collection[int]) -> None:
    """Join what feeds the same place; then, where just one piece of either model feeds one node, those two."""
    partners = set[int]()
    sides: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for seam in found:
        x = seam.a.number if seam.a.kind == "node" and seam.a.number in groups.parent else -1
        y = seam.b.number + offset if seam.b.kind == "node" and seam.b.number + offset in groups.parent else -1
        if x >= 0 and y >= 0 and (x in constants) == (y in constants):
            groups.join(x, y)
            partners |= {x, y}
        for one, of_side in zip((x, y), sides[seam.target], strict=True):
            if one >= 0 and one not in constants and seam.target != _OUTPUT:
                of_side.append(one)
    met = {groups.find(one) for one in partners}
    for before, after in sides.values():
        first, second = ({groups.find(one) for one in each} - met for each in (before, after))
        if len(first) == len(second) == 1:
            groups.join(first.pop(), second.pop())


class _Groups:
    """Which nodes belong together; the smallest of a group stands for it."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}

    def find(self, one: int) -> int:
        """Return who stands for the group of `one`."""
        root = one
        while self.parent.setdefault(root, root) != root:
            root = self.parent[root]
        while self.parent[one] != root:
            self.parent[one], one = root, self.parent[one]
        return root

    def join(self, one: int, other: int) -> None:
        """Make one group of two."""
        first, second = sorted((self.find(one), self.find(other)))
        self.parent[second] = first
