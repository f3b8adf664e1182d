"""The still picture: what is on it, that it is well-formed, and that a hostile model cannot get out of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import onnx
import onnx.helper as oh
import onnx.parser
import pytest

from onnxmagic.errors import UsageMistake
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import read
from onnxmagic.view.graph.captions import SMALL
from onnxmagic.view.graph.folding import MOST
from onnxmagic.view.graph.letters import fitted, text_width

NS = "{http://www.w3.org/2000/svg}"
FLOW = """
<ir_version: 10, opset_import: ["" : 20, "local" : 1]>
flow (float[n,4] x, int64 trips, bool c) => (float[n,4] y)
{
   e = Exp (x)
   g = local.gelu (e)
   z = If (c) <
      then_branch = yes () => (float[n,4] a) { a = Neg (g) },
      else_branch = no () => (float[n,4] b) { b = Abs (x) }
   >
   y = Loop (trips, c, z) <
      body = step (int64 i, bool going, float[n,4] state) => (bool going2, float[n,4] state2) {
         going2 = Identity (going)
         f = Cast <to = 1> (i)
         state2 = Add (state, f)
      }
   >
}
<opset_import: ["" : 20], domain: "local">
gelu (v) => (w) { h = Sigmoid (v) w = Mul (v, h) }
"""


def network(layers: int = 3, *, around: str = "net") -> Graph:
    """A graph of modules as the older exporter names them: ``/net/layer.0/fc/Gemm``, and a side way around each."""
    nodes, weights, x = [], [], "x"
    for i in range(layers):
        path = f"/{around}/{around}.{i}"
        weights.append(oh.make_tensor(f"{around}.{i}.fc.weight", 1, [4, 4], [0.0] * 16))
        nodes += [
            oh.make_node("MatMul", [x, weights[-1].name], [f"h{i}"], f"{path}/fc/MatMul"),
            oh.make_node("Relu", [f"h{i}"], [f"r{i}"], f"{path}/act/Relu"),
            oh.make_node("Add", [x, f"r{i}"], [f"x{i}"], f"{path}/Add"),
        ]
        x = f"x{i}"
    value = oh.make_tensor_value_info
    known = [value(name, 1, ["batch", 4]) for node in nodes for name in node.output]
    graph = oh.make_graph(nodes, "net", [value("x", 1, ["batch", 4])], [known[-1]], weights, value_info=known[:-1])
    return read(oh.make_model(graph).SerializeToString())


def flat(count: int, name: str = "n") -> Graph:
    nodes = [oh.make_node(["Relu", "Neg", "Abs"][i % 3], [f"v{i}"], [f"v{i + 1}"], f"{name}{i}") for i in range(count)]
    ends = [oh.make_tensor_value_info(each, 1, ["batch", 4]) for each in ("v0", f"v{count}")]
    return read(oh.make_model(oh.make_graph(nodes, "flat", ends[:1], ends[1:])).SerializeToString())


def flow() -> Graph:
    return read(onnx.parser.parse_model(FLOW).SerializeToString())


def drawn(graph: Graph, **how) -> ET.Element:
    return ET.fromstring(graph.to_svg(**how))


def texts(root: ET.Element) -> list[str]:
    return ["".join(each.itertext()) for each in root.iter(f"{NS}text")]


def titles(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{NS}title")]


def rectangles(root: ET.Element, look: str) -> list[tuple[float, float, float, float]]:
    return [
        (float(r.get("x", 0)), float(r.get("y", 0)), float(r.get("width", 0)), float(r.get("height", 0)))
        for r in root.iter(f"{NS}rect")
        if r.get("class") == look and r.get("x")
    ]


def test_a_box_says_its_name_and_what_it_gives():
    root = drawn(network(3))
    said = texts(root)
    assert {"0", "1", "2"} <= set(said)
    assert "float32 [batch, 4]" in said  # the input's
    assert "16 · [batch, 4]" in said
    assert any("net.1" in title and "16 parameters" in title for title in titles(root))


def test_the_first_level_with_several_boxes_is_seen():
    said = texts(drawn(network(5)))
    assert "MatMul" not in said
    assert [each for each in said if each in "01234"] == list("01234")


def test_an_open_module_shows_what_is_in_it():
    said = texts(drawn(network(3), open=["net.1"]))
    assert said.count("Add") == 1
    assert any(each.startswith("1") and "[batch, 4]" in each for each in said)
    assert {"0", "2", "fc", "act"} <= set(said)


def test_what_is_around_an_open_module_is_open_too():
    assert "MatMul" in texts(drawn(network(3), open="net.1.fc"))


def test_a_module_that_is_not_there_is_named_with_what_is_near():
    with pytest.raises(UsageMistake, match=r"no `net\.7`.* Did you mean `net\.\d`"):
        network(3).to_svg(open=["net.7"])
    with pytest.raises(UsageMistake, match="It has, for example, `"):
        network(3).to_svg(open=["zzzzzz"])
    with pytest.raises(UsageMistake, match="has no modules, and no repeated blocks"):
        flat(3).to_svg(open=["layer"])


def test_bodies_of_control_flow_are_shown():
    said = texts(drawn(flow()))
    assert {"If", "Neg", "Abs", "Identity", "Sigmoid"} <= set(said)
    assert any(each.startswith("Loop") for each in said)
    assert any(each.startswith("then_branch") for each in said)


def test_inputs_and_outputs_are_shown():
    assert {"x", "trips", "c", "y", "bool []", "int64 []"} <= set(texts(drawn(flow())))


@pytest.mark.parametrize("graph", [network(4), flow(), flat(40)], ids=["network", "flow", "flat"])
def test_no_box_is_over_a_box(graph):
    root = drawn(graph)
    boxes = rectangles(root, "ends") + [
        box
        for group in root.iter(f"{NS}g")
        for box in rectangles(group, "box")[-1:]
        if group.find(f"{NS}title") is not None
    ]
    assert len(boxes) > 4
    for (x, y, w, h), (u, v, p, q) in combinations(boxes, 2):
        assert x + w <= u or u + p <= x or y + h <= v or v + q <= y


def test_everything_is_inside_the_picture():
    root = drawn(network(3), open=["net.0", "net.2"])
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for look in ("box", "ends", "frame", "band"):
        for x, y, w, h in rectangles(root, look):
            assert x >= 0
            assert y >= 0
            assert x + w <= width
            assert y + h <= height


def test_the_source_of_the_boxes_is_said():
    assert "The file names no modules." in texts(drawn(flat(5)))
    assert "The boxes are the paths in the nodes' names." in texts(drawn(network(3)))


def test_a_graph_of_nothing_is_a_picture():
    graph = read(oh.make_model(oh.make_graph([], "empty", [], [])).SerializeToString())
    assert "empty: 0 nodes" in titles(drawn(graph))


def test_too_many_boxes_are_counted_in_the_picture():
    graph = flat(MOST + 500)
    root = drawn(graph, open=[scope.path for scope in graph.outline().scopes if scope.path])
    boxes = [box for look in ("box", "ends") for box in rectangles(root, look)]
    assert MOST * 0.8 < len(boxes) <= MOST * 1.1  # a closed box is drawn as two sheets
    (note,) = [each for each in texts(root) if "kept closed" in each]
    assert re.fullmatch(r"\d+ boxes kept closed: a picture holds 2,000 boxes\.", note)


def test_too_many_inputs_are_counted_in_the_picture():
    ends = [oh.make_tensor_value_info(f"x{i}", 1, [4]) for i in range(2 * MOST)]
    node = oh.make_node("Sum", [end.name for end in ends], ["y"])
    graph = oh.make_graph([node], "wide", ends, [oh.make_tensor_value_info("y", 1, [4])])
    said = texts(drawn(read(oh.make_model(graph).SerializeToString())))
    assert "3,001 more boxes not drawn: a picture holds 2,000 boxes." in said


def test_light_and_dark():
    text = network(2).to_svg()
    assert "@media(prefers-color-scheme:dark)" in text
    assert 'class="page"' in text


HOSTILE = [
    "</style></title></text></svg><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&amp;&lt;&#0;]]>",
    "\u202egnp.exe\x1b[2J\x00\ufffe\uffff",
    "a" * 100_000,
    "\U0001f600\u0301" * 50,
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_stays_a_text(name):
    nodes = [
        oh.make_node(name, ["x"], [name], f"/{name}/{name}", domain=name),
        oh.make_node("Relu", [name], ["y"], f"/other/{name}"),
    ]
    ends = [oh.make_tensor_value_info(each, 1, [name, 4]) for each in ("x", "y")]
    graph = read(oh.make_model(oh.make_graph(nodes, name, ends[:1], ends[1:])).SerializeToString())
    text = graph.to_svg()
    root = ET.fromstring(text)
    assert {each.tag.removeprefix(NS) for each in root.iter()} <= {
        "svg",
        "title",
        "style",
        "rect",
        "g",
        "path",
        "text",
        "tspan",
    }
    assert len(text) < 20_000
    assert not [char for char in text if ord(char) < 32 and char != "\n"]
    assert "\u202e" not in text


def test_a_cycle_is_drawn():
    nodes = [
        oh.make_node("Add", ["x", "c"], ["a"]),
        oh.make_node("Relu", ["a"], ["b"]),
        oh.make_node("Neg", ["b"], ["c"]),
    ]
    ends = [oh.make_tensor_value_info(each, 1, [4]) for each in ("x", "c")]
    graph = read(oh.make_model(oh.make_graph(nodes, "round", ends[:1], ends[1:])).SerializeToString())
    assert {"Add", "Relu", "Neg"} <= set(texts(drawn(graph)))


def test_the_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "net.svg"
    path.write_text("before")
    graph = network(2)
    with pytest.raises(UsageMistake):
        graph.to_svg(path, open=["nowhere"])
    assert path.read_text() == "before"
    text = graph.to_svg(path)
    assert path.read_text(encoding="utf-8") == text
    assert [each.name for each in tmp_path.iterdir()] == ["net.svg"]


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(UsageMistake, match="There is no folder"):
        network(2).to_svg(tmp_path / "gone" / "net.svg")


def test_the_same_graph_gives_the_same_picture():
    assert network(4).to_svg() == network(4).to_svg()


def test_text_is_cut_to_its_room_with_an_ellipsis():
    assert fitted("batch", 100, SMALL) == "batch"
    cut = fitted("a very long name of a module" * 9, 100, SMALL)
    assert cut.endswith("…")
    assert 60 < text_width(cut, SMALL) <= 100
    assert text_width("编码", 10) > 2 * text_width("a", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)
