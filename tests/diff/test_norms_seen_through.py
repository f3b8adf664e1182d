"""A batch norm that one of two models has folded into the weights before it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import Diff

RANDOM = np.random.default_rng(5)
IN, OUT = 4, 6
KINDS = {
    "Conv": ((OUT, IN, 3, 3), {}),
    "Conv without a bias": ((OUT, IN, 3, 3), {}),
    "Conv in groups": ((OUT, IN // 2, 3, 3), {"group": 2}),
    "ConvTranspose": ((IN, OUT, 2, 2), {}),
    "ConvTranspose in groups": ((IN, OUT // 2, 2, 2), {"group": 2}),
}


def plain(kind: str, *, by: float = 0.0) -> onnx.ModelProto:
    """A convolution, a batch norm and a Relu; `by` is added to one value of the kernel."""
    shape, attributes = KINDS[kind]
    kernel = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    kernel.flat[-1] += by
    weights = {"c.weight": kernel, "c.bias": np.linspace(-1, 1, OUT)}
    weights |= {f"n.{name}": np.linspace(*ends, OUT) for name, ends in NORM.items()}
    reads = ["x", "c.weight", *(["c.bias"] if "without" not in kind else [])]
    norm = ["h", *(f"n.{name}" for name in NORM)]
    nodes = [
        helper.make_node(kind.partition(" ")[0], reads, ["h"], name="conv", **attributes),
        helper.make_node("BatchNormalization", norm, ["b"], name="norm", epsilon=1e-3),
        helper.make_node("Relu", ["b"], ["y"], name="relu"),
    ]
    return made(nodes, {name: value for name, value in weights.items() if name in {*reads, *norm}})


NORM = {"weight": (0.5, 1.5), "bias": (-1, 2), "running_mean": (-2, 2), "running_var": (0.3, 3)}


def made(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, None, None]) for name in ("x", "y")]
    values[0].type.tensor_type.shape.dim[1].dim_value = IN
    stored = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def folded(model: onnx.ModelProto, folder: Path, *, activation: bool = False) -> onnx.ModelProto:
    """Return the model as ONNX Runtime writes it after it has folded the norm."""
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if activation else levels.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "folded.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = onnx.load(folder / "folded.onnx")
    assert "BatchNormalization" not in {node.op_type for node in found.graph.node}, "nothing was folded"
    return found


def diff(a: onnx.ModelProto, b: onnx.ModelProto) -> Diff:
    return between(side_of(a.SerializeToString(), "a"), side_of(b.SerializeToString(), "b"))


def check_seen_through(found: Diff, most: float = 1e-6) -> None:
    assert (found.weights.added, found.weights.removed, found.weights.unread) == ((), (), ())
    assert len(found.weights.changed) == 2
    for change in found.weights.changed:
        assert change.seen_through == ("folded",)
        assert change.reason == ""
        assert 0 < change.max_abs < most


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_of_the_other_up_to_rounding(kind, tmp_path):
    before = plain(kind)
    after = folded(before, tmp_path)
    check_seen_through(diff(before, after))
    check_seen_through(diff(after, before))


def test_with_the_activation_in_it_too(tmp_path):
    before = plain("Conv")
    found = diff(before, folded(before, tmp_path, activation=True))
    check_seen_through(found)
    assert found.regions[0].name == "Conv with activation, BatchNormalization folded in"
    assert found.summary.startswith("1 × BatchNormalization folded into Conv, nothing unexplained; 2 weights changed")


def test_the_sentence_says_it_in_both_directions(tmp_path):
    before = plain("Conv")
    after = folded(before, tmp_path)
    assert diff(before, after).summary.startswith("1 × BatchNormalization folded into Conv, nothing unexplained;")
    assert diff(after, before).summary.startswith("1 × BatchNormalization written out after Conv, nothing unexplained;")


def test_what_was_trained_meanwhile_is_measured(tmp_path):
    found = diff(plain("Conv"), folded(plain("Conv", by=0.5), tmp_path))
    worst = found.weights.changed[0]
    assert (worst.name, worst.seen_through) == ("c.weight", ("folded",))
    # The last channel's factor, by the operator's definition.
    assert worst.max_abs == pytest.approx(0.5 * 1.5 / math.sqrt(3 + 1e-3), rel=1e-5)


def test_a_linear_layer(tmp_path):
    def linear(turned: bool, values: dict[str, np.ndarray], *, norm: bool) -> onnx.ModelProto:
        kernel = np.ascontiguousarray(values["c.weight"].T) if turned else values["c.weight"]
        nodes = [helper.make_node("Gemm", ["x", "c.weight", "c.bias"], ["h"], name="fc", transB=int(turned))]
        if norm:
            nodes.append(helper.make_node("BatchNormalization", ["h", *(f"n.{n}" for n in NORM)], ["b"], name="norm"))
        nodes.append(helper.make_node("Relu", ["b" if norm else "h"], ["y"], name="relu"))
        model = made(nodes, {**values, "c.weight": kernel})
        for value in (*model.graph.input, *model.graph.output):
            del value.type.tensor_type.shape.dim[2:]
        return model

    figures = {f"n.{name}": np.linspace(*ends, OUT) for name, ends in NORM.items()}
    own = {"c.weight": RANDOM.standard_normal((IN, OUT)), "c.bias": RANDOM.standard_normal(OUT)}
    factor = figures["n.weight"] / np.sqrt(figures["n.running_var"] + 1e-5)
    inside = {
        "c.weight": own["c.weight"] * factor,
        "c.bias": (own["c.bias"] - figures["n.running_mean"]) * factor + figures["n.bias"],
    }
    before = linear(False, {**own, **figures}, norm=True)
    check_seen_through(diff(before, linear(False, inside, norm=False)))
    check_seen_through(diff(linear(True, {**own, **figures}, norm=True), linear(True, inside, norm=False)))
    stored_turned = linear(True, {**own, **figures}, norm=True)
    del stored_turned.graph.node[0].attribute[:]
    stored_turned.graph.node[0].input[1] = "turned"
    stored_turned.graph.node.insert(0, helper.make_node("Transpose", ["c.weight"], ["turned"], name="turn"))
    check_seen_through(diff(stored_turned, linear(True, inside, norm=False)))


def test_a_norm_that_is_computed_is_said_and_not_measured(tmp_path):
    before = plain("Conv")
    after = folded(before, tmp_path)
    scale = helper.make_node("Abs", ["n.weight"], ["scale"], name="abs")
    before.graph.node.insert(1, scale)
    before.graph.node[2].input[1] = "scale"
    change = next(each for each in diff(before, after).weights.changed if each.name == "c.weight")
    assert change.reason == "a batch norm is folded into it in b, and computed in a"
    assert math.isnan(change.max_abs)


def test_a_bias_that_is_computed_is_said_and_not_measured(tmp_path):
    before = plain("Conv")
    after = folded(before, tmp_path)
    before.graph.node.insert(0, helper.make_node("Abs", ["c.bias"], ["bias"], name="abs"))
    before.graph.node[1].input[2] = "bias"
    changed = {change.name: change for change in diff(before, after).weights.changed}
    assert changed["c.weight"].max_abs < 1e-6
    assert "the bias before it is computed in a" in changed["n.bias"].reason


def test_figures_of_another_size_are_said(tmp_path):
    before = plain("Conv")
    after = folded(before, tmp_path)
    for tensor in before.graph.initializer:
        if tensor.name == "n.running_mean":
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(1, np.float32), "n.running_mean"))
    change = next(each for each in diff(before, after).weights.changed if each.name == "c.weight")
    assert change.reason == "the figures of its batch norm do not fit its shape"


def test_a_value_between_that_others_read_is_no_fold(tmp_path):
    """The norm is gone, but it cannot have gone into the weights: what is before it is an output too."""
    before, after = plain("Conv"), plain("Conv")
    before.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, None))
    del after.graph.node[1]
    after.graph.node[1].input[0] = "h"
    after.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, None))
    assert diff(before, after).weights.changed == ()


def test_a_shift_that_nothing_holds_is_not_taken_for_folded(tmp_path):
    before = plain("Conv without a bias")
    after = folded(before, tmp_path)
    del after.graph.node[0].input[2:]
    found = diff(before, after).weights
    assert set(found.removed) == {"n.bias", "n.running_mean"}
    assert [change.name for change in found.changed] == ["c.weight"]


def test_a_bias_that_two_convolutions_share_is_lost_in_neither(tmp_path):
    """Exporters store what is equal once: the bias of the folded convolution is another's too."""
    before = plain("Conv")
    second = helper.make_node("Conv", ["y", "d.weight", "c.bias"], ["z"], name="second")
    before.graph.node.append(second)
    before.graph.initializer.append(numpy_helper.from_array(np.ones((OUT, OUT, 1, 1), np.float32), "d.weight"))
    before.graph.output[0].name = "z"
    after = folded(before, tmp_path)
    for tensor in after.graph.initializer:
        if tensor.name == "c.bias":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + 1, "c.bias"))
    found = diff(before, after).weights
    measured = {(change.after, change.seen_through): change.max_abs for change in found.changed}
    assert measured.pop(("c.bias", ())) == pytest.approx(1)
    assert len(measured) == 2
    assert all(value < 1e-6 for value in measured.values())
    assert (found.added, found.removed) == ((), ())
