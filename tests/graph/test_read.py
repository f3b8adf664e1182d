"""Reading a file into facts."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.helper
import pytest
from small_graphs import BRANCH, model, scoped, with_weight

from onnxmagic.graph.facts import Graph, Value
from onnxmagic.graph.read import NotAModel, read


def facts(proto: onnx.ModelProto) -> Graph:
    return read(proto.SerializeToString())


def test_signature_and_header() -> None:
    graph = facts(model())
    assert graph.inputs == (Value("x", "float32", ("batch", 4)),)
    assert graph.outputs == (Value("y", "float32", ("batch", 2)),)
    assert graph.values["h"].shape == ("batch", 2)
    assert (graph.opset, graph.ir_version, graph.producer, graph.name) == (20, 10, "pytorch 2.13.0", "small")
    assert (graph.parameters, graph.nbytes) == (10, 40)


def test_nodes_have_plain_attributes() -> None:
    gemm = facts(model()).nodes[0]
    assert (gemm.name, gemm.op_type, gemm.inputs) == ("linear", "Gemm", ("x", "fc.weight", "fc.bias"))
    assert gemm.attributes == {"transB": 1}


def test_every_kind_of_attribute_is_plain() -> None:
    small = onnx.helper.make_tensor("t", onnx.TensorProto.INT64, [2], [3, 4])
    large = onnx.helper.make_tensor("t", onnx.TensorProto.FLOAT, [600], [0.0] * 600)
    made = {"f": 1.5, "i": 2, "s": "text", "fs": [1.0, 2.0], "is": [1, 2], "ss": ["a", "b"], "t": small, "l": large}
    proto = model()
    proto.graph.node.append(onnx.helper.make_node("Odd", ["x"], ["z"], domain="mine", **made))
    attributes = facts(proto).nodes[-1].attributes
    assert attributes == {
        "f": 1.5,
        "i": 2,
        "s": "text",
        "fs": (1.0, 2.0),
        "is": (1, 2),
        "ss": ("a", "b"),
        "t": [3, 4],
        "l": "float32 tensor, 600",
    }


def test_an_initializer_listed_as_input_is_no_input() -> None:
    proto = model()
    proto.graph.input.append(onnx.helper.make_tensor_value_info("fc.weight", onnx.TensorProto.FLOAT, [2, 4]))
    assert [v.name for v in facts(proto).inputs] == ["x"]


def test_unknown_ranks_sizes_and_kinds() -> None:
    proto = model()
    proto.graph.input.append(onnx.helper.make_tensor_value_info("a", onnx.TensorProto.BFLOAT16, None))
    proto.graph.input.append(onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT8E4M3FN, [None, -1, "n"]))
    proto.graph.input.append(onnx.helper.make_tensor_sequence_value_info("c", onnx.TensorProto.FLOAT, None))
    proto.graph.input.append(onnx.ValueInfoProto(name="d"))
    assert facts(proto).inputs[1:] == (
        Value("a", "bfloat16", None),
        Value("b", "float8_e4m3fn", (None, None, "n")),
        Value("c", "sequence", None),
        Value("d", "", None),
    )


@pytest.mark.parametrize(
    ("kind", "dims", "nbytes"),
    [("FLOAT16", [3, 3], 18), ("INT4", [3, 3], 5), ("DOUBLE", [], 8), ("BOOL", [0, 4], 0), ("COMPLEX64", [2], 16)],
)
def test_bytes_of_a_weight(kind: str, dims: list[int], nbytes: int) -> None:
    proto = model()
    proto.graph.initializer.add(name="w", data_type=getattr(onnx.TensorProto, kind), dims=dims)
    assert facts(proto).initializers[-1].nbytes == nbytes


def test_text_weights_count_their_text() -> None:
    proto = model()
    proto.graph.initializer.append(onnx.helper.make_tensor("s", onnx.TensorProto.STRING, [2], [b"ab", b"c" * 5000]))
    assert facts(proto).initializers[-1].nbytes == 5002


def test_small_values_are_there_and_large_ones_are_not() -> None:
    graph = facts(with_weight(model(), "big", [1000]))
    assert [i.value for i in graph.initializers] == [[[1, 2, 3, 4], [5, 6, 7, 8]], [0.5, 1], None]


def test_the_bodies_of_a_branch() -> None:
    graph = facts(model(BRANCH))
    assert [[n.op_type for n in body.nodes] for body in graph.nodes[0].body] == [["Neg"], ["Abs"]]
    assert [n.op_type for n in graph.walk()] == ["If", "Neg", "Abs"]
    assert graph.nodes[0].attributes["then_branch"] == "graph of 1 nodes"


def test_module_and_classes_from_metadata() -> None:
    node = facts(scoped(model(), linear=("fc", "linear.Linear"))).nodes[0]
    assert (node.module, node.classes) == ("fc", ("Net", "Linear"))


def test_classes_follow_the_path_where_a_container_is_not_called() -> None:
    node = facts(scoped(model(), linear=("layers.0", "linear.Linear"))).nodes[0]
    assert (node.module, node.classes) == ("layers.0", ("Net", "", "Linear"))


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("/layer1/layer1.0/conv/Conv", "layer1.0.conv"),
        ("/encoder/layers.3/linear1/MatMul", "encoder.layers.3.linear1"),
        ("/Add", ""),
        ("node_linear", None),
    ],
)
def test_module_from_the_older_exporters_names(name: str, module: str | None) -> None:
    proto = model()
    proto.graph.node[0].name = name
    assert facts(proto).nodes[0].module == module


def test_traces() -> None:
    proto = model()
    stack = 'File "net.py", line 3, in forward\n    return x'
    proto.graph.node[0].metadata_props.add(key="pkg.torch.onnx.stack_trace", value=stack)
    proto.graph.node[1].doc_string = "/home/me/net.py(12): forward"
    assert [n.trace for n in facts(proto).nodes] == [stack, "/home/me/net.py(12): forward"]


def test_metadata_and_documentation_of_model_and_graph() -> None:
    proto = model()
    proto.metadata_props.add(key="a", value="1")
    proto.graph.metadata_props.add(key="b", value="2")
    proto.doc_string, proto.graph.doc_string = "about", "more"
    expected = {"a": "1", "b": "2", "doc_string": "about", "graph.doc_string": "more"}
    assert facts(proto).metadata == expected


def test_external_data_is_named_and_never_opened(tmp_path: Path) -> None:
    proto = with_weight(model(), "big", [1000])
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.data", size_threshold=100)
    (tmp_path / "m.data").unlink()
    weight = next(i for i in read(tmp_path / "m.onnx").initializers if i.name == "big")
    assert (weight.external, weight.nbytes, weight.value) == ("m.data", 4000, None)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"PK\x03\x04rest", "zip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "web page"),
        (b"hello, this is no model", "is no ONNX model"),
        (b"\x08\x0a", "no graph"),
    ],
)
def test_what_is_no_model_says_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "thing.onnx"
    path.write_bytes(content)
    with pytest.raises(NotAModel, match=said) as caught:
        read(path)
    assert "`thing.onnx`" in str(caught.value)


def test_a_name_that_is_not_text() -> None:
    data = model().SerializeToString().replace(b"linear", b"lin\xff\xffr")
    assert read(data).nodes[0].name == "lin\ufffd\ufffdr"
