"""The pairs found so far, and why."""

from __future__ import annotations

from typing import Final

import numpy as np

from onnxmagic.diff.match.colours import Colours, Ints, mixed, unique_pairs

__all__ = ["Pairing"]

_PAIRED: Final = np.uint64(0x5851F42D4C957F2D)


class Pairing:
    """Partners of nodes, -1 for those that have none yet, for both sides.

    ``of_a`` and ``of_b`` are lists for walks from node to node; the columns ``free_a`` and ``free_b`` say which nodes
    may be given a partner at present.
    """

    def __init__(self, count_a: int, count_b: int) -> None:
        self.of_a = [-1] * count_a
        self.of_b = [-1] * count_b
        self.free_a = np.zeros(count_a, bool)
        self.free_b = np.zeros(count_b, bool)
        self.reasons: dict[int, str] = {}

    @property
    def done(self) -> bool:
        """Whether one of the sides has no node left to match."""
        return not (self.free_a.any() and self.free_b.any())

    def open(self, a: Ints, b: Ints) -> None:
        """Let these nodes be matched, and no others."""
        for free, partners, nodes in ((self.free_a, self.of_a, a), (self.free_b, self.of_b, b)):
            free[:] = False
            free[nodes] = True
            free[np.array(partners, np.int64) >= 0] = False

    def put(self, a: int, b: int, reason: str) -> None:
        """Make `a` and `b` partners."""
        self.of_a[a] = b
        self.of_b[b] = a
        self.free_a[a] = self.free_b[b] = False
        self.reasons[a] = reason

    def put_all(self, a: Ints, b: Ints, reason: str) -> int:
        """Make partners of nodes one by one, and return how many pairs there are."""
        for left, right in zip(a.tolist(), b.tolist(), strict=True):
            self.put(left, right, reason)
        return len(a)

    def put_unique(self, a: tuple[Ints, Colours], b: tuple[Ints, Colours], reason: str) -> int:
        """Make partners of those nodes whose colour nobody else has on either side; return how many pairs there are."""
        left, right = unique_pairs(a[1], b[1])
        return self.put_all(a[0][left], b[0][right], reason)

    def seeded(self, labels_a: Colours, labels_b: Colours) -> tuple[Colours, Colours]:
        """Return the labels, with a colour of its own for each pair."""
        partners = np.array(self.of_b, np.int64)
        at_b = np.flatnonzero(partners >= 0)
        at_a = partners[at_b]
        colours_a, colours_b = labels_a.copy(), labels_b.copy()
        colours_a[at_a] = colours_b[at_b] = mixed(at_a.astype(np.uint64) ^ _PAIRED)
        return colours_a, colours_b

    def free(self) -> tuple[Ints, Ints]:
        """Return the nodes that may be given a partner."""
        return np.flatnonzero(self.free_a), np.flatnonzero(self.free_b)
