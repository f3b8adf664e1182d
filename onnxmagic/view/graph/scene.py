"""Boxes and lines with their places: what a picture draws, before it is drawn.

Every open box is laid out by itself, the inner ones first, so that a level is a small problem however large the model.
Then each is put where it belongs in the one around it, and the lines that pass its border are joined there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from onnxmagic.graph.layout import Place, Spacing, layout
from onnxmagic.view.graph.captions import Caption, Captions
from onnxmagic.view.graph.folding import Folding
from onnxmagic.view.graph.letters import text_width
from onnxmagic.view.graph.links import Level, link
from onnxmagic.view.graph.nest import ROOT, Nest

__all__ = ["HEADER", "Box", "Line", "Point", "Scene", "scene"]

HEADER: Final = 28.0
"""Height of the band with an open box's name."""

_PADDING: Final = 16.0
_PORT: Final = 2.0
_GAP: Final = Spacing().rank_gap

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with its caption; ``x`` and ``y`` are its top left corner, in pixels from the picture's."""

    id: str
    caption: Caption
    x: float
    y: float
    width: float
    height: float
    depth: int
    open: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line from box to box, or to the border of the open box around; ``values`` are those that it stands for.

    ``ends`` says that it ends at a box, with an arrow, and not at a border; ``mark`` is that of all edges in it.
    """

    source: str
    target: str
    values: tuple[int, ...]
    points: tuple[Point, ...]
    long: bool
    ends: bool
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture without colours; boxes come before what is in them. ``missing`` edges were too many to be drawn."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    missing: int = 0


def scene(nest: Nest, captions: Captions, folding: Folding, marks: Sequence[int] = ()) -> Scene:
    """Return where everything is when the boxes of `folding` are open; `marks` are those of the edges, if any."""
    levels = {box: Level(box, list(contents)) for box, contents in folding.contents.items()}
    missing = link(nest, levels, marks)
    told = {box: captions.of(box) for level in levels.values() for box in level.contents}
    sizes = {box: (caption.width, caption.height) for box, caption in told.items()}
    for level in reversed(levels.values()):
        _place(level, sizes)
        if level.box != ROOT:
            least = text_width(f"{told[level.box].label}  {told[level.box].sub}", 13.0, bold=True) + 4 * _PADDING
            level.width = max(level.width, min(least, 320.0))
            sizes[level.box] = (level.width, level.height)
    return replace(_absolute(levels, told, sizes), missing=missing)


def _place(level: Level, sizes: dict[str, Point]) -> None:
    boxes = [Place(box, *sizes[box]) for box in level.contents]
    ports = [Place(port, _PORT, 0.0, pin=pin) for port, pin in level.ports.items()]
    pairs = dict.fromkeys((link.source, link.target) for link in level.links)
    level.placed = layout([*boxes, *ports], list(pairs))
    inside = level.box != ROOT
    level.width = level.placed.width + 2 * _PADDING * inside
    # Below the last row there is a gap already where lines leave.
    below = 0.0 if "bottom" in level.ports.values() else _PADDING
    level.height = level.placed.height + (HEADER + below) * inside


def _absolute(levels: dict[str, Level], told: dict[str, Caption], sizes: dict[str, Point]) -> Scene:
    """Return the scene with every level where its box is."""
    corners: dict[str, Point] = {ROOT: (0.0, 0.0)}
    depths = {ROOT: -1}
    boxes: list[Box] = []
    for level in levels.values():
        left, top = _origin(level, corners)
        for box in level.contents:
            x, y = level.placed.nodes[box]
            width, height = sizes[box]
            corners[box] = (left + x - width / 2, top + y - height / 2)
            depths[box] = depths[level.box] + 1
            boxes.append(Box(box, told[box], *corners[box], width, height, depths[box], box in levels))
    lines = [line for level in levels.values() for line in _lines(level, levels, corners)]
    return Scene(levels[ROOT].width, levels[ROOT].height, tuple(boxes), tuple(lines))


def _origin(level: Level, corners: dict[str, Point]) -> Point:
    """Return where the contents of an open box begin."""
    x, y = corners[level.box]
    # A box that is as wide as its name has its contents in the middle.
    return x + (level.width - level.placed.width) / 2, y + (HEADER if level.box != ROOT else 0.0)


def _lines(level: Level, levels: dict[str, Level], corners: dict[str, Point]) -> Iterator[Line]:
    left, top = _origin(level, corners)
    routes = {(route.source, route.target): route for route in level.placed.routes}

    def port_of(box: str, port: str) -> float:
        inner = levels[box]
        return _origin(inner, corners)[0] + inner.placed.nodes[port][0] - left

    for joins, values in level.links.items():
        route = routes[joins.source, joins.target]
        points = list(route.points)
        if joins.into:
            upper = level.placed.rows[joins.target][0]
            points = _moved(points, port_of(joins.target, joins.into), upper, upper - _GAP)
        if joins.out:
            lower = level.placed.rows[joins.source][1]
            points = _moved(points[::-1], port_of(joins.source, joins.out), lower, lower + _GAP)[::-1]
        # A port's own line begins or ends at the border.
        if joins.source in level.ports:
            points[0] = (points[0][0], 0.0)
        if joins.target in level.ports:
            points[-1] = (points[-1][0], level.height - HEADER)
        placed = tuple((left + x, top + y) for x, y in points)
        ends = not joins.into and joins.target not in level.ports
        mark = max(level.marks[joins]) if len(level.marks[joins]) == 1 else 0
        yield Line(joins.source, joins.target, tuple(values), placed, route.long, ends, mark)


def _moved(points: list[Point], x: float, near: float, far: float) -> list[Point]:
    """Return `points` with the last stretch at `x`; between `near` and `far` the line may bend."""
    old = points[-1][0]
    run = len(points)
    while run and points[run - 1][0] == old:
        run -= 1
    head, stretch = points[:run], points[run:]
    if run and min(near, far) <= stretch[0][1] <= max(near, far):
        return [*head, *((x, y) for _, y in stretch)]
    bent = [*head, stretch[0], (old, far), (x, near), (x, points[-1][1])]
    return list(dict.fromkeys(bent))
