"""The layout in Python and the one in JavaScript are the same: a picture and a page show one graph."""

from __future__ import annotations

import random

import pytest

from onnxmagic.graph.layout import Place, layout
from onnxmagic.view.graph.bundle import joined, modules

ENTRY = 'import { layout } from "./layout.js";\nexport default layout;\n'
CALL = """([nodes, edges]) => {
    const placed = window.layout(nodes, edges);
    return { ...placed, nodes: [...placed.nodes].map(([id, { x, y }]) => [id, x, y]) };
}"""


@pytest.fixture(scope="module")
def in_browser(browser):
    text, default = joined({**modules(), "probe.js": ENTRY}, "probe.js")
    page = browser.new_page()
    page.add_script_tag(content=f"window.layout = (() => {{ {text}\nreturn {default}; }})();")
    yield lambda nodes, edges: page.evaluate(CALL, [nodes, edges])
    page.close()


def graph(seed: int, count: int) -> tuple[list[dict], list[list[str]]]:
    """A graph as networks are: a trunk, side ways of many lengths, a few constants, and here and there a cycle."""
    draw = random.Random(seed)
    nodes = [
        {"id": f"n{i}", "width": draw.choice([60, 100, 37.5, 200]), "height": draw.choice([20, 42, 58])}
        for i in range(count)
    ]
    edges = []
    for i in range(1, count):
        edges += [
            [f"n{max(0, i - draw.choice([1, 1, 1, 2, 3, 15, 40]))}", f"n{i}"] for _ in range(draw.choice([1, 1, 2, 3]))
        ]
    if seed % 3 == 1:
        edges += [[f"n{draw.randrange(count)}", f"n{draw.randrange(count)}"] for _ in range(count // 5)]
    if seed % 3 == 2:
        nodes += [
            {"id": "in", "width": 2, "height": 0, "pin": "top"},
            {"id": "out", "width": 2, "height": 0, "pin": "bottom"},
        ]
        edges += [["in", f"n{draw.randrange(count)}"] for _ in range(3)]
        edges += [[f"n{draw.randrange(count)}", "out"] for _ in range(3)]
    return nodes, edges


@pytest.mark.parametrize("count", [1, 2, 5, 12, 40, 120, 400])
@pytest.mark.parametrize("seed", range(6))
def test_both_place_alike(in_browser, seed, count):
    nodes, edges = graph(seed, count)
    theirs = in_browser(nodes, edges)
    ours = layout([Place(**node) for node in nodes], [(a, b) for a, b in edges])
    assert [ours.width, ours.height] == pytest.approx([theirs["width"], theirs["height"]], abs=1)
    for name, x, y in theirs["nodes"]:
        assert ours.nodes[name] == pytest.approx((x, y), abs=1)
    assert [(r.source, r.target, r.long) for r in ours.routes] == [
        (e["from"], e["to"], e["long"]) for e in theirs["edges"]
    ]
    for route, edge in zip(ours.routes, theirs["edges"], strict=True):
        assert [number for point in route.points for number in point] == pytest.approx(
            [number for point in edge["points"] for number in point], abs=1
        )
