"""# over-2gb: the model is too large for one file.

## What it finds

A model with more than 2 GB of weights.

## Why it hurts

It does not by itself. The format of a .onnx file ends at 2 GB, so the weights have to be in a second file, and that has
to be copied along; a model that is loaded from bytes, as in a web browser, has to be told of it.

## How to mend it

Nothing has to be mended. To get below 2 GB, store the weights in half the bytes: `model.half()` before the export, or
quantise the file.

## Bad example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 30000] x) => (float[n, 30000] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    weight = model.graph.initializer.add(name="w", data_type=onnx.TensorProto.FLOAT, dims=[30000, 30000])
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="net.onnx.data")
    file = model.SerializeToString()

## Good example

    import onnx

    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[n, 300] x) => (float[n, 300] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(text)
    weight = model.graph.initializer.add(name="w", data_type=onnx.TensorProto.FLOAT, dims=[300, 300])
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="net.onnx.data")
    file = model.SerializeToString()
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import size

RULE = Rule("OM606", "over-2gb", "info", "graph")

LARGEST = 2**31 - 1
"""Bytes of one protobuf message (https://protobuf.dev/programming-guides/proto-limits/)."""


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding when the weights do not fit into one protobuf message."""
    # Sizes are what the file claims: only external ones can be true beyond the limit.
    nbytes = sum(i.nbytes for i in evidence.graph.initializers if i.external is not None)
    if nbytes > LARGEST:
        yield RULE.finding(
            f"The model has {size(nbytes)} of weights; a .onnx file ends at 2.15 GB, so they are in another file, "
            "which has to travel with it."
        )
