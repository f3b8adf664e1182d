"""A graph as it is drawn: scopes by module and by name, and what flows from which node to which."""

from __future__ import annotations

import pytest
from outlines import arrows, chain, of_nodes, outlined, places, sound
from small_graphs import SMALL, model, scoped

from onnxmagic.graph.facts import Node
from onnxmagic.graph.outline import Edge, outline
from onnxmagic.graph.read import read


def test_a_small_graph_is_flat() -> None:
    found = outlined(SMALL)
    assert found.source == "flat"
    assert [(scope.name, scope.path, scope.parent, scope.kind) for scope in found.scopes] == [
        ("model", "", -1, "module")
    ]
    assert [found.values[index].name for index in (*found.inputs, *found.outputs)] == ["x", "y"]
    assert found.edges == (
        Edge(-1, 0, found.inputs[0]),
        Edge(0, 1, found.makes[0][0]),
        Edge(1, -1, found.outputs[0]),
    )


def test_weights_are_of_the_node_and_make_no_edge() -> None:
    graph = read(model().SerializeToString())
    found = outline(graph)
    assert [graph.initializers[index].name for index in found.weights[0]] == ["fc.weight", "fc.bias"]
    assert found.weights[1] == ()
    assert found.reads[0] == (found.inputs[0], -2, -3)


def test_values_have_their_types() -> None:
    found = outlined(SMALL)
    assert [(value.name, value.dtype, value.shape) for value in found.values] == [
        ("x", "float32", ("batch", 4)),
        ("h", "float32", ("batch", 2)),
        ("y", "float32", ("batch", 2)),
    ]


def test_scopes_by_module() -> None:
    found = outlined(scoped(model(), linear=("encoder.fc", "linear.Linear"), relu=("", "")))
    assert found.source == "modules"
    assert [(s.name, s.path, s.class_name, s.parent, s.kind) for s in found.scopes] == [
        ("Net", "", "Net", -1, "module"),
        ("encoder", "encoder", "", 0, "module"),
        ("fc", "encoder.fc", "Linear", 1, "module"),
    ]
    assert found.of_node == (2, 0)


def test_a_class_that_only_the_session_knows() -> None:
    data = scoped(model(), linear=("encoder.fc", "linear.Linear")).SerializeToString()
    found = outline(read(data, classes={"encoder": "Encoder"}))
    assert [scope.class_name for scope in found.scopes] == ["Net", "Encoder", "Linear"]


def test_scopes_by_the_older_exporters_names() -> None:
    proto = model()
    proto.graph.node[0].name, proto.graph.node[1].name = "/layer1/layer1.0/fc/Gemm", "/layer1/Relu"
    found = outlined(proto)
    assert found.source == "names"
    assert places(found) == [("Gemm", "layer1.0.fc"), ("Relu", "layer1")]


def test_scopes_by_names_without_a_slash_in_front() -> None:
    names = ["bert/encoder/layer_0/MatMul", "bert/encoder/layer_0/Add", "bert/Relu", "Identity"]
    found = sound(outline(chain("MatMul", "Add", "Relu", "Identity", names=names)))
    assert found.source == "names"
    assert places(found)[:3] == [
        ("MatMul", "bert.encoder.layer_0"),
        ("Add", "bert.encoder.layer_0"),
        ("Relu", "bert"),
    ]


def test_one_slash_in_many_names_is_no_path() -> None:
    assert outline(chain("MatMul", "Add", "Relu", names=["a/b", "add", "relu"])).source == "flat"


@pytest.mark.parametrize(
    ("before", "after", "between"),
    [("a.b", "a.b", "a.b"), ("a.b", "a.c", "a"), ("a.b", "c", ""), ("a", "a.b", "a"), (None, "a.b", "a.b")],
)
def test_nodes_of_no_module_belong_to_what_they_connect(before: str | None, after: str, between: str) -> None:
    modules = [before, None, None, after]
    nodes = [
        Node("", op, "", (f"v{i}",), (f"v{i + 1}",), module=modules[i]) for i, op in enumerate(("A", "B", "C", "D"))
    ]
    found = sound(outline(of_nodes(nodes, "v0", "v4")))
    assert [path for _, path in places(found)][1:3] == [between, between]


def test_a_constant_belongs_to_all_that_read_it() -> None:
    nodes = [
        Node("", "Constant", "", (), ("c",)),
        Node("", "Mul", "", ("x", "c"), ("p",), module="layers.0"),
        Node("", "Mul", "", ("p", "c"), ("y",), module="layers.1"),
        Node("", "Unused", "", (), ("z",)),
    ]
    found = sound(outline(of_nodes(nodes, "x", "y")))
    assert places(found) == [("Constant", "layers"), ("Mul", "layers.0"), ("Mul", "layers.1"), ("Unused", "")]


def test_a_value_read_twice_by_a_node_is_one_edge() -> None:
    found = sound(outline(of_nodes([Node("", "Mul", "", ("x", "x"), ("y",))], "x", "y")))
    assert arrows(found) == {("in", "x", "Mul"), ("Mul", "y", "out")}
    assert len(found.edges) == 2
    assert found.reads == ((0, 0),)


def test_an_input_that_is_an_output_and_an_output_that_nobody_makes() -> None:
    assert arrows(sound(outline(of_nodes([], "x", "x")))) == {("in", "x", "out")}
    found = sound(outline(of_nodes([], "x", "y")))
    assert found.edges == ()
    assert [found.values[index].name for index in found.outputs] == ["y"]


def test_inputs_left_out_and_names_that_nobody_makes() -> None:
    found = sound(outline(of_nodes([Node("", "Clip", "", ("x", "", "nowhere"), ("y", ""))], "x", "y")))
    assert found.reads == ((0, -1, -1),)
    assert found.makes == ((1, -1),)


def test_nodes_in_any_order() -> None:
    nodes = [Node("", "Relu", "", ("a",), ("y",)), Node("", "Abs", "", ("x",), ("a",))]
    assert arrows(sound(outline(of_nodes(nodes, "x", "y")))) == {
        ("in", "x", "Abs"),
        ("Abs", "a", "Relu"),
        ("Relu", "y", "out"),
    }


def test_cycles_and_names_made_twice() -> None:
    nodes = [
        Node("", "Add", "", ("x", "b"), ("a",)),
        Node("", "Relu", "", ("a",), ("b",)),
        Node("", "Self", "", ("s",), ("s",)),
        Node("", "Again", "", ("x",), ("a",)),
    ]
    found = sound(outline(of_nodes(nodes, "x", "b")))
    assert {("Add", "a", "Relu"), ("Relu", "b", "Add"), ("Self", "s", "Self")} <= arrows(found)


def test_paths_are_cut_and_stay_unique() -> None:
    long = "x" * 10_000_000
    nodes = [
        Node(long, "Relu", "", ("x",), ("a",), module=f"{long}.a"[:1000]),
        Node(f"/{long}/Relu", "Relu", "", ("a",), (long,)),
    ]
    found = sound(outline(of_nodes(nodes, "x", long)))
    assert max(len(scope.path) for scope in found.scopes) <= 2000
