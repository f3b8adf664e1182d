"""Loops over time that were written out, and what only looks like one."""

from __future__ import annotations

import itertools

import onnx
import pytest
from onnx import TensorProto, helper

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.graph.read import read


def weight(name: str, *dims: int) -> onnx.TensorProto:
    size = 1
    for dim in dims:
        size *= dim
    return helper.make_tensor(name, TensorProto.FLOAT, dims, [0.1 * (i + 1) for i in range(size)])


def found(nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto]) -> list[Finding]:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    numbers = [helper.make_tensor(f"i{i}", TensorProto.INT64, [], [i]) for i in range(16)]
    graph = helper.make_graph(nodes, "net", [x], [y], [*weights, *numbers])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return list(catalogue.run(GraphEvidence(read(model.SerializeToString())), select=["OM212"]))


def recurrent(steps: int, *, own: bool = False, order: tuple[int, ...] = ()) -> list[onnx.NodeProto]:
    """Return h = tanh(x[:, t] + h @ w) for each t, with one w for all or its own for each."""
    nodes = [helper.make_node("Gather", ["x", f"i{t}"], [f"x{t}"], axis=1) for t in range(steps)]
    before = ""
    for t in order or range(steps):
        total = f"x{t}"
        if before:
            nodes.append(helper.make_node("MatMul", [before, f"w{t}" if own else "w"], [f"m{t}"]))
            nodes.append(helper.make_node("Add", [f"m{t}", f"x{t}"], [f"a{t}"], name=f"add{t}"))
            total = f"a{t}"
        before = f"h{t}"
        nodes.append(helper.make_node("Tanh", [total], [before]))
    return [*nodes, helper.make_node("Identity", [before], ["y"])]


@pytest.mark.parametrize("steps", [3, 8])
def test_a_loop_with_common_weights(steps: int) -> None:
    (finding,) = found(recurrent(steps), [weight("w", 4, 4)])
    assert f"A loop over `x` was written out: {steps} copies of the same 3 nodes" in finding.message
    assert (finding.count, finding.where.node) == (steps, "add1")


def test_a_loop_backwards() -> None:
    assert found(recurrent(5, order=(4, 3, 2, 1, 0)), [weight("w", 4, 4)])[0].count == 5


def test_two_steps_are_no_loop() -> None:
    assert found(recurrent(2), [weight("w", 4, 4)]) == []


def test_steps_with_their_own_weights_are_layers() -> None:
    assert found(recurrent(8, own=True), [weight(f"w{t}", 4, 4) for t in range(8)]) == []


def test_a_shared_layer_without_a_sequence_is_none() -> None:
    names = ["x", *(f"h{i}" for i in range(11)), "y"]
    nodes = [helper.make_node("MatMul", [a, "w"], [b]) for a, b in itertools.pairwise(names)]
    assert found(nodes, [weight("w", 4, 4)]) == []


def test_pieces_that_meet_at_the_end_are_none() -> None:
    nodes = [helper.make_node("Split", ["x"], [f"x{t}" for t in range(8)], axis=1, num_outputs=8)]
    for t in range(8):
        nodes += [helper.make_node("MatMul", [f"x{t}", "w"], [f"m{t}"]), helper.make_node("Tanh", [f"m{t}"], [f"h{t}"])]
    nodes.append(helper.make_node("Concat", [f"h{t}" for t in range(8)], ["y"], axis=1))
    assert found(nodes, [weight("w", 4, 4)]) == []


def test_a_sum_of_pieces_is_none() -> None:
    nodes = [helper.make_node("Split", ["x"], [f"x{t}" for t in range(8)], axis=1, num_outputs=8)]
    sums = ["x0", *(f"s{t}" for t in range(1, 7)), "y"]
    nodes += [helper.make_node("Add", [sums[t - 1], f"x{t}"], [sums[t]]) for t in range(1, 8)]
    assert found(nodes, []) == []


def test_attention_on_three_pieces_is_none() -> None:
    nodes = [
        helper.make_node("Split", ["x"], ["q", "k", "v"], axis=2, num_outputs=3),
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"]),
        helper.make_node("MatMul", ["p", "v"], ["y"]),
    ]
    assert found(nodes, []) == []
