"""Where in its row each place stands: the method of Brandes and Köpf.

Each place is aligned with a median neighbour, four ways (from above and from below, to the left and to the right), and
stands in the middle of the four. What is aligned is straight however many rows it passes. Blocks that push one another
aside over thousands of rows can still drift; where they do, rows are drawn to their neighbours within a width instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Final

from onnxmagic.graph.layered.rows import Net

__all__ = ["positions"]

_PASSES: Final = 8


def positions(net: Net) -> list[float]:
    """Return the x of each place's middle."""
    for near in (net.up, net.down):
        for ends in near:
            ends.sort(key=lambda v: net.at[v])
    ways = [_way(net, downwards=way < 2, side=-1 if way % 2 else 1) for way in range(4)]
    spans = [_span(net, xs) for xs in ways]
    narrow = min(spans, key=lambda span: span[1] - span[0])
    x: list[float] = []
    for v in range(len(net.row_of)):
        # In the order of layout.js, so that both round alike.
        four = sorted(xs[v] + narrow[way % 2] - spans[way][way % 2] for way, xs in enumerate(ways))
        x.append((four[1] + four[2]) / 2)
    widest = max(sum(2 * net.half[v] for v in row) for row in net.rows)
    least, most = _span(net, x)
    return _relaxed(net, 1.2 * widest) if most - least > 3 * widest + 1000 else x


def _span(net: Net, x: list[float]) -> tuple[float, float]:
    ends = list(zip(x, net.half, strict=True))
    return min(middle - half for middle, half in ends), max(middle + half for middle, half in ends)


def _way(net: Net, *, downwards: bool, side: int) -> list[float]:
    """Return one way: blocks of aligned places, packed to the left (`side` 1) or to the right (-1)."""
    ordered = net.rows if side > 0 else [row[::-1] for row in net.rows]
    root, ring = _aligned(net, ordered, downwards=downwards, side=side)
    follows: list[int] = [-1] * len(root)
    waiting = [0] * len(root)
    for row in ordered:
        for a, b in pairwise(row):
            follows[a] = b
            waiting[root[b]] += 1
    # A block stands beside those before its members: the longest path, in Kahn's order.
    x = [0.0] * len(root)
    queue = [v for v in range(len(root)) if root[v] == v and not waiting[v]]
    for block in queue:  # it grows meanwhile
        for v in _members(ring, block):
            w = follows[v]
            if w >= 0:
                x[root[w]] = max(x[root[w]], x[block] + (net.half[v] + net.half[w]))
                waiting[root[w]] -= 1
                if not waiting[root[w]]:
                    queue.append(root[w])
    # Then it moves up to what follows.
    for block in reversed(queue):
        rooms = (x[root[w]] - (net.half[v] + net.half[w]) for v in _members(ring, block) if (w := follows[v]) >= 0)
        room = min(rooms, default=inf)
        if room < inf:
            x[block] = max(x[block], room)
    return [side * x[each] for each in root]


def _aligned(net: Net, ordered: list[list[int]], *, downwards: bool, side: int) -> tuple[list[int], list[int]]:
    """Return for each place its block, named by one of its members, and the next member, round in a ring."""
    near = net.up if downwards else net.down
    root = list(range(len(net.row_of)))
    ring = list(root)
    for row in ordered if downwards else reversed(ordered):
        bound = -inf
        for v in row:
            for u in _medians(near[v], side):
                if ring[v] == v and side * net.at[u] > bound:
                    bound = side * net.at[u]
                    ring[v] = root[v] = root[u]
                    ring[u] = v
    return root, ring


def _medians(ends: list[int], side: int) -> list[int]:
    middle = (len(ends) - 1) // 2
    if len(ends) % 2:
        return [ends[middle]]
    return ends[middle : middle + 2][::side] if ends else []


def _members(ring: list[int], block: int) -> Iterator[int]:
    yield block
    v = ring[block]
    while v != block:
        yield v
        v = ring[v]


def _relaxed(net: Net, width: float) -> list[float]:
    """Return rows drawn to their neighbours' middles within `width`: less straight, but it cannot drift."""
    x = [0.0] * len(net.half)
    for turn in range(_PASSES):
        near = net.down if turn % 2 else net.up
        for row in reversed(net.rows) if turn % 2 else net.rows:
            _draw(row, net.half, near, x, width)
    return x


def _draw(row: list[int], half: list[float], near: list[list[int]], x: list[float], width: float) -> None:
    want = [sum(x[u] for u in near[v]) / len(near[v]) if near[v] else x[v] for v in row]
    room = [half[v] + (half[row[i - 1]] if i else 0) for i, v in enumerate(row)]
    right: list[float] = []
    for i, wanted in enumerate(want):
        right.append(max(wanted, right[i - 1] + room[i] if i else -width / 2 + room[0]))
    left = [0.0] * len(row)
    end = width / 2 - half[row[-1]]
    for i in reversed(range(len(row))):
        left[i] = min(want[i], end)
        end = left[i] - room[i]
    # The middle of both is in order; then the ends of the row are held within the width.
    end = width / 2 - half[row[-1]]
    for i in reversed(range(len(row))):
        x[row[i]] = min((left[i] + right[i]) / 2, end)
        end = x[row[i]] - room[i]
    end = -width / 2
    for i, v in enumerate(row):
        end = x[v] = max(x[v], end + room[i])
