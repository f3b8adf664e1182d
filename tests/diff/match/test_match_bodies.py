"""Bodies of control flow and local functions are matched inside, each with its own."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest
from graphs import renamed, shuffled, side

from onnxmagic.diff.match import match
from onnxmagic.diff.side import Side
from onnxmagic.errors import UsageMistake

FLOW = """
<ir_version: 10, opset_import: ["" : 20]>
flow (bool c, float[4] x, int64 n) => (float[4] y, float[4] z)
{
   y = If (c) <
      then_branch = yes () => (float[4] a) { p = Neg (x)  q = Abs (p)  a = Exp (q) },
      else_branch = no () => (float[4] b) { r = Abs (x)  b = Neg (r) }
   >
   z = Loop (n, c, y) <
      body = round (int64 i, bool go, float[4] s) => (bool on, float[4] t) {
         on = Identity (go)
         u = Mul (s, s)
         w = Neg (u)
         t = If (go) <
            then_branch = more () => (float[4] e) { e = Abs (w) },
            else_branch = less () => (float[4] f) { f = Neg (w) }
         >
      }
   >
}
"""
CALLS = """
<ir_version: 10, opset_import: ["" : 20, "own" : 1]>
calls (float[4] x) => (float[4] y)
{
   p = own.twice (x)
   q = Neg (p)
   y = own.twice (q)
}
<domain: "own", opset_import: ["" : 20]>
twice (a) => (b)
{
   h = Add (a, a)
   b = Relu (h)
}
"""


def parsed(text: str) -> onnx.ModelProto:
    return onnx.parser.parse_model(text)


def place(one: Side, index: int) -> str:
    """Return where a node is, and what it is."""
    outline = one.outline
    return f"{outline.scopes[outline.of_node[index]].path}: {outline.nodes[index].op_type}"


def found(a: onnx.ModelProto, b: onnx.ModelProto) -> tuple[set[tuple[str, str]], list[str], list[str]]:
    """Return the pairs by places, and the places of the nodes of each side that have no partner."""
    first, second = side(a), side(b)
    matching = match(first, second)
    back = match(second, first)
    assert back.of_b == matching.of_a
    left = [place(first, index) for index in range(len(first.nodes)) if index not in matching.of_a]
    right = [place(second, index) for index in range(len(second.nodes)) if index not in matching.of_b]
    return {(place(first, pair.a), place(second, pair.b)) for pair in matching.pairs}, left, right


@pytest.mark.parametrize("text", [FLOW, CALLS])
def test_renamed_and_shuffled_bodies_are_found_whole(text: str) -> None:
    a = parsed(text)
    pairs, left, right = found(a, shuffled(renamed(a)))
    assert (left, right) == ([], [])
    # Owners are called by their names, and those are new.
    assert all(one.rpartition(" ")[2] == other.rpartition(" ")[2] for one, other in pairs)


def test_edits_in_bodies_are_seen_through() -> None:
    changed = FLOW.replace("q = Abs (p)", "k = Sin (p) q = Abs (k)").replace("w = Neg (u)", "v = Neg (u) w = Tanh (v)")
    pairs, left, right = found(parsed(FLOW), parsed(changed))
    assert all(one == other for one, other in pairs)
    assert left == []
    assert right == ["If.then_branch: Sin", "Loop.body: Tanh"]


def test_a_node_of_a_branch_is_never_found_in_the_other_branch() -> None:
    head = '<ir_version: 10, opset_import: ["" : 20]> g (bool c, float[4] x) => (float[4] y) { y = If (c) <'
    then, other = "{ p = Sin (x) a = Exp (p) }", "{ b = Neg (x) }"
    one = f"{head} then_branch = t () => (float[4] a) {then}, else_branch = e () => (float[4] b) {other} > }}"
    two = f"{head} then_branch = e () => (float[4] b) {other}, else_branch = t () => (float[4] a) {then} > }}"
    pairs, left, right = found(parsed(one), parsed(two))
    assert ("If", "If") in {(a.rpartition(" ")[2], b.rpartition(" ")[2]) for a, b in pairs}
    assert all(a.partition(":")[0] == b.partition(":")[0] for a, b in pairs)
    assert len(left) >= 1
    assert len(right) >= 1


def test_each_call_of_a_function_has_the_body_of_its_own() -> None:
    a = parsed(CALLS)
    b = parsed(CALLS.replace("q = Neg (p)", "o = own.twice (p) q = Neg (o)"))
    first, second = side(a), side(b)
    matching = match(first, second)
    calls = [index for index, node in enumerate(first.nodes) if node.op_type == "twice"]
    assert all(index in matching.of_a for index in calls)
    for pair in matching.pairs:
        scopes = (
            first.outline.scopes[first.outline.of_node[pair.a]],
            second.outline.scopes[second.outline.of_node[pair.b]],
        )
        if scopes[0].owner >= 0:
            assert matching.of_a[scopes[0].owner] == scopes[1].owner
    assert sorted(node.op_type for index, node in enumerate(second.nodes) if index not in matching.of_b) == [
        *("Add", "Relu", "twice"),
    ]


def test_ifs_in_another_order_are_told_apart_by_what_is_in_them() -> None:
    head = '<ir_version: 10, opset_import: ["" : 20]> g (bool c, float[4] x) => (float[4] y)'
    sin = (
        "If (c) <then_branch = t () => (float[4] a) { s = Sin (x) a = Neg (s) }, "
        "else_branch = e () => (float[4] b) { b = Identity (x) }>"
    )
    cos = sin.replace("Sin", "Cos")
    pairs, left, right = found(
        parsed(f"{head} {{ p = {sin} q = {cos} y = Add (p, q) }}"),
        parsed(f"{head} {{ p = {cos} q = {sin} y = Add (p, q) }}"),
    )
    assert (left, right) == ([], [])
    assert {a.rpartition(" ")[2] for a, b in pairs if a.rpartition(" ")[2] == b.rpartition(" ")[2]} >= {"Sin", "Cos"}


def test_a_pin_inside_a_body_pins_the_owners_too() -> None:
    a = parsed(CALLS)
    one = side(a)
    bodies = [index for index, node in enumerate(one.nodes) if node.op_type == "Relu"]
    matching = match(one, one, pins=[(bodies[0], bodies[1])])
    owners = [one.outline.scopes[one.outline.of_node[index]].owner for index in bodies]
    assert matching.of_a[bodies[0]] == bodies[1]
    assert matching.of_a[owners[0]] == owners[1]


def test_a_pin_from_inside_a_body_to_outside_is_a_mistake() -> None:
    one = side(parsed(CALLS))
    inner = next(index for index, node in enumerate(one.nodes) if node.op_type == "Relu")
    with pytest.raises(UsageMistake, match="same body"):
        match(one, one, pins=[(inner, 1)])
