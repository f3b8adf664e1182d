"""What a matching is: which node of one graph is which node of the other, and why that is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Matching", "Pair"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A node of each graph, by their indices in the outlines, and the reason why they are one, in a few words."""

    a: int
    b: int
    reason: str


@dataclass(frozen=True)
class Matching:
    """All pairs, in the order of the first graph; a node is in one pair at most."""

    pairs: tuple[Pair, ...]

    @cached_property
    def of_a(self) -> Mapping[int, int]:
        """Nodes of the second graph by those of the first."""
        return {pair.a: pair.b for pair in self.pairs}

    @cached_property
    def of_b(self) -> Mapping[int, int]:
        """Nodes of the first graph by those of the second."""
        return {pair.b: pair.a for pair in self.pairs}
