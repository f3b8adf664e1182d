"""What is said of nodes: what changed, what explains what, and what goes on in bodies."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest
from applied import applied, written
from graphs import layers, side

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import Diff

HEAD = '<ir_version: 10, opset_import: ["" : 20]>'
CHAIN = """
net (float[n,4] x, float[n,4] z) => (float[n,4] y)
{
   [one] h = Relu (x)
   [two] s = Add (h, z)
   [three] e = Exp (s)
   [four] y = Softmax <axis = 1> (e)
}
"""
BRANCH = """
net (bool c, float[4] x) => (float[4] y)
<float[4] w = {1, 2, 3, 4}>
{
   [head] h = Exp (x)
   [choice] y = If (c) <
      then_branch = yes () => (float[4] a) { [inner] m = Neg (h)  [last] a = Mul (m, w) },
      else_branch = no () => (float[4] b) { [other] b = Abs (h) }
   >
}
"""
LOOP = """
net (float[4] x) => (float[4] y)
<int64 n = {3}, bool go = {1}>
{
   [loop] y = Loop (n, go, x) <
      body = round (int64 i, bool c, float[4] v) => (bool d, float[4] w)
      <float[4] step = {1, 2, 3, 4}>
      { [keep] d = Identity (c)  [step_one] u = Add (v, step)  [step_two] w = Tanh (u) }
   >
}
"""
CALL = """
<ir_version: 10, opset_import: ["" : 20, "mine" : 1]>
net (float[4] x) => (float[4] y)
{
   [first] h = mine.twice <by = 2.0> (x)
   [second] y = mine.twice <by = 2.0> (h)
}
<domain: "mine", opset_import: ["" : 20]>
twice <by> (v) => (w)
{
   [factor] f = Constant <value_float: float = @by> ()
   [times] w = Mul (v, f)
}
"""


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(text if "ir_version" in text else HEAD + text)


def diff(before: str, after: str, **pins: str) -> Diff:
    """Return the diff of two models in ONNX text; what it reports makes the second of the first.

    Models of four nodes say little about which is which; where a test needs to know, it pins them by name.
    """
    a, b = (side_of(parsed(text).SerializeToString(), name) for text, name in ((before, "a"), (after, "b")))
    names = [[node.name for node in side.nodes] for side in (a, b)]
    given = [(names[0].index(first), names[1].index(second)) for first, second in pins.items()]
    found = between(a, b, pins=given)
    assert applied(found) == written(found)
    back = between(b, a, pins=[(second, first) for first, second in given])
    assert applied(back) == written(back)
    assert back.nodes.added == found.nodes.removed
    return found


def told(found: Diff) -> list[tuple[str, str, str, str, str]]:
    return [(n.a.name, c.kind, c.what, c.before, c.after) for n in found.nodes.changed for c in n.changes]


@pytest.mark.parametrize("text", [CHAIN, BRANCH, LOOP, CALL])
def test_the_same_model_twice(text):
    assert diff(text, text).identical


def test_an_attribute():
    found = diff(CHAIN, CHAIN.replace("axis = 1", "axis = 0"))
    assert told(found) == [("four", "attribute", "attribute axis", "1", "0")]
    assert found.nodes.changed[0].reason


def test_an_attribute_that_states_its_default_is_no_change():
    assert diff(CHAIN.replace("axis = 1", "axis = -1"), CHAIN.replace("<axis = 1>", "")).identical


def test_a_default_that_another_version_has_changed():
    # Softmax without an axis meant axis 1 up to opset 12, and means the last one since.
    before = CHAIN.replace("<axis = 1>", "").replace("[n,4]", "[n,4,2]")
    found = diff(HEAD.replace("20", "12") + before, HEAD.replace("20", "13") + before)
    assert told(found) == [("four", "attribute", "attribute axis", "1", "-1")]


def test_an_attribute_that_became_an_input_is_one_change():
    before = "net (float[n,4] x) => (float[n] y) { [sum] y = ReduceMean <axes = [1], keepdims = 0> (x) }"
    after = "net (float[n,4] x) => (float[n] y) <int64[1] axes = {1}> { [sum] y = ReduceMean <keepdims = 0> (x, axes) }"
    found = diff(HEAD.replace("20", "13") + before, HEAD.replace("20", "18") + after, sum="sum")
    assert told(found) == [("sum", "attribute", "attribute axes", "[1]", "input 1: [1]")]


def test_an_operator_in_anothers_place():
    found = diff(CHAIN, CHAIN.replace("Relu", "Sigmoid"))
    assert told(found) == [("one", "operator", "operator", "Relu", "Sigmoid")]


def test_what_an_inserted_node_explains_is_not_reported_again():
    found = diff(CHAIN, CHAIN.replace("[three] e = Exp (s)", "[new] t = Tanh (s) [three] e = Exp (t)"))
    assert [(node.name, node.op_type) for node in found.nodes.added] == [("new", "Tanh")]
    assert found.nodes.changed == ()


def test_what_a_removed_node_explains_is_not_reported_again():
    found = diff(CHAIN, CHAIN.replace("[one] h = Relu (x)", "").replace("Add (h, z)", "Add (x, z)"))
    assert [node.name for node in found.nodes.removed] == ["one"]
    assert found.nodes.changed == ()


def test_an_input_that_comes_from_elsewhere():
    after = CHAIN.replace("Exp (s)", "Exp (h)").replace("Softmax <axis = 1> (e)", "Sub (e, s)")
    found = diff(
        CHAIN.replace("Softmax <axis = 1> (e)", "Sub (e, h)"), after, one="one", two="two", three="three", four="four"
    )
    assert told(found) == [
        ("three", "input", "input 0", "Add two", "Relu one"),
        ("four", "input", "input 1", "Relu one", "Add two"),
    ]


def test_inputs_of_the_graph_that_changed_places():
    found = diff(CHAIN.replace("Add", "Sub"), CHAIN.replace("Add (h, z)", "Sub (z, h)"))
    assert told(found) == [
        ("two", "input", "input 0", "Relu one", "the input z"),
        ("two", "input", "input 1", "the input z", "Relu one"),
    ]


def test_another_value_given_back():
    two = CHAIN.replace("float[n,4] y)", "float[n,4] y, float[n,4] s)")
    other = (
        two.replace("s = Add", "e = Add")
        .replace("e = Exp (s)", "s = Exp (e)")
        .replace("Softmax <axis = 1> (e)", "Softmax <axis = 1> (s)")
    )
    found = diff(two, other, one="one", two="two", three="three", four="four")
    assert told(found) == [
        ("two", "output", "graph output s", "Add two", "Exp three"),
        ("three", "output", "graph output s", "Add two", "Exp three"),
    ]


def test_a_branch_is_compared_inside():
    found = diff(BRANCH, BRANCH.replace("Neg", "Sin"))
    assert told(found) == [("inner", "operator", "operator", "Neg", "Sin")]


def test_a_node_put_into_a_branch():
    found = diff(BRANCH, BRANCH.replace("[other] b = Abs (h)", "[new] k = Cos (h) [other] b = Abs (k)"))
    assert [node.name for node in found.nodes.added] == ["new"]
    assert told(found) == []


def test_a_branch_gives_something_else_back():
    after = BRANCH.replace("[other] b = Abs (h)", "[other] k = Abs (h) [new] b = Cos (k)")
    found = diff(BRANCH, after)
    assert [node.name for node in found.nodes.added] == ["new"]
    changed = diff(after, after.replace("(float[4] b) {", "(float[4] k) {"), choice="choice", other="other", new="new")
    assert told(changed) == [("choice", "body", "output 0 of else_branch", "Cos new", "Abs other")]


def test_a_loop_is_compared_inside():
    assert told(diff(LOOP, LOOP.replace("Tanh", "Sin"))) == [("step_two", "operator", "operator", "Tanh", "Sin")]
    found = diff(LOOP, LOOP.replace("Add (v, step)", "Add (step, v)"))
    assert ("step_one", "input", "input 0") in [each[:3] for each in told(found)]


def test_a_weight_in_the_body_of_a_loop():
    found = diff(LOOP, LOOP.replace("{1, 2, 3, 4}", "{1, 2, 3, 5}"))
    assert [each[:3] for each in told(found)] == [("step_one", "weight", "input 1")]
    assert not found.identical


def test_a_function_is_compared_inside_each_of_its_calls():
    found = diff(CALL, CALL.replace("Mul (v, f)", "Div (v, f)"))
    assert told(found) == [("times", "operator", "operator", "Mul", "Div")] * 2
    factor = diff(CALL, CALL.replace("by = 2.0> (h)", "by = 3.0> (h)"))
    assert ("second", "attribute", "attribute by", "2", "3") in told(factor)
    assert ("factor", "attribute", "attribute value_float", "2", "3") in told(factor)
    assert len(factor.nodes.changed) == 2


def test_a_long_constant_in_a_node():
    def model(last: float) -> onnx.ModelProto:
        proto = parsed(
            "net (float[300] x) => (float[300] y) { [c] k = Constant <value_float = 0.0> () [m] y = Mul (x, k) }"
        )
        value = onnx.helper.make_tensor("", onnx.TensorProto.FLOAT, [300], [1.0] * 299 + [last])
        proto.graph.node[0].attribute[0].CopyFrom(onnx.helper.make_attribute("value", value))
        return proto

    sides = [side_of(model(last).SerializeToString(), "model") for last in (1.0, 1.0, 2.0)]
    assert between(sides[0], sides[1]).identical
    found = between(sides[0], sides[2])
    assert [each[:3] for each in told(found)] == [("c", "attribute", "attribute value")]
    assert not found.identical


def test_weights_that_could_not_be_read_are_not_called_the_same():
    model = layers(1)
    unread = side(model, weights=False)
    unread = type(unread)(unread.name, unread.graph, unread.outline)
    found = between(side(model), unread)
    assert not found.identical
    assert found.weights.unread
    assert "could not be compared" in found.summary


def test_the_same_computation_in_another_module_has_moved():
    model = layers(1)
    other = layers(1)
    for node in other.graph.node:
        for entry in node.metadata_props:
            entry.value = entry.value.replace("encoder.layer.0.intermediate", "encoder.layer.0.widened")
    found = between(side(model), side(other))
    assert found.identical
    assert {(c.a.module, c.b.module) for c in found.nodes.moved} >= {
        ("encoder.layer.0.intermediate.dense", "encoder.layer.0.widened.dense")
    }
    assert all(change.changes == () for change in found.nodes.moved)
    assert found.nodes.same + len(found.nodes.moved) == len(found.a.nodes)
