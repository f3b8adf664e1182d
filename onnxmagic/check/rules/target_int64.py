"""# target-int64: int64 inputs or outputs on a target that dislikes them.

## What it finds

Inputs and outputs of 64-bit integers in a file that is meant for a target which casts them down or makes them awkward
to hand over. Token ids and class numbers are such, because PyTorch's integers are.

## Why it hurts

TensorRT before 9 casts them down to 32 bits and clamps what does not fit. In JavaScript they are a `BigInt64Array`,
whose numbers cannot be mixed with plain ones.

## How to mend it

Export with an int32 example, where the model takes one (`ids.int()`): an embedding does.

## Bad example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 17]> g (int64[4] ids) => (int64[4] y) { y = Neg(ids) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "onnxruntime-web"

## Good example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 17]> g (int32[4] ids) => (int32[4] y) { y = Neg(ids) }'
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "onnxruntime-web"
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed

RULE = Rule("OM506", "target-int64", "info", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every target that does not simply take the int64 inputs and outputs."""
    wide = [value.name for value in (*evidence.graph.inputs, *evidence.graph.outputs) if value.dtype == "int64"]
    if not wide:
        return
    for target in evidence.targets:
        if target.int64_io in ("no", "dislikes"):
            yield RULE.finding(
                f"{listed(wide)} {'is' if len(wide) == 1 else 'are'} int64. {target}: {target.int64_note} "
                f"({target.int64_fact}).",
                count=len(wide),
                fix=Fix("code", "export with an int32 example where the model takes one: ids.int()"),
            )
