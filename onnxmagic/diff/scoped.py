"""A large rewrite, parted by the modules that it is in.

A tool that rewrites attention, norm and activation alike leaves nothing of a layer that is the same as before, and all
layers of a network become one rewrite of thousands of nodes. Their modules part them. A tool that rewrites mostly
forgets the modules too: its nodes then get those of the nodes in whose place they stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from onnxmagic.diff.origins import Origins
from onnxmagic.diff.pieces import Piece, Seam

__all__ = ["parted"]

_LARGE: Final = 6
"""Nodes; what is larger may be several rewrites."""

_DEEPEST: Final = 100

_Path = tuple[str, ...]


def parted(a: Origins, b: Origins, piece: Piece, seams: Sequence[Seam]) -> list[Piece]:
    """Return `piece`, which has these `seams`, in parts that have nodes of both models each, or whole."""
    if len(piece) <= _LARGE or not piece.removed or not piece.added:
        return [piece]
    before = _known(a, piece.removed)
    after = _known(b, piece.added)
    if not before and not after:
        return [piece]
    removed, added = set(piece.removed), set(piece.added)
    for seam in seams:
        # What stands in another's place is in its module.
        if seam.a.kind == seam.b.kind == "node" and seam.a.number in removed and seam.b.number in added:
            if seam.a.number in before:
                after.setdefault(seam.b.number, before[seam.a.number])
            if seam.b.number in after:
                before.setdefault(seam.a.number, after[seam.b.number])
    return _parted(piece, _spread(a, piece.removed, before), _spread(b, piece.added, after), 0)


def _known(side: Origins, nodes: Collection[int]) -> dict[int, _Path]:
    modules = ((index, side.outline.nodes[index].module) for index in nodes)
    return {index: tuple(module.split(".")) for index, module in modules if module is not None}


def _spread(side: Origins, nodes: Sequence[int], known: dict[int, _Path]) -> Mapping[int, _Path]:
    """Give those whose module nobody knows that of who reads what they make, else of who makes what they read."""
    for index in reversed(nodes):
        near = next((known[t] for t, _ in side.consumers[index] if t in known), None)
        if near is not None:
            known.setdefault(index, near)
    for index in nodes:
        made = (origin.number for origin in side.read(index) if origin.kind == "node")
        near = next((known[maker] for maker in made if maker in known), None)
        if near is not None:
            known.setdefault(index, near)
    return known


def _parted(piece: Piece, before: Mapping[int, _Path], after: Mapping[int, _Path], depth: int) -> list[Piece]:
    """Part by the component of the path at `depth`, and what is still large by the next."""
    if len(piece) <= _LARGE or depth > _DEEPEST:
        return [piece]
    parts: dict[_Path, Piece] = defaultdict(Piece)
    for index in piece.removed:
        parts[before.get(index, ())[: depth + 1]].removed.append(index)
    for index in piece.added:
        parts[after.get(index, ())[: depth + 1]].added.append(index)
    whole = {path: part for path, part in parts.items() if part.removed and part.added}
    if len(whole) < 2:
        deeper = any(len(path) > depth for path in parts)
        return _parted(piece, before, after, depth + 1) if deeper else [piece]
    for path, part in parts.items():
        if path not in whole:
            # What has nobody on the other side went into a neighbour: the one nearest before it, in the graph's order.
            home = _nearest(part, list(whole.values()))
            home.removed = sorted((*home.removed, *part.removed))
            home.added = sorted((*home.added, *part.added))
    return [one for part in whole.values() for one in _parted(part, before, after, depth + 1)]


def _nearest(part: Piece, others: Sequence[Piece]) -> Piece:
    if part.removed:
        return min(others, key=lambda other: abs(other.removed[0] - part.removed[0]))
    return min(others, key=lambda other: abs(other.added[0] - part.added[0]))
