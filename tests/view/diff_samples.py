"""Diffs made by hand, with all that a view may have to show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import onnx.parser

from onnxmagic.check.finding import Finding, Where
from onnxmagic.diff.matching import Matching, Pair
from onnxmagic.diff.result import (
    AtNode,
    Change,
    CostDiff,
    Diff,
    FindingsDiff,
    Latency,
    ModuleCost,
    NodeChange,
    NodesDiff,
    OutputsDiff,
    Region,
    SignatureChange,
    SignatureDiff,
    Spread,
    ValueChange,
    WeightChange,
    WeightsDiff,
)
from onnxmagic.diff.side import Side
from onnxmagic.diff.summary import summarised
from onnxmagic.graph.drawn import outlined
from onnxmagic.graph.read import read

BEFORE = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch, 4] x) => (float[batch, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [head_MatMul] h = MatMul (x, w)
   [head_Add] s = Add (h, b)
   [act_Relu] y = Relu (s)
}
"""
AFTER = BEFORE.replace("Relu (s)", "Sigmoid (s)").replace("act_Relu", "act_Sigmoid")


def chain(length: int) -> str:
    """Return a model of `length` nodes, one after the other."""
    nodes = "\n".join(f"[node_{i}] v{i + 1} = Relu (v{i})" for i in range(length - 1))
    last = f"[node_{length - 1}] y = Relu (v{length - 1})"
    return f'<ir_version: 10, opset_import: ["" : 20]> net (float[4] v0) => (float[4] y) {{ {nodes} {last} }}'


def side(text: str, name: str) -> Side:
    """Return the model written in `text` as a side."""
    graph = read(onnx.parser.parse_model(text).SerializeToString())
    return Side(name, graph, outlined(graph))


def same(**changes: Any) -> Diff:
    """Return two models that are the same, unless `changes` says otherwise."""
    a, b = side(BEFORE, "before.onnx"), side(BEFORE, "after.onnx")
    diff = Diff(
        a,
        b,
        Matching(tuple(Pair(i, i, "same computation from the inputs") for i in range(3))),
        SignatureDiff(),
        NodesDiff(same=3),
        (),
        WeightsDiff(same=2),
        OutputsDiff(True, "", "your example", 4, (value("y", 0.0),), (value("h", 0.0), value("y", 0.0)), seconds=0.2),
        CostDiff((10, 10), (64, 64), (40, 40), (3, 3)),
        FindingsDiff(reason=""),
        "Identical.",
    )
    return replace(diff, **changes)


def value(name: str, apart: float, **changes: Any) -> ValueChange:
    """Return a value that both compute, `apart` from one another."""
    known = ValueChange(name, name, None, apart, apart * 2, shapes=((4, 2), (4, 2)))
    return replace(known, **changes)


def at(index: int, op_type: str, module: str | None = "encoder.layer.0", name: str = "") -> AtNode:
    """Return a node."""
    return AtNode(index, name or f"node_{op_type}_{index}", op_type, module)


