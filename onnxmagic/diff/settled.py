"""Pairs that say less than the rewrite they are part of.

A product that is quantised is an integer product with other inputs, in the midst of nodes that were not there before.
That the two stand in one place is true; but the rewrite is what happened, and it is only seen when both are in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import Origins

__all__ = ["PINNED", "settled"]

PINNED = "pinned"


def settled(a: Origins, b: Origins, matching: Matching) -> Matching:
    """Return `matching` without pairs of operators that take other things and stand next to added or removed nodes."""
    kept = [
        pair
        for pair in matching.pairs
        if pair.reason == PINNED or not _is_rewritten(a, b, (pair.a, pair.b), (matching.of_a, matching.of_b))
    ]
    return matching if len(kept) == len(matching.pairs) else Matching(tuple(kept))


def _is_rewritten(
    a: Origins, b: Origins, pair: tuple[int, int], matched: tuple[Collection[int], Collection[int]]
) -> bool:
    first, second = a.outline.nodes[pair[0]], b.outline.nodes[pair[1]]
    if (first.op_type, first.domain) == (second.op_type, second.domain):
        return False
    if first.domain == second.domain and len(first.inputs) == len(second.inputs):
        return False
    sides = zip((a, b), pair, matched, strict=True)
    return any(near not in known for side, index, known in sides for near in _near(side, index))


def _near(side: Origins, index: int) -> Iterator[int]:
    yield from (origin.number for origin in side.read(index) if origin.kind == "node")
    yield from (target for target, _ in side.consumers[index])
