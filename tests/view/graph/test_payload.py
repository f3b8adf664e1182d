"""A graph as the data that a page draws."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import onnx
import onnx.helper
import pytest
from unpacked import unpacked

from onnxmagic.check.finding import Finding, Where
from onnxmagic.graph import drawn as drawn_module
from onnxmagic.graph.drawn import drawn
from onnxmagic.graph.facts import Graph, Module, Node
from onnxmagic.graph.read import read
from onnxmagic.view.graph.payload import attributes_text, payload
from onnxmagic.view.graph.section import graph_section, line_of, node_keys
from onnxmagic.view.parts import Drawing

sys.path.insert(0, str(Path(__file__).parents[2] / "graph"))

import small_graphs  # pyright: ignore[reportMissingImports]  # of tests/graph; put on the path above

HOSTILE = '</script><img src=x onerror="window.hacked=1">\u202egnp.exe\x1b[2J'
CONV = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch,3,8,8] image) => (float[batch,4,6,6] y)
<float[4] bias = {0, 1, 2, 3}>
{
   [conv] h = Conv <pads = [0, 0, 0, 0], group = 1> (image, weight, bias)
   [act] y = LeakyRelu <alpha = 0.25> (h)
}
"""
FINDING = Finding("OM304", "cast-chain", "warning", "`act` is a `LeakyRelu`.", Where(node="act"))


def proto_of(text: str) -> onnx.ModelProto:
    proto = small_graphs.model(text)
    return small_graphs.with_weight(proto, "weight", [4, 3, 3, 3]) if text is CONV else proto


def graph_of(text: str) -> Graph:
    return read(proto_of(text).SerializeToString())


def data_of(graph: Graph, *args, **kwargs):
    found = drawn(graph)
    assert not isinstance(found, int)
    return unpacked(payload(found, "net.onnx", *args, **kwargs))


def test_a_graph_is_told_column_by_column():
    data = data_of(graph_of(CONV), [FINDING], lambda node: f"cell 4, line 2 · {node.name}")
    assert (data["v"], data["name"]) == (1, "net.onnx")
    assert data["scopes"]["parent"][0] == -1
    nodes = data["nodes"]
    assert (nodes["op"], nodes["name"], nodes["domain"]) == (["Conv", "LeakyRelu"], ["conv", "act"], ["", ""])
    assert nodes["attrs"] == ["pads=[0, 0, 0, 0], group=1", "alpha=0.25"]
    assert nodes["line"] == ["cell 4, line 2 · conv", "cell 4, line 2 · act"]
    values = dict(enumerate(zip(data["values"]["name"], data["values"]["type"], strict=True)))
    assert [values[i] for i in data["inputs"]] == [("image", "float32 [batch, 3, 8, 8]")]
    assert [values[i] for i in data["outputs"]] == [("y", "float32 [batch, 4, 6, 6]")]
    ends = zip(*(data["edges"][key] for key in ("from", "to", "value")), strict=True)
    assert {(a, b, values[v][0]) for a, b, v in ends} == {(-1, 0, "image"), (0, 1, "h"), (1, -1, "y")}
    assert data["weights"] == {
        "of": [0, 0],
        "name": ["weight", "bias"],
        "type": ["float32 [4, 3, 3, 3]", "float32 [4]"],
        "bytes": [432, 16],
    }
    assert data["cost"]["params"] == [112, 0]
    assert data["cost"]["bytes"] == [448, 0]
    assert data["findings"] == [
        {"key": "f0", "node": 1, "sign": "warn", "code": "OM304", "text": "act is a LeakyRelu."}
    ]


def test_findings_without_a_node_of_this_graph_are_left_out():
    gone = replace(FINDING, where=Where(node="gone"))
    nowhere = replace(FINDING, where=Where(module="fc"))
    graph = graph_of(CONV)
    assert [finding["key"] for finding in data_of(graph, [gone, FINDING, nowhere])["findings"]] == ["f1"]
    assert node_keys(graph, [gone, FINDING, nowhere]) == ["", "n1", ""]


def test_the_bodies_of_control_flow_are_boxes_of_their_node():
    data = data_of(graph_of(small_graphs.BRANCH))
    scopes = data["scopes"]
    bodies = [i for i, kind in enumerate(scopes["kind"]) if kind == "body"]
    assert sorted(scopes["name"][i] for i in bodies) == ["else_branch", "then_branch"]
    assert {data["nodes"]["op"][scopes["owner"][i]] for i in bodies} == {"If"}
    inside = {data["nodes"]["op"][n]: scopes["name"][s] for n, s in enumerate(data["nodes"]["scope"]) if s in bodies}
    assert inside == {"Neg": "then_branch", "Abs": "else_branch"}