def changed(**changes: Any) -> Diff:
    """Return two models that differ in everything."""
    norm = tuple(at(i, op) for i, op in enumerate(["Pow", "ReduceMean", "Add", "Sqrt", "Div", "Mul"], 20))
    where = Where(module="encoder.layer.0.attention", cell=4, line=12, source="y = self.attention(x)")
    first = value("attn", 3e-3, node=at(11, "MatMul", "encoder.layer.0.attention"), where=where)
    diff = same(
        a=side(chain(40), "before.onnx"),
        b=side(chain(40), "after.onnx"),
        matching=Matching(tuple(Pair(i, i, "same place between matched neighbours") for i in range(2, 7))),
        signature=SignatureDiff(
            (
                SignatureChange("opset", "18", "20", breaking=False, why="a runtime must read opset 20"),
                SignatureChange(
                    "axis 0 of input `x`", "batch", "1", breaking=True, why="other batch sizes are refused"
                ),
            )
        ),
        nodes=NodesDiff(
            added=(at(9, "Clip", "head"), at(30, "RMSNormalization")),
            removed=(at(8, "Identity", None), *norm),
            changed=(
                NodeChange(
                    at(4, "Softmax", "encoder.layer.0.attention"),
                    at(5, "Softmax", "encoder.layer.0.attention"),
                    "same place between matched neighbours",
                    (Change("attribute", "attribute axis", "1", "-1"), Change("input", "input 1", "", "mask")),
                ),
                NodeChange(at(6, "Relu", "head"), at(6, "Gelu", "head"), "same gap", (Change("operator", "", "", ""),)),
            ),
            moved=(NodeChange(at(2, "Add", "stem"), at(2, "Add", "body"), "same computation", ()),),
            same=850,
        ),
        regions=(
            Region("RMSNormalization", norm, (at(30, "RMSNormalization"),), 12, ("encoder.layer.0", "encoder.layer.1")),
            Region("", (at(8, "Identity", None),), (), 1, ()),
        ),
        weights=WeightsDiff(
            changed=(
                WeightChange("fc.bias", "b", "b", (2,), ("float32", "float32"), (), 1e-4, 5e-5, 0.9999999),
                WeightChange(
                    "fc.weight",
                    "val_3",
                    "w_int8",
                    (4, 2),
                    ("float32", "int8"),
                    ("transposed", "dequantised"),
                    3.1e-3,
                    1e-3,
                    0.98,
                    (0, 2),
                ),
                WeightChange(
                    "bn.weight", "g", "c", (2,), ("float32", "float32"), ("folded",), reason="folded into a Conv"
                ),
            ),
            added=("scale", "zero_point"),
            removed=("bn.bias",),
            renamed=(("val_1", "emb.weight"),),
            same=60,
            unread=(("big", "its file is missing"),),
        ),
        outputs=OutputsDiff(
            True,
            "",
            "your data",
            200,
            (value("y", 0.31, nan=(0, 3)), value("z", 0.0), value("t", float("inf"), shapes=((1, 3), (1, 4)))),
            (value("h", 0.0), first),
            first,
            left_out="12 values were left out: 512 MB at once are the most.",
            seconds=1.3,
        ),
        cost=CostDiff(
            (25_600_000, 25_600_000),
            (8_200_000_000, 4_100_000_000),
            (102_400_000, 25_700_000),
            (969, 860),
            (ModuleCost("encoder", (20, 20), (8_000_000_000, 4_000_000_000), (99_000_000, 24_800_000), (900, 800)),),
            Latency(Spread(0.0123, 0.0119, 0.0130), Spread(0.0041, 0.0040, 0.0050), 20, "ONNX Runtime 1.31.1 (CPU)"),
            "",
        ),
        findings=FindingsDiff(
            (Finding("OM206", "unused-input", "warning", "`mask` is used by nothing.", Where(node="n")),),
            (Finding("OM601", "duplicate-weights", "info", "`a` and `b` hold the same values."),),
            "",
        ),
        summary="",
        notes=("The file of the first was replaced since.",),
    )
    return summarised(replace(diff, **changes))


HOSTILE = "<img src=x onerror=alert(1)> `a|b\\` @someone #1 http://x.y **b**\u202e\n| c"


def hostile() -> Diff:
    """Return a diff whose names are markup, mentions and control characters."""
    node = AtNode(0, HOSTILE, HOSTILE, HOSTILE)
    weight = WeightChange(HOSTILE, HOSTILE, HOSTILE, (1,), (HOSTILE, "float32"), (HOSTILE,), 1.0, 1.0, 0.5)
    odd = value(HOSTILE, 1.0, node=node, where=Where(module=HOSTILE, source=HOSTILE, file=HOSTILE, line=1))
    base = changed()
    found = replace(
        base,
        a=replace(base.a, name=HOSTILE),
        nodes=NodesDiff(
            (node,), (node,), (NodeChange(node, node, HOSTILE, (Change("input", HOSTILE, HOSTILE, "b"),)),)
        ),
        regions=(Region(HOSTILE, (node,), (node,), 2, (HOSTILE,)),),
        signature=SignatureDiff((SignatureChange(HOSTILE, HOSTILE, HOSTILE, True, HOSTILE),)),
        weights=WeightsDiff((weight,), (HOSTILE,), (HOSTILE,), unread=((HOSTILE, HOSTILE),)),
        outputs=OutputsDiff(True, "", HOSTILE, 1, (odd,), (odd,), odd, left_out=HOSTILE),
        findings=FindingsDiff((Finding("OM206", "unused-input", "error", HOSTILE),), (), ""),
        notes=(HOSTILE,),
    )
    return summarised(found)
