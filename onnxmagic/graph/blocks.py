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
        for run in repetition.runs(labels, cost):
            piece = slice(run.first, run.first + run.period)
            inside = blocks(labels[piece], cost[piece])
            starts = range(run.first, run.end, run.period)
            found += [Block(start, start + run.period, repeats=True, inside=inside) for start in starts]
    return _parted(found, cost, 0, len(labels))


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
