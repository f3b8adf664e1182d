"""# opset-too-new: the operator set is newer than a target reads.

## What it finds

A file whose operator set version is above the newest that a named target reads, or above the newest of which it has the
operators.

## Why it hurts

A runtime refuses such a file as a whole, even when every operator in it is an old one: ONNX Runtime 1.20 loaded none of
the files of opset 22 that it was given.

## How to mend it

Export for the target: `%onnx_export model(x) --target onnxruntime==1.17` chooses the operator set and the IR version
that it reads. Or update the runtime.

## Bad example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 22]> g (float[n] x) => (float[n] y) { y = Relu(x) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "onnxruntime==1.17"

## Good example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 20]> g (float[n] x) => (float[n] y) { y = Relu(x) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "onnxruntime==1.17"
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule

RULE = Rule("OM502", "opset-too-new", "error", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every target that reads no operator set as new as the file's, or lacks parts of it."""
    opset = evidence.graph.opset
    for target in evidence.targets:
        fix = Fix("option", "export for this target, which chooses the opset", target.option)
        highest, whole = target.highest_opset, target.whole_opset
        if highest is not None and opset > highest:
            yield RULE.finding(
                f"The file is of opset {opset}, and {target} reads none above {highest} ({target.opset_fact}): it "
                "refuses the file.",
                fix=fix,
            )
        elif whole is not None and opset > whole:
            yield RULE.finding(
                f"The file is of opset {opset}. {target} reads that number, and lacks operators above {whole}: "
                f"{target.whole_note} ({target.whole_fact}).",
                severity="warning",
                fix=fix,
            )
