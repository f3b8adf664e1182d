"""# ir-too-new: the format's version is newer than a target reads.

## What it finds

A file whose IR version, the version of the file format, is above the newest that a named target reads.

## Why it hurts

A runtime refuses such a file, whatever is in it. PyTorch writes IR version 10 into every file: of 49 exported models
ONNX Runtime 1.17.3 loaded 3, and 38 once only that number was smaller.

## How to mend it

Export for the target: `%onnx_export model(x) --target onnxruntime==1.17` writes the version that it reads. A file that
is there already is mended by `%onnx_check net.onnx --fix lower-ir -o fixed.onnx`.

## Bad example

    import onnx

    text = '<ir_version: 10, opset_import: ["" : 18]> g (float[n] x) => (float[n] y) { y = Relu(x) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "onnxruntime==1.17"

## Good example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 18]> g (float[n] x) => (float[n] y) { y = Relu(x) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "onnxruntime==1.17"
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule

RULE = Rule("OM503", "ir-too-new", "error", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every target that reads no IR version as new as the file's."""
    version = evidence.graph.ir_version
    for target in evidence.targets:
        highest = target.highest_ir
        if highest is not None and version > highest:
            yield RULE.finding(
                f"The file is of IR version {version}, and {target} reads none above {highest} ({target.ir_fact}): it "
                "refuses the file.",
                fix=Fix("option", "lower the number, if nothing in the file needs it", "--fix lower-ir", "lower-ir"),
            )
