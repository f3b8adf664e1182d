"""Model files to look into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

LAYER = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[n, 4] x) => (float[n, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [matmul] h = MatMul (x, w)
   [add] s = Add (h, b)
   [relu] y = Relu (s)
}
"""
BRANCH = """
<ir_version: 10, opset_import: ["" : 20]>
branch (bool c, float[4] x) => (float[4] y)
{
   [choose] y = If (c) <
      then_branch = yes () => (float[4] a) { a = Neg (x) },
      else_branch = no () => (float[4] b) { b = Abs (x) }
   >
}
"""


def parsed(text: str = LAYER) -> onnx.ModelProto:
    return onnx.parser.parse_model(text)


def saved(path: Path, text: str = LAYER) -> Path:
    path.write_bytes(parsed(text).SerializeToString())
    return path


def weighing(path: Path, weight: np.ndarray | onnx.TensorProto, location: str | None = None) -> Path:
    """Write a model that hands out its one weight, called `w`; with a location its values go there."""
    tensor = weight if isinstance(weight, onnx.TensorProto) else numpy_helper.from_array(weight, "w")
    model = parsed(
        '<ir_version: 11, opset_import: ["" : 23]> g () => (float y) { y = Constant <value_float = 1.0> () }'
    )
    model.graph.initializer.append(tensor)
    external = {} if location is None else {"save_as_external_data": True, "location": location, "size_threshold": 0}
    onnx.save(model, str(path), **external)
    return path
