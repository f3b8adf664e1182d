"""A graph written for an older operator set computes the same; what cannot be written is said."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from onnxmagic.export.opset_convert import CannotConvert, convert


def model(body, inputs="float[2,3,4] x", outputs="float[2,3,4] y", constants="", opset=18):
    head = f'<ir_version: 8, opset_import: ["" : {opset}]>'
    return onnx.parser.parse_model(f"{head} g ({inputs}) => ({outputs}) <{constants}> {{ {body} }}")


def converted(made, opset, weights=()):
    return onnx.ModelProto.FromString(
        convert(np.frombuffer(made.SerializeToString(), np.uint8), weights, opset).tobytes()
    )


def answer(made, feeds):
    made.ir_version = 8
    return onnxruntime.InferenceSession(made.SerializeToString()).run(None, feeds)


def agrees(made, opset, **feeds):
    """Convert, run both, and return the converted model."""
    feeds = feeds or {"x": np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)}
    new = converted(made, opset)
    assert new.opset_import[0].version == opset
    for before, after in zip(answer(made, feeds), answer(new, feeds), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-6)
    return new


def test_what_only_took_more_types_since_stays_as_it_is():
    made = model("t = Relu(x) y = Add(t, x)")
    assert [n.op_type for n in agrees(made, 11).graph.node] == ["Relu", "Add"]


@pytest.mark.parametrize("opset", [17, 13, 11])
def test_axes_become_an_attribute(opset):
    made = model("y = ReduceMean <keepdims = 0> (x, axes)", outputs="float[2] y", constants="int64[2] axes = {1, 2}")
    node = agrees(made, opset).graph.node[0]
    assert list(node.input) == ["x"]
    assert {a.name for a in node.attribute} == {"axes", "keepdims"}


def test_a_constant_that_nothing_reads_any_more_is_dropped():
    made = model("y = ReduceMax <keepdims = 0> (x, axes)", outputs="float[2] y", constants="int64[2] axes = {1, 2}")
    assert len(converted(made, 17).graph.initializer) == 0


def test_a_reduction_over_nothing_is_the_identity():
    made = model("y = ReduceSum <noop_with_empty_axes = 1> (x)")
    assert agrees(made, 11).graph.node[0].op_type == "Identity"


@pytest.mark.parametrize("operator", ["Squeeze", "Unsqueeze"])
def test_squeeze(operator):
    shape = "float[2,1,3] x", "float[2,3] y"
    inputs, outputs = shape if operator == "Squeeze" else (shape[1].replace("y", "x"), shape[0].replace("x", "y"))
    made = model(f"y = {operator}(x, axes)", inputs, outputs, "int64[1] axes = {1}")
    size = (2, 1, 3) if operator == "Squeeze" else (2, 3)
    agrees(made, 11, x=np.ones(size, np.float32))


@pytest.mark.parametrize("opset", [17, 11])
@pytest.mark.parametrize("parts", [2, 3])
def test_split_into_a_number_of_parts(opset, parts):
    names = ", ".join(f"p{i}" for i in range(parts))
    body = f"{names} = Split <axis = 0, num_outputs = {parts}> (x) y = Concat <axis = 0> ({names})"
    agrees(model(body, "float[8] x", "float[8] y"), opset, x=np.arange(8, dtype=np.float32))


def test_split_of_a_dynamic_axis_cannot_be_written():
    made = model("a, b = Split <axis = 1, num_outputs = 2> (x) y = Add(a, b)", "float[2,n] x", "float[2,m] y")
    with pytest.raises(CannotConvert, match="Split cuts a dynamic axis"):
        converted(made, 17)


@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_over_any_axis(operator, axis):
    agrees(model(f"y = {operator} <axis = {axis}> (x)"), 11)


def test_a_part_of_a_shape():
    made = model("y = Shape <start = 1, end = 3> (x)", outputs="int64[2] y")
    assert [n.op_type for n in agrees(made, 13).graph.node] == ["Shape", "Constant", "Constant", "Slice"]


def test_resize_without_what_may_be_left_out():
    made = model(
        'y = Resize <mode = "linear"> (x, , , size)',
        "float[1,1,2,2] x",
        "float[1,1,4,4] y",
        "int64[4] size = {1, 1, 4, 4}",
    )
    agrees(made, 13, x=np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2))
    converted(made, 11)


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("bias", [True, False])
def test_layer_normalization_is_written_out(axis, bias):
    shape = (4,) if axis == -1 else (3, 4)
    size = ",".join(map(str, shape))
    given = "x, scale, bias" if bias else "x, scale"
    made = model(
        f"y = LayerNormalization <axis = {axis}, epsilon = 0.01> ({given})",
        f"float[2,3,4] x, float[{size}] scale, float[{size}] bias",
    )
    random = np.random.default_rng(1)
    sizes = {"x": (2, 3, 4), "scale": shape, "bias": shape}
    agrees(made, 16, **{name: random.normal(size=size).astype(np.float32) for name, size in sizes.items()})


def test_new_nodes_keep_the_name_and_the_module_of_the_old_one():
    made = model("y = LayerNormalization (x, scale)", "float[2,3,4] x, float[4] scale")
    made.graph.node[0].name = "norm"
    made.graph.node[0].metadata_props.add(key="module", value="layer.norm")
    nodes = converted(made, 15).graph.node
    assert {n.name for n in nodes} == {f"norm/{i}" for i in range(len(nodes))}
    assert {p.value for n in nodes for p in n.metadata_props} == {"layer.norm"}


def test_the_body_of_a_branch_is_written_anew_too():
    made = model(
        "y = If (c) <then_branch = t () => (float[2,1,4] a) { a = ReduceMean(x, axes) }, "
        "else_branch = e () => (float[2,1,4] b) { b = ReduceMax(x, axes) }>",
        "float[2,3,4] x, bool c",
        "float[2,1,4] y",
        "int64[1] axes = {1}",
    )
    x = np.random.default_rng(2).normal(size=(2, 3, 4)).astype(np.float32)
    for condition in (True, False):
        agrees(made, 13, x=x, c=np.array(condition))


def test_weights_that_are_elsewhere_are_no_inputs_afterwards():
    made = model("y = MatMul(x, w)", "float[2,3] x", "float[2,5] y")
    new = converted(made, 13, [["w", onnx.TensorProto.FLOAT, [3, 5]]])
    assert [i.name for i in new.graph.input] == ["x"]


def test_upwards_too():
    made = model("t = Relu(x) y = Add(t, x)", opset=20)
    made.graph.node[0].name = "relu"
    made.graph.node[0].metadata_props.add(key="module", value="act")
    new = agrees(made, 22)
    assert new.graph.node[0].metadata_props[0].value == "act"


@pytest.mark.parametrize(
    ("body", "constants", "reason"),
    [
        ("y = Gelu(x)", "", "there is no Gelu in opset 13"),
        ('y = ScatterElements <reduction = "max"> (x, i, x)', "int64[2,3,4] i", "`reduction` is newer than opset 13"),
        ("y = Reshape <allowzero = 1> (x, s)", "int64[3] s = {0, 3, 4}", "Reshape asks for a size of zero"),
    ],
)
def test_what_cannot_be_written_is_said(body, constants, reason):
    constants, inputs = (constants, "") if "=" in constants else ("", f", {constants}" if constants else "")
    with pytest.raises(CannotConvert, match=reason):
        converted(model(body, f"float[2,3,4] x{inputs}", constants=constants, opset=20), 13)
