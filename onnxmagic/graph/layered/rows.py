"""Which row each box stands in, and the net of places that the later steps work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["Edges", "Net", "Place", "Spacing", "joined", "rows_of", "spliced"]

_ENDLESS: Final = 2**62
"""The span of an edge that closes a cycle."""

_MOST_PLACES: Final = 200_000
"""Edges pass so many places at most; where there would be more, shorter ones count as long."""


@dataclass(frozen=True, slots=True)
class Place:
    """A box to be placed.

    Attributes
    ----------
    id : str
    width, height : float
    pin : {"", "top", "bottom"}
        The first or the last row, which then holds what is pinned there and nothing else.
    """

    id: str
    width: float
    height: float
    pin: Literal["", "top", "bottom"] = ""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances in pixels, and ``max_span``: an edge over more rows is long."""

    node_gap: float = 24.0
    edge_gap: float = 14.0
    rank_gap: float = 40.0
    lane_gap: float = 12.0
    max_span: int = 24


@dataclass(slots=True)
class Edges:
    """Edges as indices, each pair once; ``forward`` says which close no cycle, and only those are neighbours."""

    source: list[int]
    target: list[int]
    forward: list[bool]
    queue: list[int]
    out: list[list[int]]
    into: list[list[int]]


@dataclass(slots=True)
class Net:
    """Places in rows: those of the boxes, then one for each row that a short edge passes.

    ``half`` is half the room that a place takes, ``at`` its number in its row. ``chains`` are the places that each edge
    passes; None for one that is long or closes a cycle.
    """

    boxes: int
    row_of: list[int]
    chains: list[list[int] | None]
    half: list[float]
    up: list[list[int]]
    down: list[list[int]]
    rows: list[list[int]] = field(default_factory=list[list[int]])
    at: list[int] = field(default_factory=list[int])


def joined(boxes: Sequence[Place], edges: Sequence[tuple[str, str]]) -> Edges:
    """Return the edges between `boxes`, in an order from sources to sinks."""
    index = {box.id: i for i, box in enumerate(boxes)}
    pairs = dict.fromkeys((index.get(a), index.get(b)) for a, b in edges)
    known = [(u, v) for u, v in pairs if u is not None and v is not None and u != v]
    source, target = [u for u, _ in known], [v for _, v in known]
    queue = _queue(len(boxes), known)
    turn = {u: k for k, u in enumerate(queue)}
    out: list[list[int]] = [[] for _ in boxes]
    into: list[list[int]] = [[] for _ in boxes]
    forward = [turn[u] < turn[v] for u, v in known]
    for (u, v), ahead in zip(known, forward, strict=True):
        if ahead:
            out[u].append(v)
            into[v].append(u)
    return Edges(source, target, forward, queue, out, into)


def _queue(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return Kahn's order; where a cycle leaves nobody free, the first box left goes next."""
    out: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for u, v in pairs:
        out[u].append(v)
        waiting[v] += 1
    queue = [i for i in range(count) if not waiting[i]]
    met = [not each for each in waiting]
    scan = 0
    for head in range(count):
        while head == len(queue) and met[scan]:
            scan += 1
        if head == len(queue):
            met[scan] = True
            queue.append(scan)
        for v in out[queue[head]]:
            waiting[v] -= 1
            if not waiting[v] and not met[v]:
                met[v] = True
                queue.append(v)
    return queue


def rows_of(boxes: Sequence[Place], edges: Edges) -> list[int]:
    """Return the row of each box: below all it takes from, as near to who takes from it as shortens its edges."""
    row = [0] * len(boxes)
    pins = [box.pin for box in boxes]
    first = int("top" in pins)
    for u in edges.queue:
        row[u] = 0 if pins[u] == "top" else max(row[u], first)
        for v in edges.out[u]:
            row[v] = max(row[v], row[u] + 1)
    last = max((each + (pin != "bottom") for each, pin in zip(row, pins, strict=True)), default=0)
    hangs = _hanging(boxes, edges)
    for u in reversed(edges.queue):
        out = edges.out[u]
        if pins[u] == "bottom":
            row[u] = last
        if not pins[u] and len(out) > (0 if hangs[u] else len(edges.into[u])):
            row[u] = min(row[v] for v in out) - 1
    return row


def _hanging(boxes: Sequence[Place], edges: Edges) -> list[bool]:
    """Return which boxes hang on one consumer alone, with all above them: constants and their reshapes sink with it."""
    hangs = [False] * len(boxes)
    for u in edges.queue:
        hangs[u] = not boxes[u].pin and all(hangs[p] and len(edges.out[p]) == 1 for p in edges.into[u])
    return hangs


def spliced(boxes: Sequence[Place], edges: Edges, row: Sequence[int], spacing: Spacing) -> Net:
    """Return the net: an edge has a place in each row it passes, unless it is long."""
    half = [(box.width + spacing.node_gap) / 2 for box in boxes]
    net = Net(len(boxes), list(row), [], half, [[] for _ in boxes], [[] for _ in boxes])
    ends = list(zip(edges.source, edges.target, strict=True))
    spans = [row[v] - row[u] if ahead else _ENDLESS for (u, v), ahead in zip(ends, edges.forward, strict=True)]
    longest = spacing.max_span
    while sum(span - 1 for span in spans if span <= longest) > _MOST_PLACES:
        longest //= 2
    for (u, v), span in zip(ends, spans, strict=True):
        net.chains.append(_chain(net, u, v, spacing.edge_gap / 2) if span <= longest else None)
    return net


def _chain(net: Net, u: int, v: int, half: float) -> list[int]:
    """Add the places of one edge, and return them."""
    chain = list(range(len(net.row_of), len(net.row_of) + net.row_of[v] - net.row_of[u] - 1))
    for passed in range(net.row_of[u] + 1, net.row_of[v]):
        net.row_of.append(passed)
        net.half.append(half)
        net.up.append([])
        net.down.append([])
    for above, below in zip([u, *chain], [*chain, v], strict=True):
        net.down[above].append(below)
        net.up[below].append(above)
    return chain