def test_every_text_of_a_hostile_file_is_text_that_steers_nothing():
    proto = proto_of(CONV)
    node = proto.graph.node[0]
    node.name = node.domain = HOSTILE
    node.op_type = HOSTILE
    node.attribute.append(onnx.helper.make_attribute(HOSTILE, HOSTILE))
    proto.graph.node[1].name = "a" * 10_000_000
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = HOSTILE + value.name
    graph = read(proto.SerializeToString())
    found = drawn(graph)
    assert not isinstance(found, int)
    written = payload(found, HOSTILE, [replace(FINDING, message=HOSTILE, where=Where(node=HOSTILE))])
    assert len(written) < 4_000
    data = unpacked(written)
    texts = [data["name"], *data["nodes"]["name"], *data["nodes"]["attrs"], *data["values"]["name"]]
    texts += [finding["text"] for finding in data["findings"]]
    assert all(text.isprintable() and len(text) <= 200 for text in texts)
    assert len(data["findings"]) == 1


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({}, ""),
        ({"axis": 1, "mode": "linear"}, "axis=1, mode=linear"),
        ({"alpha": 0.1, "scales": (1.0, 0.5)}, "alpha=0.1, scales=[1, 0.5]"),
        ({"nested": [[1], [2]]}, "nested=[[1], [2]]"),
    ],
)
def test_attributes_are_one_line(attributes, text):
    assert attributes_text(attributes) == text


def test_a_million_numbers_in_an_attribute_are_not_written_to_be_cut():
    assert len(attributes_text({"values": list(range(1_000_000))})) < 1_000


def test_a_line_comes_from_the_export_or_from_a_stack_in_the_file():
    trace = 'File "/home/me/net.py", line 12, in forward\n    y = self.fc(x)\n'
    told = line_of({"fc": Where(cell=4, line=7, source="y = net(x)"), "bare": Where()})
    assert told(Node("fc", "Gemm", "", (), ())) == "cell 4, line 7 · y = net(x)"
    assert told(Node("other", "Gemm", "", (), (), trace=trace)) == "net.py, line 12 · y = self.fc(x)"
    assert told(Node("bare", "Gemm", "", (), ())) == told(Node("none", "Gemm", "", (), ())) == ""


def many(count: int) -> Graph:
    relus = tuple(Node(f"n{i}", "Relu", "", (f"v{i}",), (f"v{i + 1}",)) for i in range(count))
    return replace(graph_of(CONV), nodes=relus, initializers=())


def test_too_many_nodes_are_refused_in_words():
    section = graph_section(many(50_001), "net.onnx")
    assert section.title == ()
    (sentence,) = section.parts
    told = "".join(span.text for span in sentence.line)
    assert told == "50,001 nodes are too many to draw here; .graph.nodes has them."
    named = replace(many(50_001), modules=Module("", "Net", "Net", None, 0, 0, 50_001))
    (sentence,) = graph_section(named, "net.onnx").parts
    assert sentence.line[0].text == "50,001 nodes are too many to draw here; the tree has them."
    assert node_keys(many(50_001), [FINDING]) == [""]


def test_a_section_says_how_many_nodes_and_where_its_boxes_come_from():
    section = graph_section(graph_of(CONV), "net.onnx")
    assert "".join(span.text for span in section.title) == "2 nodes · without modules"
    (drawing,) = section.parts
    assert isinstance(drawing, Drawing)
    assert drawing.alt.text == "The graph of net.onnx: 2 nodes · without modules."
    assert drawing.picture.startswith("<svg")


def test_a_model_without_nodes_or_without_a_graph_has_no_section():
    empty = replace(graph_of(CONV), nodes=())
    for graph in (None, empty):
        section = graph_section(graph, "net")
        assert (section.title, section.parts) == ((), ())


def test_what_is_asked_to_be_open_is_open_with_all_around_it():
    scoped = small_graphs.scoped(small_graphs.model(CONV), conv=("a.b", "Conv2d"), act=("a.c", "LeakyReLU"))
    graph = read(scoped.SerializeToString())
    (drawing,) = graph_section(graph, "net", opened=("a.b",)).parts
    assert isinstance(drawing, Drawing)
    found = drawn(graph)
    assert not isinstance(found, int)
    assert [found.outline.scopes[number].path for number in drawing.opened] == ["a", "a.b"]


def test_an_outline_is_made_once_and_goes_with_its_graph(monkeypatch):
    made = []
    outline = drawn_module.outline
    monkeypatch.setattr(drawn_module, "outline", lambda graph: made.append(1) or outline(graph))
    graph = graph_of(CONV)
    graph_section(graph, "net", [FINDING])
    node_keys(graph, [FINDING])
    assert len(made) == 1
    known = len(drawn_module._known)
    del graph
    assert len(drawn_module._known) == known - 1
