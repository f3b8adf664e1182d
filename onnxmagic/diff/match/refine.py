"""Colours of surroundings: what a node looks like from one step away, from two, and along everything it hangs from.

What has a partner already has a colour that only the two have. So what is between such nodes can be told apart, however
often the like of it occurs in the rest of the graph. Only nodes that are still free are coloured anew; after the first
rounds they are few.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from onnxmagic.diff.match.colours import Colours, Ints, Segments, mixed
from onnxmagic.diff.match.columns import Columns
from onnxmagic.diff.match.labels import arrows
from onnxmagic.diff.match.pairing import Pairing

__all__ = ["Look", "match_cones", "match_surroundings", "twins", "with_users"]

Look = Literal["both", "up", "down"]

_UP: Final = np.uint64(0xD6E8FEB86659FD93)
_DOWN: Final = np.uint64(0xA0761D6478BD642F)
_STEPS: Final[dict[Look, tuple[int, ...]]] = {"both": (12, 6, 3, 2, 1), "up": (3, 2, 1), "down": (3, 2, 1)}
_MOST_TWINS: Final = 256
"""Pairs that a few alike nodes of one side may make with those of the other; more are a matter of order."""

_MASK: Final = 2**64 - 1


def match_surroundings(
    sides: tuple[Columns, Columns], colours: tuple[Colours, Colours], look: Look, pairing: Pairing, reason: str
) -> int:
    """Match free nodes whose surroundings occur once on each side, the wider ones first; return how many."""
    free = pairing.free()
    if not all(map(len, free)):
        return 0
    steps = _STEPS[look]
    rings = [_rings(*each, look, steps[0]) for each in zip(sides, colours, free, strict=True)]
    count = 0
    for step in steps:
        left = [pairing.free_a[free[0]], pairing.free_b[free[1]]]
        if not all(some.any() for some in left):
            break
        a, b = ((nodes[some], ring[step][some]) for nodes, ring, some in zip(free, rings, left, strict=True))
        count += pairing.put_unique(a, b, reason)
    return count


def _rings(seen: Columns, colours: Colours, free: Ints, look: Look, steps: int) -> list[Colours]:
    """Return the colours of the free nodes after 0 steps, after one, and so on."""
    is_free = np.zeros(len(colours), bool)
    is_free[free] = True
    ways: list[tuple[Ints, Colours, Segments]] = []
    if look != "down":
        source, target, slot, port = (rows[is_free[seen.edges[1]]] for rows in seen.edges)
        ways.append((source, arrows(slot, port) ^ _UP, Segments(target)))
    if look != "up":
        some = np.flatnonzero(is_free[seen.edges[0]])
        some = some[np.argsort(seen.edges[0][some], kind="stable")]
        source, target, slot, port = (rows[some] for rows in seen.edges)
        ways.append((target, arrows(slot, port) ^ _DOWN, Segments(source)))
    at, rings = colours.copy(), [colours[free]]
    for _ in range(steps):
        sums = np.zeros(len(at), np.uint64)
        for far, arrow, places in ways:
            places.add_to(sums, mixed(at[far] + arrow))
        at[free] = mixed(mixed(at[free]) + sums[free])
        rings.append(at[free])
    return rings


def match_cones(
    sides: tuple[Columns, Columns], colours: tuple[Colours, Colours], look: Look, pairing: Pairing, reason: str
) -> int:
    """Match free nodes by all that they hang from, up to inputs and partners (or by all that hangs from them)."""
    free = pairing.free()
    if not all(map(len, free)):
        return 0
    cone = _cone_up if look == "up" else _cone_down
    a, b = ((nodes, cone(seen, own, nodes)) for seen, own, nodes in zip(sides, colours, free, strict=True))
    return pairing.put_unique(a, b, reason)


def _cone_up(seen: Columns, colours: Colours, free: Ints) -> Colours:
    found: list[int] = colours.tolist()
    feeds = seen.feeds
    for node in seen.sorted(free):
        # At which inputs these are, the label knows.
        found[node] = hash((found[node], *[found[link[2]] for link in feeds[node]])) & _MASK
    return np.array(found, np.uint64)[free]


def _cone_down(seen: Columns, colours: Colours, free: Ints) -> Colours:
    found: list[int] = colours.tolist()
    users = seen.users
    for node in reversed(seen.sorted(free)):
        around = sorted([(slot, port, found[user]) for slot, port, user in users[node]])
        found[node] = hash((found[node], *around)) & _MASK
    return np.array(found, np.uint64)[free]


def with_users(seen: Columns, colours: Colours) -> Colours:
    """Return colours of nodes together with those of the nodes that use them."""
    return _rings(seen, colours, np.arange(len(colours)), "down", 1)[1]


def twins(
    sides: tuple[Columns, Columns], colours: tuple[Colours, Colours], pairing: Pairing
) -> list[tuple[list[int], list[int]]]:
    """Return free nodes of both sides that are fed by the same, several on one side at least, but not by the dozen."""
    groups: list[dict[int, list[int]]] = []
    for seen, own, free in zip(sides, colours, pairing.free(), strict=True):
        groups.append({})
        for node, colour in zip(free.tolist(), _rings(seen, own, free, "up", 1)[1].tolist(), strict=True):
            groups[-1].setdefault(colour, []).append(node)
    both = [(left, groups[1][colour]) for colour, left in groups[0].items() if colour in groups[1]]
    return [(left, right) for left, right in both if 1 < len(left) * len(right) <= _MOST_TWINS]
