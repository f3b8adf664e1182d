"""Nodes are found again whatever they are called and wherever they stand in the file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx.parser
import pytest
from graphs import KINDS, edited, layers, origins, renamed, shuffled, side, stripped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from onnxmagic.diff.match import match
from onnxmagic.diff.matching import Matching
from onnxmagic.errors import UsageMistake

SEEDS = [0, 1, 2]


def measured(found: Matching, a: onnx.ModelProto, b: onnx.ModelProto) -> tuple[float, float]:
    """Return how many of the found pairs are true, and how many of the true pairs were found."""
    first, second = origins(a), origins(b)
    right = sum(first[pair.a] == second[pair.b] for pair in found.pairs)
    return right / len(found.pairs), right / len({*first} & {*second})


def sound(found: Matching) -> Matching:
    """Check what holds for every matching, and return it."""
    assert len(found.of_a) == len(found.of_b) == len(found.pairs)
    assert [pair.a for pair in found.pairs] == sorted(pair.a for pair in found.pairs)
    assert all(pair.reason for pair in found.pairs)
    return found


def parsed(body: str, weights: str = "") -> onnx.ModelProto:
    head = '<ir_version: 10, opset_import: ["" : 20]>\n'
    return onnx.parser.parse_model(f"{head}g (float[4,4] x) => (float[4,4] y) {weights} {{ {body} }}")


def pairs(a: onnx.ModelProto, b: onnx.ModelProto, **options: object) -> list[tuple[str, str]]:
    """Return the pairs by the names of what the nodes make."""
    first, second = side(a), side(b)
    found = sound(match(first, second, **options))
    return [(first.nodes[pair.a].outputs[0], second.nodes[pair.b].outputs[0]) for pair in found.pairs]


@pytest.mark.parametrize("bare", [False, True], ids=["metadata", "no metadata"])
@pytest.mark.parametrize("seed", SEEDS)
def test_renamed_and_shuffled_is_found_whole(seed: int, bare: bool) -> None:
    a = layers(4, seed)
    b = shuffled(renamed(a, seed), seed)
    if bare:
        a, b = stripped(a), stripped(b)
    found = sound(match(side(a), side(b)))
    assert measured(found, a, b) == (1, 1)


@pytest.mark.parametrize("weights", [True, False], ids=["weights", "other weights"])
@pytest.mark.parametrize("bare", [False, True], ids=["metadata", "no metadata"])
@pytest.mark.parametrize("seed", SEEDS)
def test_fifty_edits_of_a_thousand_nodes_are_seen_through(seed: int, bare: bool, weights: bool) -> None:
    a = layers(24, seed)
    b, _ = edited(a, 50, seed)
    b = shuffled(renamed(b, seed), seed)
    if bare:
        a, b = stripped(a), stripped(b)
    precision, recall = measured(sound(match(side(a, weights=weights), side(b, weights=weights))), a, b)
    assert precision >= 0.99
    assert recall >= 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_edit_is_seen_through(kind: str) -> None:
    a = layers(6)
    b, truth = edited(a, 6, kinds=[kind])
    found = sound(match(side(a), side(renamed(b))))
    assert measured(found, a, b) == (1, 1)
    added = {origin for index, origin in enumerate(origins(b)) if index not in found.of_b}
    assert added == {*truth.added}
    assert {origin for index, origin in enumerate(origins(a)) if index not in found.of_a} == {*truth.removed}


def test_a_retrained_file_is_the_same_node_by_node() -> None:
    a, b = layers(3, seed=1), layers(3, seed=2)
    found = sound(match(side(a), side(b)))
    assert [(pair.a, pair.b) for pair in found.pairs] == [(index, index) for index in range(126)]
    assert measured(match(side(a), side(shuffled(renamed(b)))), a, shuffled(renamed(b))) == (1, 1)


def test_a_layer_that_went_is_told_from_those_that_stayed_by_their_weights() -> None:
    a, b = layers(8, seed=3), layers(8, seed=3)
    weights = {tensor.name: tensor for tensor in b.graph.initializer}
    gone = [node for node in b.graph.node if any(name.startswith("encoder.layer.4.") for name in node.input)]
    assert len(gone) > 10
    # Layer 4 is left out: what it made is what layer 3 made.
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in b.graph.node]
    kept = [node for node in nodes if not node.output[0].startswith(("val_4_", "layer_4"))]
    for node in kept:
        node.input[:] = ["layer_3" if name == "layer_4" else name for name in node.input]
    del b.graph.node[:]
    b.graph.node.extend(kept)
    assert weights
    found = sound(match(side(stripped(a)), side(renamed(stripped(b)))))
    assert len(kept) == 7 * 42
    assert measured(found, a, b) == (1, 1)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(1, 12), st.booleans())
def test_the_other_way_round_is_the_same_matching(seed: int, count: int, bare: bool) -> None:
    a = layers(2, seed)
    b = shuffled(renamed(edited(a, count, seed)[0], seed), seed)
    if bare:
        a, b = stripped(a), stripped(b)
    there, back = sound(match(side(a), side(b))), sound(match(side(b), side(a)))
    assert there.of_a == back.of_b
    assert {pair.a: pair.reason for pair in there.pairs} == {pair.b: pair.reason for pair in back.pairs}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_names_and_order_never_matter(seed: int, count: int) -> None:
    a = layers(2, seed)
    b, _ = edited(a, count, seed)
    other = shuffled(renamed(b, seed), seed)
    plain = {(pair.a, origins(b)[pair.b]) for pair in match(side(a), side(b)).pairs}
    assert {(pair.a, origins(other)[pair.b]) for pair in match(side(a), side(other)).pairs} == plain


def test_an_inserted_node_is_not_taken_for_its_neighbour() -> None:
    a = parsed("p = Neg (x) q = Neg (p) y = Abs (q)")
    b = parsed("p = Neg (x) new = Sin (p) q = Neg (new) y = Abs (q)")
    assert pairs(a, b) == [("p", "p"), ("q", "q"), ("y", "y")]


def test_an_operator_that_was_exchanged_keeps_its_place() -> None:
    a = parsed("p = Neg (x) q = Relu (p) y = Abs (q)")
    b = parsed("p = Neg (x) other = Tanh (p) y = Abs (other)")
    assert pairs(a, b) == [("p", "p"), ("q", "other"), ("y", "y")]


def test_an_attribute_makes_no_stranger() -> None:
    a = parsed("p = Softmax <axis = 0> (x) y = Neg (p)")
    b = parsed("p = Softmax <axis = 1> (x) y = Neg (p)")
    assert pairs(a, b) == [("p", "p"), ("y", "y")]


def test_what_stands_behind_a_quantised_value_is_found() -> None:
    weights = "<float[4,4] w = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float s = {0.5}, int8 z = {0}>"
    a = parsed("p = MatMul (x, w) y = Relu (p)", weights)
    b = parsed(
        "xq = QuantizeLinear (x, s, z) xd = DequantizeLinear (xq, s, z) wd = DequantizeLinear (v, s, z) "
        "p = MatMul (xd, wd) pq = QuantizeLinear (p, s, z) pd = DequantizeLinear (pq, s, z) y = Relu (pd)",
        "<int8[4,4] v = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}, float s = {0.5}, int8 z = {0}>",
    )
    assert pairs(a, b) == [("p", "p"), ("y", "y")]
    assert len(pairs(b, renamed(b))) == 7


def test_a_constant_may_be_a_node_or_a_weight() -> None:
    a = parsed(
        "c = Constant <value = float[4] {1, 2, 3, 4}> () p = Add (x, c) q = Add (p, d) y = Abs (q)", "<float d = {7}>"
    )
    b = parsed(
        "d = Constant <value_float = 7.0> () p = Add (x, c) q = Add (p, d) y = Abs (q)", "<float[4] c = {1,2,3,4}>"
    )
    assert pairs(a, b) == [("p", "p"), ("q", "q"), ("y", "y")]


TWINS = "<float[4,4] one = {{{0}}}, float[4,4] two = {{{1}}}>"
LOW, HIGH = ", ".join("1" * 16), ", ".join("2" * 16)
OTHER = ", ".join("3" * 16), ", ".join("4" * 16)


def twins(body: str, *values: str) -> onnx.ModelProto:
    return parsed(body, TWINS.format(*values))


def test_twins_are_told_apart_by_their_weights() -> None:
    a = twins("k = MatMul (x, one) v = MatMul (x, two) y = Sub (k, v)", LOW, HIGH)
    # The same two, in an operator that swaps them, so that only the weights tell.
    b = twins("m = MatMul (x, one) n = MatMul (x, two) c = Concat <axis = 0> (m, n) y = Slice (c)", HIGH, LOW)
    assert ("k", "n") in pairs(a, b)
    assert ("v", "m") in pairs(a, b)


def test_twins_with_other_weights_are_told_apart_by_likeness() -> None:
    a = twins("k = MatMul (x, one) v = MatMul (x, two) y = Sub (k, v)", LOW, HIGH)
    b = twins("m = MatMul (x, one) n = MatMul (x, two) c = Concat <axis = 0> (m, n) y = Slice (c)", *OTHER)
    asked: list[tuple[int, int]] = []

    def alike(one: int, other: int) -> float:
        asked.append((one, other))
        return 0.9 if one != other else 0.1

    first, second = side(a, weights=False), side(b, weights=False)
    found = {
        (first.nodes[pair.a].outputs[0], second.nodes[pair.b].outputs[0])
        for pair in match(first, second, alike=alike).pairs
    }
    assert asked
    assert {("k", "n"), ("v", "m")} <= found
    back = {(pair.b, pair.a) for pair in match(second, first, alike=lambda one, other: alike(other, one)).pairs}
    assert back == {(pair.a, pair.b) for pair in match(first, second, alike=alike).pairs}


def test_a_pin_is_believed_and_matched_around() -> None:
    a = parsed("p = Neg (x) q = Neg (p) r = Neg (q) y = Abs (r)")
    b = parsed("p = Neg (x) q = Neg (p) y = Abs (q)")
    first, second = side(a), side(b)
    found = sound(match(first, second, pins=[(2, 0)]))
    assert next(pair.reason for pair in found.pairs if pair.a == 2) == "pinned"
    assert found.of_a[2] == 0
    assert 0 not in found.of_a
    same = sound(match(first, side(a), pins=[(0, 1)]))
    assert same.of_a[0] == 1


@pytest.mark.parametrize("pins", [[(0, 9)], [(-1, 0)], [(0, 0), (0, 1)], [(0, 0), (1, 0)]])
def test_pins_that_cannot_be_are_a_mistake(pins: Sequence[tuple[int, int]]) -> None:
    one = side(parsed("p = Neg (x) y = Abs (p)"))
    with pytest.raises(UsageMistake, match="pin"):
        match(one, one, pins=pins)


def test_models_that_share_nothing_have_no_pairs() -> None:
    a = parsed("p = Neg (x) q = Exp (p) y = Tanh (q)")
    b = onnx.parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 20]> h (int64[2] a, int64[2] b) => (int64[4] c) '
        "{ s = Mul (a, b) c = Concat <axis = 0> (s, a) }"
    )
    assert pairs(a, b) == []


def test_a_model_without_nodes_is_one_too() -> None:
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "nothing", [], []))
    assert match(side(empty), side(empty)).pairs == ()
    assert match(side(empty), side(layers(1))).pairs == ()
    assert match(side(layers(1)), side(empty)).pairs == ()


def test_inputs_and_outputs_in_another_order_are_known_by_their_names() -> None:
    head = '<ir_version: 10, opset_import: ["" : 20]> g '
    a = onnx.parser.parse_model(
        head + "(float[4] p, float[4] q) => (float[4] r, float[4] s) { r = Neg (p) s = Neg (q) }"
    )
    b = onnx.parser.parse_model(
        head + "(float[4] q, float[4] p) => (float[4] s, float[4] r) { s = Neg (q) r = Neg (p) }"
    )
    assert pairs(a, b) == [("r", "r"), ("s", "s")]


def test_a_circle_of_nodes_ends_all_the_same() -> None:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "b"], ["a"]), onnx.helper.make_node("Neg", ["a"], ["b"])],
        "circle",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4])],
        [onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, [4])],
    )
    circle = onnx.helper.make_model(graph)
    assert pairs(circle, circle) == [("a", "a"), ("b", "b")]
    assert len(pairs(circle, renamed(circle))) == 2
    assert pairs(circle, parsed("a = Add (x, x) y = Neg (a)")) != []


def test_many_twins_at_one_place_take_no_time_for_each_pair_of_them() -> None:
    many = "".join(f"t{number} = MatMul (x, w) " for number in range(300))
    weights = "<float[4,4] w = {" + LOW + "}>"
    a, b = parsed(many + "y = Neg (t7)", weights), parsed(many + "z = Exp (t9) y = Neg (z)", weights)
    assert len(pairs(a, b)) >= 1


def test_where_every_weight_and_attribute_is_another_the_order_of_the_operators_is_left() -> None:
    def chain(seed: int, **attributes: int) -> onnx.ModelProto:
        values = np.random.default_rng(seed)
        nodes, weights, before = [], [], "x"
        for number in range(20):
            after = "y" if number == 19 else f"v{seed}_{number}"
            weight = values.standard_normal((4, 4)).astype(np.float32)
            weights.append(numpy_helper.from_array(weight, f"w{seed}_{number}"))
            nodes.append(helper.make_node("Gemm", [before, weights[-1].name], [after], **attributes))
            before = after
        x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in "xy")
        graph = helper.make_graph(nodes, "chain", [x], [y], weights)
        return helper.make_model(graph)

    found = sound(match(side(chain(0)), side(chain(1, transB=1))))
    assert [(pair.a, pair.b) for pair in found.pairs] == [(number, number) for number in range(20)]
