"""Rewrites: nodes of one model in whose place other nodes stand in the other.

Added and removed nodes by themselves say little: six gone here, one come there. Together they are a rewrite, it may
have a name, and it is most often in every layer: so equal ones are told once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from onnxmagic.diff.attributes import operator
from onnxmagic.diff.changes import at_node
from onnxmagic.diff.known import name_of
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import Origins
from onnxmagic.diff.pieces import Piece, Seam, pieces, seams
from onnxmagic.diff.ports import Ports
from onnxmagic.diff.result import Region
from onnxmagic.diff.scoped import parted

__all__ = ["regions"]


def regions(a: Origins, b: Origins, matching: Matching, paired: Ports) -> tuple[Region, ...]:
    """Return all rewrites: those that nobody has a name for first, repeated ones once."""
    found = seams(a, b, matching, paired)
    around = _Around(found)
    parts = [part for each in pieces(a, b, matching, found) for part in parted(a, b, each, around.of(each))]
    grouped: dict[tuple[str, object, object], list[Piece]] = defaultdict(list)
    for piece in parts:
        name = name_of(a, b, piece, around.of(piece))
        grouped[name, _likeness(a, piece.removed), _likeness(b, piece.added)].append(piece)
    named = [_region(a, b, name, each) for (name, _, _), each in grouped.items()]
    return tuple(sorted(named, key=lambda region: bool(region.name)))


class _Around:
    """Seams by the nodes that feed them."""

    def __init__(self, found: Sequence[Seam]) -> None:
        self._a: dict[int, list[Seam]] = defaultdict(list)
        self._b: dict[int, list[Seam]] = defaultdict(list)
        for seam in found:
            for origin, by_node in ((seam.a, self._a), (seam.b, self._b)):
                if origin.kind == "node":
                    by_node[origin.number].append(seam)

    def of(self, piece: Piece) -> list[Seam]:
        """Return those of a piece, each once."""
        sides = (self._a, piece.removed), (self._b, piece.added)
        return list(dict.fromkeys(seam for by_node, nodes in sides for one in nodes for seam in by_node.get(one, ())))


def _likeness(side: Origins, indices: Sequence[int]) -> object:
    """Return what two rewrites have in common that do the same: operators, and which of them reads which."""
    nodes = set(indices)
    return tuple(
        sorted(
            (
                operator(side.outline.nodes[index]),
                *(
                    operator(side.outline.nodes[origin.number])
                    if origin.kind == "node" and origin.number in nodes
                    else ""
                    for origin in side.read(index)
                ),
            )
            for index in nodes
        )
    )


def _region(a: Origins, b: Origins, name: str, alike: Sequence[Piece]) -> Region:
    first = alike[0]
    modules = [a.outline.nodes[index].module for piece in alike for index in piece.removed]
    modules += [b.outline.nodes[index].module for piece in alike for index in piece.added]
    return Region(
        name,
        tuple(at_node(a.side, index) for index in first.removed),
        tuple(at_node(b.side, index) for index in first.added),
        len(alike),
        tuple(dict.fromkeys(module for module in modules if module is not None)),
        (
            tuple(index for piece in alike for index in piece.removed),
            tuple(index for piece in alike for index in piece.added),
        ),
    )
