"""Bodies of control flow and of local functions: laid open, joined to what is around them, and never without end."""

from __future__ import annotations

import onnx
import onnx.parser
import pytest
from outlines import arrows, of_nodes, outlined, places, sound
from small_graphs import BRANCH, model, with_weight

from onnxmagic.graph import wiring
from onnxmagic.graph.facts import Function, Graph, Node, Value
from onnxmagic.graph.outline import outline

LOOP = """
<ir_version: 10, opset_import: ["" : 20]>
loop (int64 n, float[4] x) => (float[4] y, float[k,4] all)
{
   cond = Constant <value_int = 1> ()
   start = Abs (x)
   y, all = Loop (n, cond, start) <
      body = round (int64 i, bool going, float[4] state) => (bool more, float[4] next, float[4] seen) {
         more = Identity (going)
         next = Add (state, x)
         seen = Neg (next)
      }
   >
}
"""

SCAN = """
<ir_version: 10, opset_import: ["" : 20]>
scan (float[4] first, float[9,4] xs) => (float[4] last, float[9,4] ys)
{
   last, ys = Scan <num_scan_inputs = 1, body = step (float[4] state, float[4] x) => (float[4] next, float[4] y) {
      next = Add (state, x)
      y = Relu (next)
   }> (first, xs)
}
"""

NESTED = """
<ir_version: 10, opset_import: ["" : 20]>
nested (bool c, float[4] x) => (float[4] y)
{
   y = If (c) <
      then_branch = yes () => (float[4] a) {
         a = If (c) <then_branch = p () => (float[4] d) {d = Neg (x)}, else_branch = q () => (float[4] e) {e = Abs (x)}>
      },
      else_branch = no () => (float[4] b) { x = Exp (x) b = Sin (x) }
   >
}
"""

CALLS = """
<ir_version: 10, opset_import: ["" : 20, "mine" : 1]>
calls (float[n,4] x) => (float[n,4] y)
<float[4] w = {1,2,3,4}>
{
   h = mine.Scaled <alpha = 0.5> (x, w)
   y = mine.Scaled (h, w)
}
<domain: "mine", opset_import: ["" : 20]>
Scaled <alpha: float = 0.1, beta> (a, scale) => (out)
{
   m = LeakyRelu <alpha: float = @alpha> (a)
   k = Elu <alpha: float = @beta> (m)
   out = Mul (k, scale)
}
"""


def test_the_branches_of_an_if() -> None:
    found = outlined(BRANCH)
    assert [(s.name, s.kind, s.owner, s.parent) for s in found.scopes[1:]] == [
        ("then_branch", "body", 0, 0),
        ("else_branch", "body", 0, 0),
    ]
    assert places(found) == [("If", ""), ("Neg", "If.then_branch"), ("Abs", "If.else_branch")]
    assert arrows(found) == {
        ("in", "c", "If"),
        ("in", "x", "Neg"),
        ("in", "x", "Abs"),
        ("Neg", "a", "If"),
        ("Abs", "b", "If"),
        ("If", "y", "out"),
    }


def test_a_loop_hands_its_state_in() -> None:
    found = outlined(LOOP)
    assert found.scopes[1].path == "Loop.body"
    assert {
        ("Constant", "cond", "Identity"),
        ("Abs", "start", "Add"),
        ("in", "x", "Add"),
        ("Add", "next", "Neg"),
        ("Add", "next", "Loop"),
        ("Identity", "more", "Loop"),
    } <= arrows(found)


def test_the_number_of_the_round_comes_from_nowhere() -> None:
    found = outlined(LOOP.replace("next = Add (state, x)", "f = Cast <to = 1> (i) next = Add (state, f)"))
    cast = next(index for index, node in enumerate(found.nodes) if node.op_type == "Cast")
    assert [edge for edge in found.edges if edge.target == cast] == []
    assert found.values[found.reads[cast][0]].name == "i"


def test_a_scan_hands_slices_in() -> None:
    found = outlined(SCAN)
    add = next(index for index, node in enumerate(found.nodes) if node.op_type == "Add")
    assert {("in", "first", "Add"), ("in", "xs", "Add"), ("Relu", "y", "Scan")} <= arrows(found)
    assert [found.values[value].shape for value in found.reads[add]] == [(4,), (4,)]


def test_names_of_a_body_hide_those_around_it() -> None:
    found = outlined(NESTED)
    assert {("in", "x", "Neg"), ("in", "x", "Abs"), ("Exp", "x", "Sin")} <= arrows(found)
    assert ("in", "x", "Sin") not in arrows(found)
    assert [scope.path for scope in found.scopes[1:]] == [
        "If.then_branch",
        "If.else_branch",
        "If.then_branch.If.then_branch",
        "If.then_branch.If.else_branch",
    ]


def test_weights_of_a_body() -> None:
    proto = model(BRANCH)
    body = proto.graph.node[0].attribute[0].g
    body.initializer.append(with_weight(model(BRANCH), "w", [4]).graph.initializer[0])
    body.node[0].op_type = "Add"
    body.node[0].input.append("w")
    found = outlined(proto)
    assert found.weights[1] == (0,)
    assert [weight.name for weight in found.inner] == ["w"]


