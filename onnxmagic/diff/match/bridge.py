"""Across what came, went or was exchanged: the next node behind it that is on both sides.

An edit is a gap: beside a pair there are free nodes that are not the same. What lies behind them often is.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnxmagic.diff.match.columns import Columns
from onnxmagic.diff.match.neighbours import Neighbours

__all__ = ["bridge", "swap"]

_FAR = 4
_MOST = 60
"""Nodes of a gap that are looked at, from one pair and in one direction."""

Labels = Sequence[int]


def bridge(around: Neighbours, labels: tuple[Labels, Labels], reason: str) -> list[tuple[int, int]]:
    """Match, next to each pair, the nearest free nodes of one label, where they are the only such; return them."""
    pairing, found = around.pairing, list[tuple[int, int]]()
    for down in (True, False):
        for a, b in around.border():
            near_a = _window(around.sides[0], a, pairing.of_a, down=down)
            near_b = _window(around.sides[1], b, pairing.of_b, down=down) if near_a else []
            pair = _nearest(around, near_a, near_b, labels)
            if pair:
                pairing.put(*pair, reason)
                found.append(pair)
    return found


def _window(seen: Columns, start: int, partners: Sequence[int], *, down: bool) -> list[tuple[int, int]]:
    """Return the nodes without partner in one direction, each with how far it is."""
    found: list[tuple[int, int]] = []
    met, edge = {start}, [start]
    for distance in range(_FAR):
        after: list[int] = []
        for node in edge:
            for link in seen.users[node] if down else seen.feeds[node]:
                if link[2] not in met and partners[link[2]] < 0:
                    met.add(link[2])
                    after.append(link[2])
                    found.append((distance, link[2]))
            if len(found) > _MOST:
                return found
        edge = after
    return found


def _nearest(
    around: Neighbours, near_a: list[tuple[int, int]], near_b: list[tuple[int, int]], labels: tuple[Labels, Labels]
) -> tuple[int, int] | None:
    pairing, zones = around.pairing, around.evidence.zones
    by_label: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for distance, node in near_b:
        if pairing.free_b[node]:
            by_label.setdefault((labels[1][node], zones[1][node]), []).append((distance, node))
    pairs = [
        (far_a + far_b, a, b)
        for far_a, a in near_a
        if pairing.free_a[a]
        for far_b, b in by_label.get((labels[0][a], zones[0][a]), ())
    ]
    least = min((far for far, _, _ in pairs), default=0)
    closest = [(a, b) for far, a, b in pairs if far == least]
    return closest[0] if len(closest) == 1 else None


def swap(around: Neighbours, reason: str) -> int:
    """Match free nodes whose neighbours all have partners, and which stand between the same; return how many."""
    pairing = around.pairing
    zones = [around.evidence.zones[0], around.evidence.zones[1]]
    partners = [pairing.of_a, list(range(len(pairing.of_b)))]
    has = [pairing.of_a, pairing.of_b]
    found: list[dict[tuple[object, ...], list[int]]] = []
    for seen, free, of_first, mine, zone in zip(around.sides, pairing.free(), partners, has, zones, strict=True):
        places: dict[tuple[object, ...], list[int]] = {}
        for node in free.tolist():
            links = [*seen.feeds[node], *seen.users[node]]
            if links and all(mine[link[2]] >= 0 for link in links):
                feeds = tuple((slot, port, of_first[other]) for slot, port, other in seen.feeds[node])
                users = tuple(sorted((slot, port, of_first[other]) for slot, port, other in seen.users[node]))
                results = tuple(seen.results.get(node, ()))
                places.setdefault((zone[node], len(seen.leaves[node]), feeds, users, results), []).append(node)
        found.append(places)
    count = 0
    for place, left in found[0].items():
        right = found[1].get(place, [])
        if len(left) == len(right) == 1:
            pairing.put(left[0], right[0], reason)
            count += 1
    return count
