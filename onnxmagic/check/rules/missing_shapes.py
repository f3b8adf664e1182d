"""# missing-shapes: the file does not say how large its intermediate values are.

## What it finds

Files in which most intermediate values have no shape. torch's older exporter writes none.

## Why it hurts

The file computes the same. But quantisers, profilers, converters and viewers need the shapes, and some stop with "no
shape information": ONNX Runtime's quantiser, TensorRT for parts of the graph, OpenCV.

## How to mend it

ONNX can work the shapes out from the inputs: `--fix shape-inference`, or `onnx.shape_inference.infer_shapes`.

## Bad example

    import onnx.parser

    file = onnx.parser.parse_model(
        '''
        <ir_version: 8, opset_import: ["" : 17]>
        net (float[n,4] x) => (float[n,4] y)
        {
            h = Relu (x)
            y = Neg (h)
        }
        '''
    ).SerializeToString()

## Good example

    import onnx.parser

    file = onnx.parser.parse_model(
        '''
        <ir_version: 8, opset_import: ["" : 17]>
        net (float[n,4] x) => (float[n,4] y)
        <float[n,4] h>
        {
            h = Relu (x)
            y = Neg (h)
        }
        '''
    ).SerializeToString()
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code
from onnxmagic.graph.facts import Graph

RULE = Rule("OM313", "missing-shapes", "info", "graph")

_FIX = Fix("option", "have ONNX work them out", "--fix shape-inference", rewrite="shape-inference")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding when more than half of the intermediate values have no shape."""
    missing, total = _missing(evidence.graph)
    if 2 * len(missing) <= total:
        return
    yield RULE.finding(
        f"{len(missing)} of {total} intermediate values have no shape in the file, {code(missing[0])} is the first. It "
        "runs all the same; quantisers, profilers and viewers need them.",
        count=len(missing),
        fix=_FIX,
    )


def _missing(graph: Graph) -> tuple[list[str], int]:
    """Return the intermediate tensors without a shape, and how many intermediate tensors there are."""
    outputs = {value.name for value in graph.outputs}
    between = [name for node in graph.nodes for name in node.outputs if name and name not in outputs]
    missing = [
        name for name in between if (value := graph.values.get(name)) is None or _shapeless(value.dtype, value.shape)
    ]
    return missing, len(between)


def _shapeless(dtype: str, shape: object) -> bool:
    return shape is None and dtype not in {"sequence", "optional", "map", "opaque"}
