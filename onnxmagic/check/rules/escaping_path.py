"""# escaping-path: the model keeps weights outside its own folder.

## What it finds

External data at an absolute path, above the model's folder, or behind a symbolic link that leads out of it. It is
never opened.

## Why it hurts

On every other machine the path leads nowhere. ONNX Runtime and `onnx.load` refuse such a model, since it could make
them read any file of the person who loads it.

## How to mend it

Save the model again with a plain file name as location, beside the model, or as one file.

## Bad example

    import numpy as np
    import onnx

    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 16] x) => (float[n, 16] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    weight = model.graph.initializer.add(name="w", data_type=onnx.TensorProto.FLOAT, dims=[16, 16])
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../weights.data")
    onnx.save(model, "net.onnx")
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
from onnxmagic.check.wording import listed

RULE = Rule("OM604", "escaping-path", "error", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for all data that lies outside the model's folder."""
    outside = [sidecar.location for sidecar in evidence.sidecars if sidecar.escapes]
    if outside:
        yield RULE.finding(
            f"The model wants its weights from {listed(outside)}, outside its own folder. It was not opened; runtimes "
            "refuse it, and no other machine has it there.",
            count=len(outside),
            fix=Fix("code", 'onnx.save(model, "net.onnx", save_as_external_data=True, location="net.onnx.data")'),
        )