def test_calls_of_a_local_function() -> None:
    found = outlined(CALLS)
    assert [(s.name, s.path, s.owner) for s in found.scopes[1:]] == [
        ("Scaled", "Scaled.Scaled", 0),
        ("Scaled", "Scaled.Scaled~2", 1),
    ]
    assert [node.op_type for node in found.nodes] == ["Scaled", "Scaled", *["LeakyRelu", "Elu", "Mul"] * 2]
    assert {("in", "x", "LeakyRelu"), ("Scaled", "h", "LeakyRelu"), ("Mul", "out", "Scaled")} <= arrows(found)
    assert [used for used in found.weights if used] == [(0,)] * 4


def test_attributes_of_a_function_are_those_of_the_call() -> None:
    found = outlined(CALLS)
    assert [node.attributes for node in found.nodes if node.op_type == "LeakyRelu"] == [
        {"alpha": pytest.approx(0.5)},
        {"alpha": pytest.approx(0.1)},
    ]
    assert [node.attributes for node in found.nodes if node.op_type == "Elu"] == [{}, {}]


def test_what_a_function_gives_has_the_type_that_the_call_has() -> None:
    found = outlined(CALLS)
    multiplied = [index for index, node in enumerate(found.nodes) if node.op_type == "Mul"]
    assert found.values[found.makes[multiplied[1]][0]].shape == ("n", 4)


def test_a_branch_in_a_function_reads_the_attributes_of_the_call() -> None:
    text = CALLS.replace(
        "out = Mul (k, scale)",
        "c = Constant <value_int = 1> () t = Cast <to = 9> (c) out = If (t) <"
        "then_branch = p () => (o) {o = LeakyRelu <alpha: float = @alpha> (k)}, "
        "else_branch = q () => (r) {r = Mul (k, scale)}>",
    )
    found = outlined(text)
    inner = [n for n, path in zip(found.nodes, found.of_node, strict=True) if "then" in found.scopes[path].path]
    assert [node.attributes["alpha"] for node in inner] == [pytest.approx(0.5), pytest.approx(0.1)]


def _function(name: str, *calls: str) -> Function:
    values = ["in", *(f"v{i}" for i in range(len(calls) - 1)), "out"]
    nodes = [Node("", op, "f", (values[i],), (values[i + 1],)) for i, op in enumerate(calls)]
    return Function(name, "f", "", ("in",), ("out",), tuple(nodes))


def _calling(name: str, *functions: Function) -> Graph:
    base = of_nodes([Node("", name, "f", ("x",), ("y",))], "x", "y")
    return Graph(
        **{field: getattr(base, field) for field in Graph.__dataclass_fields__ if field != "local"}, local=functions
    )


def test_functions_that_call_themselves() -> None:
    found = sound(outline(_calling("a", _function("a", "a", "b"), _function("b", "a", "b"))))
    assert [node.op_type for node in found.nodes] == ["a", "a", "b", "a", "b"]


def test_functions_that_double_forty_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "LIMIT", 5000)  # ten seconds less than with the real one
    functions = [_function(f"f{i}", f"f{i + 1}", f"f{i + 1}") for i in range(40)]
    found = sound(outline(_calling("f0", *functions)))
    assert 2500 < len(found.nodes) <= 5000


def test_functions_a_thousand_deep() -> None:
    found = sound(outline(_calling("f0", *(_function(f"f{i}", f"f{i + 1}") for i in range(1000)))))
    assert len(found.nodes) == 101


def test_a_function_with_large_branches_called_often_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "LIMIT", 5000)
    branch = Graph(
        "b", (), (Value("v", "", None),), tuple(Node("", "Relu", "", ("q",), ("v",)) for _ in range(1000)),
        (), {}, {"": 20}, 10, "", None,
    )  # fmt: skip
    holder = Function("f", "f", "", ("q",), ("o",), (Node("", "If", "", ("q",), ("o",), body=(branch,)),))
    calls = [Node("", "f", "f", ("x",), (f"y{i}",)) for i in range(1000)]
    base = of_nodes(calls, "x", "y0")
    found = sound(
        outline(
            Graph(**{n: getattr(base, n) for n in Graph.__dataclass_fields__ if n != "local"}, local=(holder,)),
        )
    )
    assert 2000 < len(found.nodes) <= 5000


def test_bodies_of_a_module_are_scoped_from_there() -> None:
    body = Graph(
        "b", (), (Value("v", "", None),),
        (
            Node("", "Relu", "", ("x",), ("u",), module="net.cond.act"),
            Node("", "Abs", "", ("u",), ("v",), module="net.cond"),
        ),
        (), {}, {"": 20}, 10, "", None,
    )  # fmt: skip
    owner = Node(
        "choose", "If", "", ("x",), ("y",), {"then_branch": "graph of 2 nodes"}, module="net.cond", body=(body,)
    )
    found = sound(outline(of_nodes([owner], "x", "y")))
    assert places(found) == [
        ("If", "net.cond"),
        ("Relu", "net.cond.choose.then_branch.act"),
        ("Abs", "net.cond.choose.then_branch"),
    ]


def test_the_parser_reads_these(tmp_path: object) -> None:
    for text in (LOOP, SCAN, CALLS):
        onnx.checker.check_model(onnx.parser.parse_model(text))
