"""The checker without the weights."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnx.helper
import pytest
from small_graphs import BRANCH, SMALL, model, with_weight

from onnxmagic.graph.checker import structure_error
from onnxmagic.graph.read import NotAModel

LARGE = """
<ir_version: 10, opset_import: ["" : 20]>
large (float[n,40] x) => (float[n,30] y)
{
   [linear] y = Gemm <transB = 1> (x, w)
}
"""


def error(proto: onnx.ModelProto) -> str:
    return structure_error(proto.SerializeToString())


@pytest.mark.parametrize("text", [SMALL, BRANCH])
def test_a_sound_model(text: str) -> None:
    assert error(model(text)) == ""


def test_a_sound_model_with_a_large_weight() -> None:
    assert error(with_weight(model(LARGE), "w", [30, 40])) == ""


def test_the_shape_of_a_large_weight_is_checked() -> None:
    said = error(with_weight(model(LARGE), "w", [31, 40]))
    assert said.startswith("node `linear` (Gemm):")
    assert "30" in said
    assert "31" in said


def test_the_type_of_a_large_weight_is_checked() -> None:
    proto = model(LARGE)
    proto.graph.initializer.append(
        onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT16, [30, 40], b"\0" * 2400, raw=True)
    )
    assert error(proto).startswith("node `linear` (Gemm):")


def test_a_weight_that_is_missing() -> None:
    assert "w" in error(model(LARGE))


def test_an_operator_newer_than_the_operator_set() -> None:
    text = """
    <ir_version: 8, opset_import: ["" : 17]>
    old (float[4] x) => (float[2] a, float[2] b)
    { [cut] a, b = Split <axis = 0, num_outputs = 2> (x) }
    """
    assert error(model(text)) == "node `cut` (Split): Unrecognized attribute: num_outputs for operator Split"


def test_large_constants_in_a_body_and_elsewhere() -> None:
    proto = model(BRANCH)
    big = onnx.helper.make_tensor("k", onnx.TensorProto.FLOAT, [5000], [1.0] * 5000)
    body = proto.graph.node[0].attribute[0].g
    body.node.append(onnx.helper.make_node("Constant", [], ["k"], value=big))
    body.initializer.append(big)
    body.initializer[0].name = "d"
    proto.graph.node.append(onnx.helper.make_node("Thing", ["x"], ["t"], domain="mine", table=big))
    proto.opset_import.add(domain="mine", version=1)
    assert error(proto) == ""


def test_large_constants_in_a_function() -> None:
    big = onnx.helper.make_tensor("c", onnx.TensorProto.FLOAT, [40], [1.0] * 40)
    large = onnx.helper.make_tensor("c", onnx.TensorProto.FLOAT, [4000], [1.0] * 4000)
    for value in (big, large):
        nodes = [onnx.helper.make_node("Constant", [], ["c"], value=value), onnx.helper.make_node("Add", "xc", "y")]
        opsets = [onnx.helper.make_opsetid("", 20)]
        proto = model(
            f'<ir_version: 10, opset_import: ["" : 20, "mine" : 1]> g (float[{len(value.float_data)}] x) '
            "=> (float[n] y) { y = mine.Shift (x) }"
        )
        proto.functions.append(onnx.helper.make_function("mine", "Shift", ["x"], ["y"], nodes, opsets))
        assert error(proto) == ""


def test_a_large_sparse_weight() -> None:
    proto = model(LARGE)
    values = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [600], [1.0] * 600)
    indices = onnx.helper.make_tensor("i", onnx.TensorProto.INT64, [600], range(600))
    proto.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, indices, [30, 40]))
    assert error(proto) == ""


def test_before_ir_version_4_weights_are_inputs_too() -> None:
    proto = with_weight(model(LARGE), "w", [30, 40])
    proto.ir_version = 3
    proto.opset_import[0].version = 11
    proto.graph.input.append(onnx.helper.make_tensor_value_info("w", onnx.TensorProto.FLOAT, [30, 40]))
    assert error(proto) == ""


def test_external_data_is_not_needed(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(
        with_weight(model(LARGE), "w", [30, 40]), path, save_as_external_data=True, location="d", size_threshold=0
    )
    (tmp_path / "d").unlink()
    assert structure_error(path) == ""


def test_what_cannot_be_read() -> None:
    with pytest.raises(NotAModel):
        structure_error(b"nonsense")


def test_a_large_weight_that_is_an_output() -> None:
    text = """
    <ir_version: 10, opset_import: ["" : 20]>
    direct (float[4] x) => (float[4] y, float[30,40] w)
    { y = Neg (x) }
    """
    assert error(with_weight(model(text), "w", [30, 40])) == ""


def test_a_bfloat16_weight_in_a_body() -> None:
    proto = model(BRANCH)
    raw = b"\0" * 4000
    body = proto.graph.node[0].attribute[0].g
    body.initializer.append(onnx.helper.make_tensor("k", onnx.TensorProto.BFLOAT16, [2000], raw, raw=True))
    body.node.append(onnx.helper.make_node("Identity", ["k"], ["l"]))
    assert error(proto) == ""
