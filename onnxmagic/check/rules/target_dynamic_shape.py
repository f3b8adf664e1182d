"""# target-dynamic-shape: dynamic shapes where a target wants fixed ones.

## What it finds

Inputs with a dynamic axis in a file that is meant for a target which takes fixed shapes only, or asks for more than the
file when they are dynamic.

## Why it hurts

NNAPI leaves every node behind a dynamic axis to the CPU, so the accelerator idles; QNN takes no such file; TensorRT
builds no engine before it is told the smallest, usual and largest sizes.

## How to mend it

Where the target wants fixed shapes, export with `--static` at the size that is used there. A file that is there is
fixed by `python -m onnxruntime.tools.make_dynamic_shape_fixed --dim_param batch --dim_value 1 net.onnx fixed.onnx`.

## Bad example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 18]> g (float[batch, 4] x) => (float[batch, 4] y) { y = Relu(x) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "nnapi"

## Good example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 18]> g (float[1, 4] x) => (float[1, 4] y) { y = Relu(x) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "nnapi"
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed

RULE = Rule("OM505", "target-dynamic-shape", "warning", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every target that does not simply take the dynamic axes of the inputs."""
    inputs = [v.name for v in evidence.graph.inputs if v.shape and any(not isinstance(dim, int) for dim in v.shape)]
    if not inputs:
        return
    for target in evidence.targets:
        if target.dynamic_shapes not in ("no", "partly"):
            continue
        fixed_only = target.dynamic_shapes == "no"
        yield RULE.finding(
            f"{listed(inputs)} {'has' if len(inputs) == 1 else 'have'} dynamic axes. {target}: {target.dynamic_note} "
            f"({target.dynamic_fact}).",
            count=len(inputs),
            severity=None if fixed_only else "info",
            fix=Fix("option", "fix the sizes to those of the example", "--static") if fixed_only else None,
        )
