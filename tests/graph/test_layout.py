"""The layout: no box over a box, lines out of the way, whatever the graph."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from onnxmagic.graph.layout import Layout, Place, Spacing, layout

SIZES = st.tuples(st.sampled_from([40.0, 76.5, 120.0, 260.0]), st.sampled_from([26.0, 42.0, 58.0]))


def box(name: str, width: float = 80.0, height: float = 40.0, **more: object) -> Place:
    return Place(name, width, height, **more)


@st.composite
def graphs(draw, cycles: bool = False):
    sizes = draw(st.lists(SIZES, min_size=1, max_size=30))
    boxes = [box(f"n{i}", *size) for i, size in enumerate(sizes)]
    ends = st.integers(0, len(boxes) - 1)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=60))
    return boxes, [(f"n{a}", f"n{b}") for a, b in pairs if cycles or a < b]


def rectangle(placed: Layout, each: Place) -> tuple[float, float, float, float]:
    x, y = placed.nodes[each.id]
    return x - each.width / 2, y - each.height / 2, x + each.width / 2, y + each.height / 2


def overlap(a, b) -> bool:
    return a[0] < b[2] - 0.01 and b[0] < a[2] - 0.01 and a[1] < b[3] - 0.01 and b[1] < a[3] - 0.01


def crossing_pairs(placed: Layout) -> int:
    """How many pairs of straight lines between boxes cross."""
    lines = [(placed.nodes[r.source], placed.nodes[r.target], {r.source, r.target}) for r in placed.routes]

    def side(p, q, r):
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    def cross(a, b, c, d):
        return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0

    return sum(cross(a, b, c, d) for (a, b, e), (c, d, f) in combinations(lines, 2) if not e & f)


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_no_box_is_over_a_box_and_all_are_inside(graph):
    boxes, edges = graph
    placed = layout(boxes, edges)
    places = [rectangle(placed, each) for each in boxes]
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]
    assert min(place[0] for place in places) > -0.01
    assert max(place[2] for place in places) < placed.width + 0.01
    assert max(place[3] for place in places) < placed.height + 0.01


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_what_flows_goes_down(graph):
    boxes, edges = graph
    placed = layout(boxes, edges)
    heights = {each.id: each.height for each in boxes}
    assert {(route.source, route.target) for route in placed.routes} == set(edges)
    for route in placed.routes:
        (_, above), (_, below) = placed.nodes[route.source], placed.nodes[route.target]
        assert above + heights[route.source] / 2 < below - heights[route.target] / 2
        assert route.points[0][1] == above + heights[route.source] / 2
        assert route.points[-1][1] == below - heights[route.target] / 2


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_no_line_goes_through_a_row_but_upright(graph):
    # Lines bend between the rows, where no box is; through a row they go in a place of their own.
    boxes, edges = graph
    placed = layout(boxes, edges)
    for route in placed.routes:
        others = [rectangle(placed, each) for each in boxes if each.id not in {route.source, route.target}]
        for (x0, y0), (x1, y1) in pairwise(route.points):
            bent = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
            assert not [place for place in others if overlap(place, bent)]


@settings(max_examples=80, deadline=None)
@given(graphs(cycles=True))
def test_cycles_are_accepted(graph):
    boxes, edges = graph
    placed = layout(boxes, edges)
    places = [rectangle(placed, each) for each in boxes]
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]
    assert {(r.source, r.target) for r in placed.routes} == {(a, b) for a, b in edges if a != b}
    assert all(abs(number) < 1e6 for route in placed.routes for point in route.points for number in point)


def test_the_same_graph_has_the_same_places():
    boxes = [box(f"n{i}") for i in range(40)]
    edges = [(f"n{i // 3}", f"n{i}") for i in range(1, 40)]
    assert layout(boxes, edges) == layout(boxes, edges)


def test_a_long_chain_is_straight():
    boxes = [box(f"n{i}", width=60 + 10 * (i % 7)) for i in range(3000)]
    edges = [(f"n{i}", f"n{i + 1}") for i in range(2999)]
    # Each fourth box has a side way, as a residual block has.
    edges += [(f"n{i}", f"n{i + 3}") for i in range(0, 2990, 4)]
    placed = layout(boxes, edges)
    assert placed.width < 400


def test_a_tree_has_no_crossings():
    boxes = [box(f"n{i}") for i in range(63)]
    placed = layout(boxes, [(f"n{(i - 1) // 2}", f"n{i}") for i in range(1, 63)])
    assert crossing_pairs(placed) == 0


def test_parallel_branches_do_not_cross():
    branches = 6
    boxes = [box("from"), box("to"), *(box(f"b{i}.{k}") for i in range(branches) for k in range(4))]
    # Written so that the order of the file is of no help.
    chains = [[f"b{i}.{(k * 3) % 4}" for k in range(4)] for i in reversed(range(branches))]
    edges = [pair for chain in chains for pair in pairwise(["from", *chain, "to"])]
    assert crossing_pairs(layout(boxes, edges)) == 0


def test_pinned_boxes_have_the_first_and_the_last_row_for_themselves():
    boxes = [box("in", pin="top"), box("a"), box("b"), box("c"), box("out", pin="bottom")]
    placed = layout(boxes, [("a", "b"), ("b", "c"), ("in", "c"), ("a", "out")])
    levels = {name: y for name, (_, y) in placed.nodes.items()}
    assert levels["in"] < min(levels[name] for name in "abc")
    assert levels["out"] > max(levels[name] for name in "abc")


def test_a_source_stands_near_its_consumer():
    boxes = [box(name) for name in ("a", "b", "c", "constant")]
    placed = layout(boxes, [("a", "b"), ("b", "c"), ("constant", "c")])
    assert placed.nodes["constant"][1] == placed.nodes["b"][1]


def test_a_very_long_edge_runs_beside_the_rows():
    count = Spacing().max_span + 6
    boxes = [box(f"n{i}") for i in range(count)]
    edges = [(f"n{i}", f"n{i + 1}") for i in range(count - 1)]
    placed = layout(boxes, [*edges, ("n0", f"n{count - 1}")])
    (long,) = [route for route in placed.routes if route.long]
    assert (long.source, long.target) == ("n0", f"n{count - 1}")
    left = min(x for x, _ in placed.nodes.values()) - 40
    right = max(x for x, _ in placed.nodes.values()) + 40
    assert any(not left < x < right for x, _ in long.points)


def test_edges_of_a_box_to_itself_and_to_nowhere_are_left_out():
    assert layout([box("a")], [("a", "a"), ("a", "b"), ("b", "a")]).routes == ()


def test_nothing_has_a_layout_too():
    assert layout([], []) == Layout(0.0, 0.0, {}, ())
