"""A layered layout: boxes in rows, what flows goes down, lines keep out of the boxes.

For pictures that are made without a browser. It is the algorithm of ``view/static/layout.js``, step by step, and a test
holds both to the same places; the steps are in ``graph.layered``. The reasons are told there and not twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from onnxmagic.graph.layered.order import order_rows
from onnxmagic.graph.layered.position import positions
from onnxmagic.graph.layered.rows import Edges, Net, Place, Spacing, joined, rows_of, spliced

__all__ = ["Layout", "Place", "Point", "Route", "Spacing", "layout"]

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Route:
    """An edge with its line, from the lower side of its source to the upper side of its target.

    A ``long`` one runs in a lane beside the rows, as does one that closes a cycle.
    """

    source: str
    target: str
    points: tuple[Point, ...]
    long: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is: the middles of the boxes by name, the lines; the left and upper end is at 0.

    ``rows`` are the upper and the lower end of each box's row; between rows there is nothing but lines.
    """

    width: float
    height: float
    nodes: dict[str, Point]
    routes: tuple[Route, ...]
    rows: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])


@dataclass(slots=True)
class _Lane:
    """Where the long edges of one source run: ``first`` to ``last`` are the rows, ``part`` where in a gap it turns."""

    first: int
    last: int
    edges: list[int] = field(default_factory=list[int])
    ends: float = 0.0
    x: float = 0.0
    part: float = 0.0


def layout(boxes: Sequence[Place], edges: Sequence[tuple[str, str]], spacing: Spacing | None = None) -> Layout:
    """Return a place for each of `boxes`, and a line for each of `edges`, repeats left out.

    Parameters
    ----------
    boxes : sequence of Place
        With names that differ.
    edges : sequence of (source, target)
        Names; cycles are allowed. An edge of a box to itself, or of one that is not there, is left out.
    spacing : Spacing, optional
    """
    if not boxes:
        return Layout(0.0, 0.0, {}, ())
    spacing = spacing or Spacing()
    ends = joined(boxes, edges)
    net = spliced(boxes, ends, rows_of(boxes, ends), spacing)
    order_rows(net)
    return _Drawn(boxes, ends, net, positions(net), spacing).layout()


class _Drawn:
    """Rows and lines, once every place has its x."""

    def __init__(self, boxes: Sequence[Place], edges: Edges, net: Net, x: list[float], spacing: Spacing) -> None:
        self.boxes, self.edges, self.net, self.x, self.spacing = boxes, edges, net, x, spacing
        self.top: list[float] = []
        self.bottom: list[float] = []
        y = 0.0
        for row in net.rows:
            self.top.append(y)
            self.bottom.append(y + max((boxes[v].height for v in row if v < len(boxes)), default=0.0))
            y = self.bottom[-1] + spacing.rank_gap
        self.left = [self._side(row[0], -1) for row in net.rows]
        self.right = [self._side(row[-1], 1) for row in net.rows]

    def _side(self, v: int, side: int) -> float:
        gap = self.spacing.node_gap / 2 if v < len(self.boxes) else 0.0
        return self.x[v] + side * (self.net.half[v] - gap)

    def _middle(self, v: int) -> float:
        row = self.net.row_of[v]
        return (self.top[row] + self.bottom[row]) / 2

    def layout(self) -> Layout:
        """Return everything in its place."""
        lanes = self._lanes()
        start = min(self.left)
        routes = tuple(self._route(edge, lanes.get(edge), start) for edge in range(len(self.edges.source)))
        nodes = {box.id: (self.x[v] - start, self._middle(v)) for v, box in enumerate(self.boxes)}
        of_box = ((box.id, self.net.row_of[v]) for v, box in enumerate(self.boxes))
        rows = {name: (self.top[row], self.bottom[row]) for name, row in of_box}
        return Layout(max(self.right) - start, self.bottom[-1], nodes, routes, rows)

    def _route(self, edge: int, lane: _Lane | None, start: float) -> Route:
        u, v = self.edges.source[edge], self.edges.target[edge]
        row_of, x, top, bottom = self.net.row_of, self.x, self.top, self.bottom
        points = [(x[u], self._middle(u) + self.boxes[u].height / 2), (x[u], bottom[row_of[u]])]
        if lane:
            turn = self.spacing.rank_gap * lane.part
            out, into = bottom[row_of[u]] + turn, top[row_of[v]] - turn
            points += [(x[u], out), (lane.x, out), (lane.x, into), (x[v], into)]
        for d in self.net.chains[edge] or ():
            points += [(x[d], top[row_of[d]]), (x[d], bottom[row_of[d]])]
        points += [(x[v], top[row_of[v]]), (x[v], self._middle(v) - self.boxes[v].height / 2)]
        placed = _straightened([(across - start, down) for across, down in points])
        return Route(self.boxes[u].id, self.boxes[v].id, tuple(placed), lane is not None)

    def _lanes(self) -> dict[int, _Lane]:
        """Return a lane for the long edges of each source, the shortest innermost; rows grow by their lanes."""
        lanes: dict[int, _Lane] = {}
        for edge, chain in enumerate(self.net.chains):
            if chain is None:
                self._join(lanes, edge)
        of_edge: dict[int, _Lane] = {}
        for k, lane in enumerate(sorted(lanes.values(), key=lambda lane: lane.last - lane.first)):
            rows = range(lane.first, lane.last + 1)
            least, most = min(self.left[r] for r in rows), max(self.right[r] for r in rows)
            to_left = 2 * lane.ends / len(lane.edges) < least + most
            lane.x = least - self.spacing.lane_gap if to_left else most + self.spacing.lane_gap
            for r in rows:
                (self.left if to_left else self.right)[r] = lane.x
            lane.part = 0.2 + 0.15 * (k % 5)
            of_edge.update(dict.fromkeys(lane.edges, lane))
        return of_edge

    def _join(self, lanes: dict[int, _Lane], edge: int) -> None:
        u, v = self.edges.source[edge], self.edges.target[edge]
        above, below = self.net.row_of[u], self.net.row_of[v]
        back = above >= below
        # What closes a cycle may still go down one row: then there is no row between.
        first, last = (below, above) if back else (above + 1, max(below - 1, above + 1))
        lane = lanes.setdefault(-1 - u if back else u, _Lane(first, last))
        lane.edges.append(edge)
        lane.first, lane.last = min(lane.first, first), max(lane.last, last)
        lane.ends += (self.x[u] + self.x[v]) / 2


def _straightened(points: Sequence[Point]) -> list[Point]:
    """Return `points` without repeats and without those in the middle of a straight part."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        # Points of one straight part have the very same x or y: it was not computed twice.
        if len(kept) > 1 and any(kept[-2][k] == kept[-1][k] == point[k] for k in (0, 1)):
            kept.pop()
        kept.append(point)
    return kept
