"""The order in each row: few crossings.

Barycentre sweeps down and up, and after each an exchange of neighbours; the best of all is kept.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Final

from onnxmagic.graph.layered.rows import Net

__all__ = ["crossings", "order_rows"]

_SWEEPS: Final = 24
_PATIENCE: Final = 4
_LARGE: Final = 8000
_SMALL: Final = 3000
_ROUNDS: Final = 6


def order_rows(net: Net) -> None:
    """Give the net its rows, left to right, and each place its number there."""
    net.rows = _first_order(net)
    net.at = [0] * len(net.row_of)
    _number(net)
    best, least, patience = [list(row) for row in net.rows], crossings(net), _PATIENCE
    for sweep in range(_SWEEPS):
        if patience <= 0 or not least:
            break
        up = bool(sweep % 2)
        for row in reversed(net.rows) if up else net.rows:
            _sort(row, net.at, net.down if up else net.up, -1 if sweep % 4 > 1 else 1)
        if len(net.row_of) < _SMALL:
            _exchange(net)
        now = crossings(net)
        patience = _PATIENCE if now < least else patience - (_PATIENCE if len(net.row_of) > _LARGE else 1)
        if now < least:
            best, least = [list(row) for row in net.rows], now
    net.rows = best
    _number(net)


def _number(net: Net) -> None:
    for row in net.rows:
        for i, v in enumerate(row):
            net.at[v] = i


def _first_order(net: Net) -> list[list[int]]:
    """Return rows as a walk from the sources meets their places: what belongs together stands together."""
    rows: list[list[int]] = [[] for _ in range(max(net.row_of, default=-1) + 1)]
    met = [False] * len(net.row_of)
    for start in sorted(range(net.boxes), key=lambda i: net.row_of[i]):
        stack = [start]
        while stack:
            v = stack.pop()
            if not met[v]:
                met[v] = True
                rows[net.row_of[v]].append(v)
                stack.extend(net.down[v])
    return rows


def _sort(row: list[int], at: list[int], near: list[list[int]], tie: int) -> None:
    """Sort one row by the middles of its neighbours; with a `tie` of -1 equals change places."""
    if len(row) < 2:
        return
    key = {v: sum(at[w] for w in near[v]) / len(near[v]) if near[v] else at[v] for v in row}
    row.sort(key=lambda v: (key[v], tie * at[v]))
    for i, v in enumerate(row):
        at[v] = i


def crossings(net: Net) -> int:
    """Return how many edges cross."""
    total = 0
    for row in net.rows:
        ends: list[int] = []
        for v in row:
            # Those to the right of an end, among the ends of what is to the left, are crossed.
            total += sum(len(ends) - bisect_right(ends, net.at[w]) for w in net.down[v])
            for w in net.down[v]:
                insort(ends, net.at[w])
    return total


def _exchange(net: Net) -> None:
    """Swap neighbours in a row wherever that undoes crossings."""
    for _ in range(_ROUNDS):
        gained = False
        for row in net.rows:
            for i in range(len(row) - 1):
                v, w = row[i], row[i + 1]
                if _gain(net.at, net.up[v], net.up[w]) + _gain(net.at, net.down[v], net.down[w]) > 0:
                    row[i], row[i + 1] = w, v
                    net.at[v], net.at[w] = i + 1, i
                    gained = True
        if not gained:
            break


def _gain(at: list[int], left: list[int], right: list[int]) -> int:
    """Return how many more crossings the ends `left` make with the ends `right` now than if they changed places."""
    return sum((at[a] > at[b]) - (at[a] < at[b]) for a in left for b in right)
