"""Match what may be matched at one level of nesting, in one way of looking: from the sure to the probable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from onnxmagic.diff.match.align import common, gaps
from onnxmagic.diff.match.bridge import bridge, swap
from onnxmagic.diff.match.colours import Colours, Ints, mixed
from onnxmagic.diff.match.columns import Columns
from onnxmagic.diff.match.labels import ANY, SHAPES, TYPES, VALUES, Labels, Level, Tags
from onnxmagic.diff.match.neighbours import Alike, Evidence, Neighbours
from onnxmagic.diff.match.pairing import Pairing
from onnxmagic.diff.match.refine import Look, match_cones, match_surroundings, twins, with_users

__all__ = ["Settling"]

_LEVELS: Final = (
    Level(VALUES, modules=True),
    Level(TYPES, modules=True),
    Level(VALUES, modules=False),
    Level(TYPES, modules=False),
    Level(SHAPES, modules=False),
)
_LOOSE: Final = (Level(ANY, modules=True), Level(ANY, modules=False))
_SAID: Final = {VALUES: "", TYPES: ", weights aside", SHAPES: ", weights and their types aside", ANY: ""}
_SURE: Final = 0.75

Zones = tuple[Sequence[int], Sequence[int]]


class Settling:
    """The steps for two sides in one way of looking."""

    def __init__(
        self,
        sides: tuple[Columns, Columns],
        labels: tuple[Labels, Labels],
        own: tuple[Tags, Tags],
        pairing: Pairing,
        alike: Alike | None,
    ) -> None:
        self.sides = sides
        self.labels = labels
        self.own = own
        self.pairing = pairing
        self.alike = alike
        self.has_modules = all(any(node.module is not None for node in seen.nodes) for seen in sides)

    def settle(self, a: Ints, b: Ints, zones: Zones) -> None:
        """Match these nodes, as far as they are not looked through."""
        shown = (~np.frombuffer(seen.hidden, bool) for seen in self.sides)
        a, b = (nodes[show[nodes]] for nodes, show in zip((a, b), shown, strict=True))
        self.pairing.open(a, b)
        if self.pairing.done:
            return
        self.zones = zones
        around = self._neighbours()
        for level in self._levels(_LEVELS):
            self._surely(level, around)
        self._alike(around)
        self._in_order(around, Level(SHAPES, modules=False), "same operator in the same gap")
        self._across(around)
        for level in self._levels(_LOOSE):
            self._loosely(level, around)
        self._in_order(around, Level(ANY, modules=False), "same operators in one order, attributes aside", _SURE)
        self._at_last(around)

    def _levels(self, levels: Sequence[Level]) -> list[Level]:
        return [level for level in levels if self.has_modules or not level.modules]

    def _at(self, level: Level) -> tuple[Colours, Colours]:
        """Return the labels at a level; those of nodes in bodies are told apart by their body."""
        a, b = (
            mixed(labels.at(level) + np.array(zone, np.int64).astype(np.uint64))
            for labels, zone in zip(self.labels, self.zones, strict=True)
        )
        return a, b

    def _lists(self, level: Level) -> tuple[list[int], list[int]]:
        a, b = self._at(level)
        return a.tolist(), b.tolist()

    def _neighbours(self) -> Neighbours:
        modules = [
            _modules(seen, own, -1 - side) for side, (seen, own) in enumerate(zip(self.sides, self.own, strict=True))
        ]
        evidence = Evidence(
            leaves=(self.labels[0].of_table, self.labels[1].of_table),
            full=(self.own[0].full.tolist(), self.own[1].full.tolist()),
            modules=(modules[0], modules[1]),
            zones=self.zones,
            alike=self.alike,
        )
        return Neighbours(self.sides, self.pairing, evidence)

    def _surely(self, level: Level, around: Neighbours) -> None:
        """Match what is unmistakable at this level."""
        if self.pairing.done:
            return
        labels, said = self._at(level), _SAID[level.weights]
        lists = labels[0].tolist(), labels[1].tolist()
        match_cones(
            self.sides, self.pairing.seeded(*labels), "up", self.pairing, f"same computation from the inputs{said}"
        )
        match_cones(
            self.sides, self.pairing.seeded(*labels), "down", self.pairing, f"same computation to the outputs{said}"
        )
        while not self.pairing.done:
            found = self._by_surroundings(labels, said)
            found += around.spread(lists, f"same operator beside matched neighbours{said}")
            if not found:
                return

    def _by_surroundings(self, labels: tuple[Colours, Colours], said: str) -> int:
        found = 0
        looks: tuple[Look, ...] = ("both", "up", "down")
        for look in looks:
            colours = self.pairing.seeded(*labels)
            found += match_surroundings(self.sides, colours, look, self.pairing, f"same surroundings{said}")
        return found

    def _alike(self, around: Neighbours) -> None:
        """Tell twins apart, such as the two products of an attention, whose only difference is their weights."""
        around.by_weights = True
        if self.alike is None or self.pairing.done:
            return
        level, said = Level(SHAPES, modules=False), "the most alike weights"
        around.spread(self._lists(level), f"{said} beside matched neighbours")
        fed = twins(self.sides, self.pairing.seeded(*self._at(level)), self.pairing)
        found = [pair for left, right in fed for pair in around.put_best(left, right, said, least=_SURE)]
        around.spread(self._lists(level), "same operator beside matched neighbours", pairs=found)

    def _in_order(self, around: Neighbours, level: Level, said: str, share: float = 0.0) -> None:
        """Match what looks alike and comes in one order between two pairs, where that is at least `share` of both."""
        if self.pairing.done:
            return
        labels = self._lists(level)
        free_a, free_b = self.pairing.free_a, self.pairing.free_b
        for left, right in gaps(self.pairing.of_a, self.sides[0].order, self.sides[1].order):
            a, b = [node for node in left if free_a[node]], [node for node in right if free_b[node]]
            found = common([labels[0][node] for node in a], [labels[1][node] for node in b])
            for i, j in found if len(found) >= share * max(len(a), len(b)) else ():
                self.pairing.put(a[i], b[j], said)
        around.spread(labels, "same operator beside matched neighbours")

    def _across(self, around: Neighbours) -> None:
        """Match what is behind edits: first what is used alike too, then what only looks alike."""
        plain = self._at(Level(TYPES, modules=False))
        used = [with_users(seen, own).tolist() for seen, own in zip(self.sides, plain, strict=True)]
        lists = plain[0].tolist(), plain[1].tolist()
        for labels in ((used[0], used[1]), lists):
            while not self.pairing.done:
                found = bridge(around, labels, "same operator behind an edit")
                if not found:
                    break
                around.spread(lists, "same operator beside matched neighbours", pairs=found)

    def _loosely(self, level: Level, around: Neighbours) -> None:
        """Match what has the same operator, with other attributes or another number of inputs, and the same place."""
        if not self.pairing.done:
            said = "same operator beside matched neighbours, attributes aside"
            around.spread(self._lists(level), said, least=_SURE)

    def _at_last(self, around: Neighbours) -> None:
        """Match what is left where there is only one choice, or a name decides."""
        if self.pairing.done:
            return
        around.by_names = True
        for weights, least in ((SHAPES, 0), (ANY, _SURE)):
            labels = self._lists(Level(weights, modules=False))
            around.spread(labels, "the most alike beside matched neighbours", least=least)
        swap(around, "the same place between matched neighbours")


def _modules(seen: Columns, own: Tags, unknown: int) -> list[int]:
    """Return a number for each node's module; one without is in the same as nobody."""
    return [unknown if node.module is None else tag for node, tag in zip(seen.nodes, own.module.tolist(), strict=True)]
