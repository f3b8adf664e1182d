"""From pairs to the nodes beside them: the most of a graph is found this way once some of it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from onnxmagic.diff.match.columns import Columns
from onnxmagic.diff.match.pairing import Pairing

__all__ = ["Alike", "Evidence", "Neighbours"]

Alike = Callable[[int, int], float]
"""How much the values of two weights are alike, by their numbers on the sides; 1 for the same."""

Labels = Sequence[int]

_ALIKE: Final = 0.3
_MOST_PAIRS: Final = 4096


@dataclass(frozen=True)
class Evidence:
    """What speaks for two nodes besides their labels.

    ``leaves`` are numbers for the leaves of each side's table; ``full`` are operators with attributes, ``zones`` and
    ``modules`` numbers that are the same on both sides.
    """

    leaves: tuple[Labels, Labels]
    full: tuple[Labels, Labels]
    modules: tuple[Labels, Labels]
    zones: tuple[Labels, Labels]
    alike: Alike | None = None


@dataclass
class Neighbours:
    """Matching along arrows; ``by_weights`` and ``by_names`` say what may decide where nothing else does."""

    sides: tuple[Columns, Columns]
    pairing: Pairing
    evidence: Evidence
    by_weights: bool = False
    by_names: bool = False

    def border(self) -> list[tuple[int, int]]:
        """Return the pairs with free neighbours on both sides."""
        pairing = self.pairing
        touched: list[set[int]] = []
        for seen, free in zip(self.sides, (pairing.free_a, pairing.free_b), strict=True):
            source, target, _, _ = seen.edges
            found = np.concatenate([source[free[target]], target[free[source]]])
            touched.append(set(found[~free[found]].tolist()))
        pairs = ((a, pairing.of_a[a]) for a in sorted(touched[0]))
        return [(a, b) for a, b in pairs if b in touched[1]]

    def spread(
        self, labels: tuple[Labels, Labels], reason: str, *, least: float = 0, pairs: Iterable[tuple[int, int]] = ()
    ) -> int:
        """Match neighbours of pairs that have one label and one place, and theirs, and so on; return how many.

        Parameters
        ----------
        labels : tuple of sequence of int
        reason : str
        least : float
            How much more evidence must speak for a pair than against it.
        pairs : iterable of (int, int)
            Where to begin; the whole border without.
        """
        waiting = deque(pairs or self.border())
        count = 0
        while waiting:
            a, b = waiting.popleft()
            for left, right in self._places(a, b, labels):
                found = self.put_best(left, right, reason, least=least)
                waiting += found
                count += len(found)
        return count

    def _places(self, a: int, b: int, labels: tuple[Labels, Labels]) -> list[tuple[list[int], list[int]]]:
        """Return the free nodes that have one place beside `a` and `b`, and one label."""
        groups: list[dict[tuple[int, ...], list[int]]] = []
        free = (self.pairing.free_a, self.pairing.free_b)
        for seen, node, own, may, zones in zip(self.sides, (a, b), labels, free, self.evidence.zones, strict=True):
            found: dict[tuple[int, ...], list[int]] = {}
            for slot, port, other in seen.feeds[node]:
                if may[other]:
                    found.setdefault((0, slot, port, own[other], zones[other]), []).append(other)
            for slot, port, other in seen.users[node]:
                if may[other]:
                    found.setdefault((1, slot, port, own[other], zones[other]), []).append(other)
            groups.append(found)
            if not found:
                return []
        return [(left, groups[1][place]) for place, left in groups[0].items() if place in groups[1]]

    def put_best(self, left: list[int], right: list[int], reason: str, *, least: float) -> list[tuple[int, int]]:
        """Match nodes that look alike, but none of those between which nothing decides, and return the pairs."""
        may_a, may_b = self.pairing.free_a, self.pairing.free_b
        left, right = [x for x in dict.fromkeys(left) if may_a[x]], [y for y in dict.fromkeys(right) if may_b[y]]
        if len(left) == len(right) == 1 and least <= 0:
            found = [(left[0], right[0])]
        elif len(left) * len(right) > _MOST_PAIRS:
            found = []
        else:
            found = best_pairs({(x, y): self.support(x, y) for x in left for y in right}, least)
        for x, y in found:
            self.pairing.put(x, y, reason)
        return found

    def support(self, a: int, b: int) -> float:
        """Return how much speaks for a pair, less what speaks against it."""
        score = self.agreement(a, b) - self.conflict(a, b)
        if self.by_weights:
            score += self._likeness(a, b)
        if self.by_names:
            one, other = self.sides[0].nodes[a], self.sides[1].nodes[b]
            score += 0.1 * bool({one.name, *one.outputs} & {other.name, *other.outputs} - {""})
        return score

    def _likeness(self, a: int, b: int) -> float:
        """Return how much the weights of two nodes are alike."""
        alike = self.evidence.alike
        if alike is None:
            return 0
        of_slot = dict(_weights(self.sides[1], b))
        found = [alike(weight, of_slot[slot]) for slot, weight in _weights(self.sides[0], a) if slot in of_slot]
        # Two unrelated weights are a little alike by chance; that decides nothing.
        return sum(each for each in found if each > _ALIKE)

    def agreement(self, a: int, b: int) -> float:
        """Return how much speaks for a pair."""
        of_a, evidence = self.pairing.of_a, self.evidence
        feeds = {slot: (port, node) for slot, port, node in self.sides[1].feeds[b]}
        score = sum(
            of_a[node] >= 0 and feeds.get(slot) == (port, of_a[node]) for slot, port, node in self.sides[0].feeds[a]
        )
        users = {(slot, port, node) for slot, port, node in self.sides[1].users[b]}
        score += sum((slot, port, of_a[node]) in users for slot, port, node in self.sides[0].users[a])
        score += 0.25 * (evidence.full[0][a] == evidence.full[1][b])
        score += 0.25 * (evidence.modules[0][a] == evidence.modules[1][b])
        of_slot = {slot: evidence.leaves[1][leaf] for slot, leaf in self.sides[1].leaves[b]}
        same = [evidence.leaves[0][leaf] == of_slot.get(slot) for slot, leaf in self.sides[0].leaves[a]]
        return score + 0.5 * sum(same)

    def conflict(self, a: int, b: int) -> int:
        """Return how many neighbours of one have a partner that is no neighbour of the other, on the worse side."""
        of_a, of_b = self.pairing.of_a, self.pairing.of_b
        near_a, near_b = _near(self.sides[0], a), _near(self.sides[1], b)
        return max(
            sum(of_a[node] >= 0 and of_a[node] not in near_b for node in near_a),
            sum(of_b[node] >= 0 and of_b[node] not in near_a for node in near_b),
        )


def _weights(seen: Columns, node: int) -> list[tuple[int, int]]:
    """Return the weights of a node, as (slot, number)."""
    leaves = ((slot, seen.table[leaf]) for slot, leaf in seen.leaves[node])
    return [(slot, leaf.number) for slot, leaf in leaves if leaf.kind == "weight"]


def _near(seen: Columns, node: int) -> set[int]:
    return {link[2] for link in seen.feeds[node]} | {link[2] for link in seen.users[node]}


def best_pairs(scores: dict[tuple[int, int], float], least: float) -> list[tuple[int, int]]:
    """Return pairs that are each other's best, as long as no other is as good for either."""
    found: list[tuple[int, int]] = []
    while scores:
        best = max(scores.values())
        top = [pair for pair, score in scores.items() if score == best]
        if best < least or len({a for a, _ in top}) < len(top) or len({b for _, b in top}) < len(top):
            return found
        found += top
        done_a, done_b = {a for a, _ in top}, {b for _, b in top}
        scores = {(a, b): score for (a, b), score in scores.items() if a not in done_a and b not in done_b}
    return found
