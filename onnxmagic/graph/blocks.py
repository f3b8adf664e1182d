"""Boxes for a graph whose file knows no modules: blocks that repeat, and parts cut where little flows through.

A network is written as modules and stored as a list of operators. What was a module in a loop is still to be seen in
that list: the same operators with weights of the same shapes, again and again. Where nothing repeats and there is too
much to look at, the list is cut where the fewest values cross, as at the end of a stage. Both again inside each box,
until no box holds more than some dozens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING, Final

from onnxmagic.graph import repetition

if TYPE_CHECKING:
    from onnxmagic.graph.repetition import Numbers

__all__ = ["MANY", "Block", "blocks", "covered", "crossing"]

MANY: Final = 60
"""Boxes that can still be looked at together."""

FEW: Final = 24
"""Boxes among which nothing need be found."""

_PARTS: Final = 40

_OTHERS: Final = 0.25
"""So many items that stand nowhere else, as a share of its own, a piece may have in it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Items from `first` to before `end`, both counted from where the block around it begins.

    ``repeats`` is whether it stands there several times; else it is a part of what was too long.
    """

    first: int
    end: int
    repeats: bool
    inside: tuple[Block, ...] = ()


def crossing(links: Sequence[tuple[int, int]], heads: Sequence[bool]) -> Numbers:
    """Return what it costs to cut before each item.

    Parameters
    ----------
    links : sequence of (int, int)
        From which item to which a value goes.
    heads : sequence of bool
        For each item whether a block likes to begin with it, as with a convolution and not with its activation.
    """
    import numpy as np

    size = len(heads)
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    ends.sort(axis=1)
    # A value that several items read crosses once, as far as its last reader.
    last = np.arange(size)
    np.maximum.at(last, ends[:, 0], ends[:, 1])
    opened = np.bincount(np.arange(size) + 1, minlength=size + 2)
    closed = np.bincount(last + 1, minlength=size + 2)
    return np.cumsum(opened - closed)[:size] * repetition.VALUE + ~np.asarray(heads, dtype=bool)


def blocks(labels: Numbers, cost: Numbers, *, repeated: bool = True) -> tuple[Block, ...]:
    """Return the blocks among items, none where there are few or nothing repeats.

    Parameters
    ----------
    labels : array of int
        Equal numbers are equal items.
    cost : array of int
        From ``crossing``.
    repeated : bool
        False to cut into parts alone.
    """
    found: list[Block] = []
    if repeated and len(labels) > FEW:
        # Pieces of one run are mostly the same throughout, and so is what is in them.
        known: dict[bytes, tuple[Block, ...]] = {}
        for first, end in _pieces(labels, cost):
            piece = slice(first, end)
            same = labels[piece].tobytes()
            if same not in known:
                known[same] = blocks(labels[piece], cost[piece])
            found.append(Block(first, end, repeats=True, inside=known[same]))
    return _parted(found, cost, 0, len(labels))


def _pieces(labels: Numbers, cost: Numbers) -> list[tuple[int, int]]:
    """Return where the pieces of all runs begin and end.

    The first layer of a transformer often prepares what all layers use, its mask for example, by an operator that
    stands nowhere else. That would cost the layer its box, and all others their place, since pieces would be cut from
    the middle of one to the middle of the next. So what stands once is looked past where more is found that way.
    """
    import numpy as np

    exact = _of_runs(labels, cost, np.arange(len(labels)))
    again = np.flatnonzero(np.bincount(labels)[labels] > 1)
    if len(again) == len(labels):
        return exact
    loose = _of_runs(labels, cost, again)
    return loose if _size(loose) > _size(exact) else exact


def _of_runs(labels: Numbers, cost: Numbers, kept: Numbers) -> list[tuple[int, int]]:
    """Return the pieces that are found among the items `kept`, each with the few others in it."""
    pieces: list[tuple[int, int]] = []
    for run in repetition.runs(labels[kept], cost[kept]):
        ends = [*kept[run.first : run.end : run.period].tolist(), int(kept[run.end - 1]) + 1]
        near = [(first, end) for first, end in pairwise(ends) if end - first <= run.period * (1 + _OTHERS)]
        pieces += near if len(near) > 1 else []
    return pieces


def _size(pieces: Sequence[tuple[int, int]]) -> int:
    return sum(end - first for first, end in pieces)


def _parted(found: Sequence[Block], cost: Numbers, first: int, end: int) -> tuple[Block, ...]:
    """Return the blocks `found` among the items from `first` to `end`, counted from `first`, in parts if too many."""
    starts = _starts(found, first, end)
    if len(starts) <= MANY:
        return tuple(Block(b.first - first, b.end - first, b.repeats, b.inside) for b in found)
    cuts = [first, *_cuts(starts, cost), end]
    parts: list[Block] = []
    at = 0
    for low, high in pairwise(cuts):
        held = at
        while at < len(found) and found[at].first < high:
            at += 1
        parts.append(Block(low - first, high - first, repeats=False, inside=_parted(found[held:at], cost, low, high)))
    return tuple(parts)


def _starts(found: Sequence[Block], first: int, end: int) -> list[int]:
    """Return where the boxes begin: blocks, and items in none."""
    starts: list[int] = []
    at = first
    for block in found:
        starts += [*range(at, block.first), block.first]
        at = block.end
    return [*starts, *range(at, end)]


def _cuts(starts: Sequence[int], cost: Numbers) -> list[int]:
    """Return where to cut boxes that begin at `starts` into parts: near even, where the fewest values cross."""
    count = min(_PARTS, isqrt(len(starts)) + 1)
    wide = len(starts) / count
    cuts: list[int] = []
    for number in range(1, count):
        low, high = round((number - 1 / 3) * wide), round((number + 1 / 3) * wide)
        near = range(max(1, low), min(len(starts), high + 1))
        best = min(near, key=lambda at: (int(cost[starts[at]]), abs(at - number * wide)))
        cuts.append(starts[best])
    return sorted(set(cuts))


def covered(found: Sequence[Block]) -> int:
    """Return how many items are in blocks that repeat."""
    return sum(b.end - b.first if b.repeats else covered(b.inside) for b in found)
