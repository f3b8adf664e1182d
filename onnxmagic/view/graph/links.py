"""Which lines there are at each level of nested boxes, and where they pass a border.

An edge of the outline becomes one line at the level where its ends meet, and one more for each open box that it leaves
or enters. It passes the border at a port: a point in the box's first or last row, which all lines of one value share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from onnxmagic.graph.layout import Layout
from onnxmagic.view.graph.nest import ROOT, Nest

__all__ = ["MOST_LINES", "Level", "Link", "link"]

Pin = Literal["top", "bottom"]


@dataclass(frozen=True, slots=True)
class Link:
    """An edge of one level: what it joins there, and the port it meets of each where that is an open box."""

    source: str
    target: str
    out: str = ""
    into: str = ""


@dataclass(slots=True)
class Level:
    """An open box: what is in it, its links with values and marks, its ports, and in the end where all of it is."""

    box: str
    contents: list[str]
    links: dict[Link, list[int]] = field(default_factory=dict[Link, list[int]])
    marks: dict[Link, set[int]] = field(default_factory=dict[Link, set[int]])
    ports: dict[str, Pin] = field(default_factory=dict[str, Pin])
    placed: Layout = field(default_factory=lambda: Layout(0.0, 0.0, {}, ()))
    width: float = 0.0
    height: float = 0.0


MOST_LINES: Final = 6000
"""Beyond it nobody sees a thing, and a layout takes its time."""


def link(nest: Nest, levels: dict[str, Level], marks: Sequence[int] = ()) -> int:
    """Give every level its links, and return how many edges had to stay out; `marks` are those of the edges, if any."""
    around = {box: level.box for level in levels.values() for box in level.contents}
    seen = _Seen(nest, around)
    made = 0
    for number, edge in enumerate(nest.outline.edges):
        if made > MOST_LINES:
            return len(nest.outline.edges) - number
        source = seen.node(edge.source) if edge.source >= 0 else seen.input(edge.value)
        target = seen.node(edge.target) if edge.target >= 0 else seen.output(edge.value)
        if source and target and source != target:
            made += _link_one(levels, around, (source, target), (edge.value, marks[number] if marks else 0))
    for level in levels.values():
        _drop_doubles(level, levels)
    return 0


def _link_one(levels: dict[str, Level], around: dict[str, str], ends: tuple[str, str], carried: tuple[int, int]) -> int:
    """Give one edge its links, and return how many of them are new."""
    source, target = ends
    value = carried[0]
    new = 0
    outer, inner = list(_outwards(source, around)), list(_outwards(target, around))
    meeting = next(box for box in outer if box in inner)
    out, into = "", ""
    for box in outer[: outer.index(meeting)]:
        port = f"p{value}"
        levels[box].ports[port] = "bottom"
        new += _add(levels[box], Link(source, port, out=out), carried)
        source, out = box, port
    for box in inner[: inner.index(meeting)]:
        port = f"q{value}"
        levels[box].ports[port] = "top"
        new += _add(levels[box], Link(port, target, into=into), carried)
        target, into = box, port
    # The edge of a loop's own box to its body, or back, ends at the border.
    if source != target:
        new += _add(levels[meeting], Link(source, target, out, into), carried)
    return new


def _drop_doubles(level: Level, levels: dict[str, Level]) -> None:
    """Leave out lines to a call's own box where the same value is seen to go on inside."""
    for joins in list(level.links):
        inner = levels.get(joins.target)
        if inner and not joins.into:
            left = [value for value in level.links[joins] if f"q{value}" not in inner.ports]
            level.links[joins] = left
            if not left:
                del level.links[joins]


def _outwards(box: str, around: dict[str, str]) -> Iterator[str]:
    """Yield the open boxes around `box`, itself included where it is open, the root last."""
    while box != ROOT:
        box = around[box]
        yield box


def _add(level: Level, joins: Link, carried: tuple[int, int]) -> bool:
    value, mark = carried
    new = joins not in level.links
    level.marks.setdefault(joins, set()).add(mark)
    values = level.links.setdefault(joins, [])
    if value not in values[-8:]:
        values.append(value)
    return new


class _Seen:
    """Which box stands for a node, an input or an output in a picture; empty where none does."""

    def __init__(self, nest: Nest, around: dict[str, str]) -> None:
        self._drawn = around
        self._outline = nest.outline
        self._scopes = [ROOT] * len(nest.outline.scopes)
        for index, scope in enumerate(nest.outline.scopes[1:], 1):
            own = f"s{index}"
            if own in around:
                self._scopes[index] = own
            elif scope.kind == "body" and scope.owner >= 0:
                self._scopes[index] = self.node(scope.owner)
            else:
                self._scopes[index] = self._scopes[scope.parent]
        self._inputs = {value: f"i{index}" for index, value in enumerate(nest.outline.inputs)}
        self._outputs = {value: f"o{index}" for index, value in enumerate(nest.outline.outputs)}

    def node(self, index: int) -> str:
        """Return the box of a node: its own, or the closed one that it is in."""
        own = f"n{index}"
        if own in self._drawn:
            return own
        # What the outermost level leaves out has no box at all.
        scope = self._scopes[self._outline.of_node[index]]
        return "" if scope == ROOT else scope

    def input(self, value: int) -> str:
        """Return the box of a graph input."""
        return self._end(self._inputs.get(value, ""))

    def output(self, value: int) -> str:
        """Return the box of a graph output."""
        return self._end(self._outputs.get(value, ""))

    def _end(self, box: str) -> str:
        return box if box in self._drawn else ""
