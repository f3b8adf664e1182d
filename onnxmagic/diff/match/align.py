"""The longest common subsequence of two orders, between what is matched already.

Where a block occurs fifty times and nothing tells one from another (a retrained file without metadata), only the order
of all of them together says which is which. A true longest common subsequence (Myers 1986) finds the fewest insertions
and deletions; a search for the longest equal stretch, as in ``difflib``, shifts everything behind an edit by a block.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

__all__ = ["common", "gaps"]

_MOST_WORK: Final = 4_000_000
"""Steps after which a gap is left as it is: some seconds at most."""


def gaps(
    partners: Sequence[int], order_a: Sequence[int], order_b: Sequence[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the nodes without partner between one pair and the next, along pairs that have one order on both sides.

    Parameters
    ----------
    partners : sequence of int
        For nodes of the first side; -1 for none.
    order_a, order_b : sequence of int
        All nodes of each side.
    """
    place_b = {node: place for place, node in enumerate(order_b)}
    pairs = [(place, place_b[partners[node]]) for place, node in enumerate(order_a) if partners[node] >= 0]
    matched_b = {place for _, place in pairs}
    rising = [*_rising(pairs), (len(order_a), len(order_b))]
    from_a = from_b = 0
    for to_a, to_b in rising:
        free_a = [node for node in order_a[from_a:to_a] if partners[node] < 0]
        free_b = [order_b[place] for place in range(from_b, to_b) if place not in matched_b]
        if free_a and free_b:
            yield free_a, free_b
        from_a, from_b = to_a + 1, to_b + 1


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return a longest part of `pairs`, which are in the order of the first, that is in the order of the second too."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        last[length : length + 1] = [index]
    found: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def common(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Return the positions of a longest common subsequence; nothing where that would take too long."""
    start, most = 0, min(len(a), len(b))
    while start < most and a[start] == b[start]:
        start += 1
    end = 0
    while end < most - start and a[-1 - end] == b[-1 - end]:
        end += 1
    middle = _myers(a[start : len(a) - end], b[start : len(b) - end])
    return [
        *((i, i) for i in range(start)),
        *((start + i, start + j) for i, j in middle),
        *((len(a) - i, len(b) - i) for i in range(end, 0, -1)),
    ]


def _myers(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Return the common subsequence that the shortest script of insertions and deletions leaves."""
    if not a or not b or not set(a) & set(b):
        return []
    furthest = {1: 0}
    history: list[dict[int, int]] = []
    work = 0
    for edits in range(len(a) + len(b) + 1):
        history.append(furthest)
        reached: dict[int, int] = {}
        for diagonal in range(-edits, edits + 1, 2):
            x = _step(furthest, diagonal, edits)
            y = x - diagonal
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reached[diagonal] = x
            if x >= len(a) and y >= len(b):
                return _walked_back(history, x, y)
        furthest = reached
        work += 2 * edits + 1
        if work > _MOST_WORK:
            break
    return []


def _is_down(furthest: dict[int, int], diagonal: int, edits: int) -> bool:
    """Whether a diagonal is reached by an insertion (from the one above it), and not by a deletion."""
    return diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])


def _step(furthest: dict[int, int], diagonal: int, edits: int) -> int:
    down = _is_down(furthest, diagonal, edits)
    return furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1


def _walked_back(history: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for edits in range(len(history) - 1, -1, -1):
        furthest, diagonal = history[edits], x - y
        start = _step(furthest, diagonal, edits)
        while x > start:
            x, y = x - 1, y - 1
            found.append((x, y))
        x, y = (x, y - 1) if _is_down(furthest, diagonal, edits) else (x - 1, y)
    return found[::-1]
