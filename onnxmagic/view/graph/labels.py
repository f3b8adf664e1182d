"""The shapes along the lines of a picture, where there is room for them.

A box already says what comes out of it. So a line says it where that is far away or not said: at the end of a long
line, behind a border, and where a box gives several values. A label never stands on a box, a line or another label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from onnxmagic.graph.facts import Value
from onnxmagic.view.graph.figures import type_text
from onnxmagic.view.graph.letters import fitted, text_width
from onnxmagic.view.graph.scene import HEADER, Line, Point, Scene

__all__ = ["FINE", "Label", "labels"]

FINE: Final = 10.5
"""Size of the letters on lines."""

_FAR: Final = 90.0
"""A line of that many pixels is long: its beginning may be out of sight."""

_WIDEST: Final = 170.0
_LONGEST: Final = 1_000_000.0
"""Pixels of all lines together, beyond which there is no room to be found in a time that one would wait."""

_CELL: Final = 64.0
_STEP: Final = 6.0


@dataclass(frozen=True, slots=True)
class Label:
    """A text that begins at ``x`` and stands on ``y``."""

    text: str
    x: float
    y: float


class _Room:
    """What is taken, as rectangles sorted into cells."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[int, int], list[tuple[float, float, float, float]]] = defaultdict(list)

    def take(self, left: float, top: float, right: float, bottom: float) -> None:
        for cell in _cells(left, top, right, bottom):
            self._cells[cell].append((left, top, right, bottom))

    def free(self, left: float, top: float, right: float, bottom: float) -> bool:
        return not any(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
            for cell in _cells(left, top, right, bottom)
            for other in self._cells.get(cell, ())
        )


def _cells(left: float, top: float, right: float, bottom: float) -> Iterator[tuple[int, int]]:
    for column in range(int(left // _CELL), int(right // _CELL) + 1):
        for row in range(int(top // _CELL), int(bottom // _CELL) + 1):
            yield column, row


def labels(scene: Scene, values: tuple[Value, ...]) -> Iterator[Label]:
    """Yield the labels of a picture; `values` are the outline's."""
    if sum(_length(line) for line in scene.lines) > _LONGEST:
        return
    room = _Room()
    said: dict[str, list[str]] = {}
    for box in scene.boxes:
        said[box.id] = [] if box.open else box.caption.title.split("\n")
        right, low = box.x + box.width, box.y + box.height
        if box.open:
            for border in ((box.x, box.y, box.x, low), (right, box.y, right, low), (box.x, low, right, low)):
                room.take(*border)
        room.take(box.x, box.y, right, box.y + HEADER if box.open else low)
    for line in scene.lines:
        for x, y in _along(line.points):
            room.take(x - 1, y - 1, x + 1, y + 1)
    done: set[tuple[str, str]] = set()
    for line in scene.lines:
        text = _text(line, values)
        (_, top), (_, bottom) = line.points[0], line.points[-1]
        # Said once where many lines of one value start.
        known = text in said.get(line.source, ()) or (line.source, text) in done
        if text and (not known or abs(bottom - top) > _FAR) and (label := _placed(text, line, room)):
            done.add((line.source, text))
            yield label


def _length(line: Line) -> float:
    return sum(max(abs(x1 - x0), abs(y1 - y0)) for (x0, y0), (x1, y1) in pairwise(line.points))


def _text(line: Line, values: tuple[Value, ...]) -> str:
    several = len(line.values)
    return f"{several} values" if several > 1 else type_text(values[line.values[0]])


def _placed(text: str, line: Line, room: _Room) -> Label | None:
    """Return `text` where there is room for it beside the line; None where there is none."""
    text = fitted(text, _WIDEST, FINE)
    width = text_width(text, FINE)
    for left, y in _beside(line, width):
        place = (left, y - FINE + 1, left + width, y + 2)
        if left >= 0 and room.free(*place):
            room.take(*place)
            return Label(text, left, y)
    return None


def _beside(line: Line, width: float) -> Iterator[Point]:
    """Yield places for a text of `width`: where the line stands by itself before where it meets others."""
    points = line.points
    if line.long and len(points) > 3:
        (lane, y), (end, _) = points[-3:-1]
        yield (end + 8 if lane > end else end - 8 - width), y - 4
    upright = [(low - top, x, top, low) for (x, top), (other, low) in pairwise(points) if x == other]
    if upright and max(upright)[0] >= FINE + 8:
        _, x, top, low = max(upright)
        ends = [low - 8, (top + low) / 2, top + FINE + 3]
    else:
        (x, low) = points[len(points) - 1]
        ends = [low - 8]
    for y in ends:
        yield x + 5, y
        yield x - 5 - width, y


def _along(points: tuple[Point, ...]) -> Iterator[Point]:
    """Yield points of the line, close enough that no label fits between two."""
    for (x0, y0), (x1, y1) in pairwise(points):
        count = int(max(abs(x1 - x0), abs(y1 - y0)) / _STEP) + 1
        for step in range(count + 1):
            at = step / count
            # The curve that is drawn: upright at both ends.
            bend = at * at * (3 - 2 * at)
            yield x0 + (x1 - x0) * bend, y0 + (y1 - y0) * (1.5 * at * (1 - at) + at**3)
