"""Small graphs as ONNX text, and what the tests add to them."""

from __future__ import annotations

import onnx
import onnx.helper
import onnx.parser

SMALL = """
<ir_version: 10, opset_import: ["" : 20], producer_name: "pytorch", producer_version: "2.13.0">
small (float[batch,4] x) => (float[batch,2] y)
<float[2,4] fc__weight = {1,2,3,4,5,6,7,8}, float[2] fc__bias = {0.5,1}, float[batch,2] h>
{
   [linear] h = Gemm <transB = 1> (x, fc__weight, fc__bias)
   [relu] y = Relu (h)
}
"""

BRANCH = """
<ir_version: 10, opset_import: ["" : 20]>
branch (bool c, float[4] x) => (float[4] y)
{
   y = If (c) <
      then_branch = yes () => (float[4] a) { a = Neg (x) },
      else_branch = no () => (float[4] b) { b = Abs (x) }
   >
}
"""


def model(text: str = SMALL) -> onnx.ModelProto:
    """Parse ONNX text; names in it have ``__`` for the dots that it does not allow."""
    proto = onnx.parser.parse_model(text)
    for node in proto.graph.node:
        node.input[:] = [name.replace("__", ".") for name in node.input]
    for tensor in proto.graph.initializer:
        tensor.name = tensor.name.replace("__", ".")
    return proto


def scoped(proto: onnx.ModelProto, **scopes: tuple[str, str]) -> onnx.ModelProto:
    """Write the module path and class of nodes (by name) as torch's exporter does."""
    for node in proto.graph.node:
        if node.name in scopes:
            path, class_name = scopes[node.name]
            paths = ["", *([path] if path else []), "op"]
            classes = ["__main__.Net", *([f"torch.nn.modules.{class_name}"] if path else []), "aten.op.default"]
            node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=str(paths))
            node.metadata_props.add(key="pkg.torch.onnx.class_hierarchy", value=str(classes))
    return proto


def with_weight(proto: onnx.ModelProto, name: str, dims: list[int]) -> onnx.ModelProto:
    """Add a float32 initializer of ones."""
    size = 1
    for dim in dims:
        size *= dim
    raw = b"\0\0\x80?" * size
    proto.graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, dims, raw, raw=True))
    return proto
