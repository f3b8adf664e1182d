"""Diffs made by hand: nodes of one name are one node, so that what a view shows is not the matching's business."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from onnxmagic.diff.matching import Matching, Pair
from onnxmagic.diff.result import (
    AtNode,
    Change,
    CostDiff,
    Diff,
    FindingsDiff,
    NodeChange,
    NodesDiff,
    OutputsDiff,
    SignatureDiff,
    ValueChange,
    WeightChange,
    WeightsDiff,
)
from onnxmagic.diff.side import Side
from onnxmagic.diff.summary import summarised
from onnxmagic.graph.read import read

sys.path[:0] = [str(Path(__file__).parents[2] / "graph"), str(Path(__file__).parents[3] / "benchmarks")]

import layers as bert  # noqa: E402  # pyright: ignore[reportMissingImports]  # of benchmarks; put on the path above
import small_graphs  # noqa: E402  # pyright: ignore[reportMissingImports]  # of tests/graph; put on the path above

BEFORE = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch,4] x) => (float[batch,4] y)
<float[4,4] w1 = {1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4}, float[4,4] w2 = {1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4}>
{
   [up] a = MatMul (x, w1)
   [act] b = Relu (a)
   [drop] c = Identity (b)
   [down] d = MatMul (c, w2)
   [sum] e = Add (d, x)
   [one] f = Abs (e)
   [two] g = Neg (f)
   [three] h = Exp (g)
   [prob] y = Softmax <axis = -1> (h)
}
"""
AFTER = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch,4] x) => (float[batch,4] y, float[batch,4] extra)
<float[4,4] w1 = {1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4}, float[4,4] w2 = {1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,5}>
{
   [up] a = MatMul (x, w1)
   [act] b = Gelu <approximate = "tanh"> (a)
   [down] d = MatMul (b, w2)
   [norm] n = Tanh (d)
   [sum] e = Add (n, x)
   [one] f = Abs (e)
   [two] g = Neg (f)
   [three] h = Exp (g)
   [prob] y = Softmax <axis = 1> (h)
   [more] extra = Sigmoid (d)
}
"""
SCOPES = {
    "up": ("block.up", "Linear"),
    "act": ("block.act", "ReLU"),
    "drop": ("block", "Block"),
    "down": ("block.down", "Linear"),
    "norm": ("block.norm", "Tanh"),
    "sum": ("block", "Block"),
    "one": ("tail.one", "One"),
    "two": ("tail.two", "Two"),
    "three": ("tail.three", "Three"),
    "prob": ("", ""),
    "more": ("", ""),
}


def text(source: str, *, scopes: bool = True) -> onnx.ModelProto:
    """Return a model of ONNX text, its nodes in the modules of ``SCOPES``."""
    model = small_graphs.model(source)
    return small_graphs.scoped(model, **{n.name: SCOPES[n.name] for n in model.graph.node}) if scopes else model


def side(model: onnx.ModelProto, name: str) -> Side:
    """Return a model as the diff looks at it."""
    data = model.SerializeToString()
    graph = read(data)
    return Side(name, graph, graph.outline(), data)


def at(side: Side, index: int) -> AtNode:
    """Return a node of a side."""
    node = side.nodes[index]
    return AtNode(index, node.name, node.op_type, node.module)


def compared(before: onnx.ModelProto, after: onnx.ModelProto, **fields: Any) -> Diff:
    """Return a diff of two models in which nodes of one name are one; `fields` are the diff's, as they are."""
    a, b = side(before, "before.onnx"), side(after, "after.onnx")
    names = {node.name: index for index, node in enumerate(b.nodes)}
    pairs = tuple(Pair(i, names[n.name], "same name") for i, n in enumerate(a.nodes) if n.name in names)
    matching = Matching(pairs)
    changed = [each for pair in pairs if (each := _change(a, b, pair))]
    nodes = NodesDiff(
        tuple(at(b, index) for index in range(len(b.nodes)) if index not in matching.of_b),
        tuple(at(a, index) for index in range(len(a.nodes)) if index not in matching.of_a),
        tuple(changed),
        same=len(pairs) - len(changed),
    )
    plain: dict[str, Any] = {
        "signature": SignatureDiff(),
        "nodes": nodes,
        "regions": (),
        "weights": WeightsDiff(),
        "outputs": OutputsDiff(),
        "cost": CostDiff(),
        "findings": FindingsDiff(),
        "summary": "",
    }
    return summarised(Diff(a, b, matching, **{**plain, **fields}))


def _change(a: Side, b: Side, pair: Pair) -> NodeChange | None:
    before, after = a.nodes[pair.a], b.nodes[pair.b]
    changes: list[Change] = []
    if before.op_type != after.op_type:
        changes.append(Change("operator", "operator", before.op_type, after.op_type))
    for name in sorted({*before.attributes, *after.attributes}):
        old, new = before.attributes.get(name, "not set"), after.attributes.get(name, "not set")
        if old != new:
            changes.append(Change("attribute", f"attribute {name}", str(old), str(new)))
    return NodeChange(at(a, pair.a), at(b, pair.b), pair.reason, tuple(changes)) if changes else None


def small(**fields: Any) -> Diff:
    """Return a diff with one of everything: an operator, an attribute, a weight, nodes that came and went."""
    weight = WeightChange("block.down.weight", "w2", "w2", (4, 4), ("float32", "float32"), (), 1.0, 1 / 16, 0.99)
    return compared(text(BEFORE), text(AFTER), **{"weights": WeightsDiff((weight,), same=1), **fields})


def measured(diff: Diff, differences: dict[str, float], tolerance: float = 1e-4) -> Diff:
    """Return `diff` with values compared: the relative difference of what each node named gives."""
    values: list[ValueChange] = []
    for index, node in enumerate(diff.a.nodes):
        if node.name in differences:
            rel = differences[node.name]
            name = node.outputs[0]
            values.append(ValueChange(name, name, at(diff.a, index), 3 * rel, rel))
    first = next((value for value in values if value.max_rel > tolerance), None)
    outputs = OutputsDiff(True, "", "your example", 1, (), tuple(values), first, tolerance, "", 0.1)
    return replace(diff, outputs=outputs)


def large(count: int, every: int = 101) -> Diff:
    """Return a diff of `count` nodes, of which every so many have another operator, came or went."""
    before = bert.build(count)
    after = onnx.ModelProto()
    after.CopyFrom(before)
    nodes = list(after.graph.node)
    del after.graph.node[:]
    for index, node in enumerate(nodes):
        if not node.name:
            node.name = before.graph.node[index].name = f"n{index}"
        kind = index % every
        if kind == 50 and len(node.output) == 1 and len(node.input) == 1:
            node.op_type = "Tanh"
            del node.attribute[:]
        added = onnx.NodeProto(op_type="Identity", name=f"new{index}", input=node.output[:1], output=[f"new{index}"])
        added.metadata_props.extend(node.metadata_props)
        after.graph.node.append(node)
        if kind == 70:
            after.graph.node.append(added)
            for other in nodes[index + 1 :]:
                other.input[:] = [f"new{index}" if name == node.output[0] else name for name in other.input]
    return compared(before, after)
