"""# missing-sidecar: the file that holds the weights is not there, or too short.

## What it finds

A model whose weights are in a second file, when that file is not beside it under the name that the model gives, or ends
before the last weight.

## Why it hurts

The model does not load. Most often only the .onnx file was copied, or one of the two was renamed: the name of the
second file is written inside the first.

## How to mend it

Copy both files together and keep their names. A model below 2 GB can be one file: `%onnx_export` writes one by itself,
and `%onnx_check net.onnx --fix -o single.onnx` makes one while both are there.

## Bad example

    import numpy as np
    import onnx
    from pathlib import Path

    weight = onnx.numpy_helper.from_array(np.ones((16, 16), np.float32), "w")
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16] x) => (float[n, 16] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(weight)
    onnx.save(model, "net.onnx", save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    Path("net.onnx.data").unlink()
    path = "net.onnx"

## Good example

    import numpy as np
    import onnx

    weight = onnx.numpy_helper.from_array(np.ones((16, 16), np.float32), "w")
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16] x) => (float[n, 16] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    model.graph.initializer.append(weight)
    onnx.save(model, "net.onnx", save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    path = "net.onnx"
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed, size

RULE = Rule("OM601", "missing-sidecar", "error", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for the files that are not there, and one for each that is too short."""
    inside = [s for s in evidence.sidecars if not s.escapes]
    absent = [s for s in inside if s.size is None]
    if absent:
        many = len(absent) > 1
        yield RULE.finding(
            f"The weights are in {listed(s.location for s in absent)}, {'which are' if many else 'which is'} not "
            "beside the model, so it does not load.",
            count=len(absent),
            fix=Fix("code", f"copy {listed(s.location for s in absent)} beside the model, under this name"),
        )
    for sidecar in inside:
        if sidecar.size is not None and sidecar.size < sidecar.needed:
            yield RULE.finding(
                f"{code(sidecar.location)} has {size(sidecar.size)}, and the weights in it end at "
                f"{size(sidecar.needed)}: it is cut off, or of another model.",
                fix=Fix("code", f"copy {code(sidecar.location)} again, from where the model was made"),
            )
