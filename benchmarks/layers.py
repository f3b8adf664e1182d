"""A model of as many nodes as are asked for: one layer as PyTorch exports it, again and again.

The layer is one of BERT's, written down from what torch 2.13 made of it: 42 nodes in eleven modules, with the reshaping
around its attention that a hand-made example would not have. It is small where that costs nothing to a view, in its
width. So a file of 20,000 nodes is made in a second or two, and exporting one takes minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, parser, shape_inference

__all__ = ["build", "write"]

SIZE = 16
CLASSES = {
    "attention": "BertAttention",
    "attention.self": "BertSelfAttention",
    "attention.output": "BertSelfOutput",
    "intermediate": "BertIntermediate",
    "intermediate_act_fn": "GELUActivation",
    "output": "BertOutput",
    "LayerNorm": "LayerNorm",
}
"""Of modules by path or last name; all others are ``Linear``."""
SHAPES = {
    "attention.self.query": (SIZE, SIZE),
    "attention.self.key": (SIZE, SIZE),
    "attention.self.value": (SIZE, SIZE),
    "attention.output.dense": (SIZE, SIZE),
    "attention.norm": (SIZE,),
    "intermediate.dense": (SIZE, 2 * SIZE),
    "output.dense": (2 * SIZE, SIZE),
    "output.norm": (SIZE,),
}
"""Of the weights; a bias is as long as their last axis."""
CONSTANTS = {
    "heads": np.array([0, 8, 2, SIZE // 2]),
    "joined": np.array([0, 8, SIZE]),
    "last": np.array([-1]),
    "before": np.array([-2]),
    "end": np.array([2**63 - 1]),
    "start": np.array([-(2**63)]),
    "scale": np.array(0.5, np.float32),
    "zero": np.array(0, np.float32),
}
# The path of a node's module, and the node. "@name" is a weight of the layer, "$name" a constant of the model.
LAYER = """
attention.self.query: a = MatMul (x, @attention.self.query.weight)
attention.self.query: query = Add (a, @attention.self.query.bias)
attention.self: b = Reshape <allowzero=0> (query, $heads)
attention.self: c = Transpose <perm=[0, 2, 1, 3]> (b)
attention.self.key: d = MatMul (x, @attention.self.key.weight)
attention.self.key: key = Add (d, @attention.self.key.bias)
attention.self: e = Reshape <allowzero=0> (key, $heads)
attention.self: f = Transpose <perm=[0, 2, 1, 3]> (e)
attention.self.value: g = MatMul (x, @attention.self.value.weight)
attention.self.value: value = Add (g, @attention.self.value.bias)
attention.self: h = Reshape <allowzero=0> (value, $heads)
attention.self: i = Transpose <perm=[0, 2, 1, 3]> (h)
attention.self: j = Shape <start=0> (f)
attention.self: k = Slice (j, $last, $end)
attention.self: l = Slice (j, $before, $last)
attention.self: m = Slice (j, $start, $before)
attention.self: n = Concat <axis=0> ($last, l, k)
attention.self: o = Reshape <allowzero=0> (f, n)
attention.self: p = Transpose <perm=[0, 2, 1]> (o)
attention.self: q = Concat <axis=0> (m, k, l)
attention.self: r = Reshape <allowzero=0> (p, q)
attention.self: s = Mul (c, $scale)
attention.self: t = Mul (r, $scale)
attention.self: u = MatMul (s, t)
attention.self: v = Add (u, mask)
attention.self: w = Softmax <axis=-1> (v)
attention.self: aa = IsNaN (w)
attention.self: ab = Where (aa, $zero, w)
attention.self: ac = MatMul (ab, i)
attention.self: ad = Transpose <perm=[0, 2, 1, 3]> (ac)
attention.self: ae = Reshape <allowzero=0> (ad, $joined)
attention.output.dense: af = MatMul (ae, @attention.output.dense.weight)
attention.output.dense: ag = Add (af, @attention.output.dense.bias)
attention.output: ah = Add (ag, x)
attention.output.LayerNorm: ai = LayerNormalization <axis=-1> (ah, @attention.norm.weight, @attention.norm.bias)
intermediate.dense: aj = MatMul (ai, @intermediate.dense.weight)
intermediate.dense: ak = Add (aj, @intermediate.dense.bias)
intermediate.intermediate_act_fn: al = Gelu <approximate="none"> (ak)
output.dense: am = MatMul (al, @output.dense.weight)
output.dense: an = Add (am, @output.dense.bias)
output: ao = Add (an, ai)
output.LayerNorm: y = LayerNormalization <axis=-1> (ao, @output.norm.weight, @output.norm.bias)
"""


def write(path: Path, nodes: int) -> int:
    """Write a model of about `nodes` nodes, all its shapes in it, and return how many they are."""
    model = build(nodes)
    onnx.save(model, str(path))
    return len(model.graph.node)


def build(nodes: int) -> onnx.ModelProto:
    """Return a model of about `nodes` nodes, with the shapes of all its values."""
    layer = [_parsed(line) for line in LAYER.strip().splitlines()]
    layers = max(1, round(nodes / len(layer)))
    made: list[onnx.NodeProto] = []
    weights = [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()]
    for number in range(layers):
        made += [_copy(node, scope, number, layers) for scope, node in layer]
        for name, shape in SHAPES.items():
            full = f"encoder.layer.{number}.{name}"
            weights += [_weight(f"{full}.weight", shape), _weight(f"{full}.bias", shape[-1:])]
    for number, node in enumerate(made):
        node.name = f"node_{node.op_type}_{number}"
    inputs = [_tensor("x", ["batch", 8, SIZE]), _tensor("mask", ["batch", 1, 8, 8])]
    graph = helper.make_graph(made, "main_graph", inputs, [_tensor("y", ["batch", 8, SIZE])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


def _parsed(line: str) -> tuple[str, onnx.NodeProto]:
    scope, _, text = line.partition(": ")
    # ONNX's own text has no names with "@", "$" and a dot.
    return scope, parser.parse_node(text.replace("@", "at_").replace("$", "of_").replace(".", "_dot_"))


def _copy(node: onnx.NodeProto, scope: str, number: int, layers: int) -> onnx.NodeProto:
    copied = onnx.NodeProto()
    copied.CopyFrom(node)
    del copied.input[:], copied.output[:]
    copied.input.extend(_name(name, number, layers) for name in node.input)
    copied.output.extend(_name(name, number, layers) for name in node.output)
    parts = scope.split(".")
    scopes = ["", "encoder", f"encoder.layer.{number}"]
    classes = ["BertModel", "BertEncoder", "BertLayer"]
    for end in range(1, len(parts) + 1):
        path = ".".join(parts[:end])
        scopes.append(f"encoder.layer.{number}.{path}")
        classes.append(CLASSES.get(path) or CLASSES.get(parts[end - 1], "Linear"))
    leaf = f"{node.op_type.lower()}_{number}"
    for key, value in (("name_scopes", [*scopes, leaf]), ("class_hierarchy", [*classes, "aten.op.default"])):
        copied.metadata_props.add(key=f"pkg.torch.onnx.{key}", value=str(value))
    return copied


def _name(name: str, number: int, layers: int) -> str:
    """Return the name in the model of what is called `name` in the layer."""
    name = name.replace("_dot_", ".")
    if name.startswith("of_"):
        return name.removeprefix("of_")
    if name.startswith("at_"):
        return f"encoder.layer.{number}.{name.removeprefix('at_')}"
    if name == "mask" or (name, number) in {("x", 0), ("y", layers - 1)}:
        return name
    ends = {"x": f"layer_{number - 1}", "y": f"layer_{number}"}
    return ends.get(name, f"val_{number}_{name}")


def _weight(name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.full(shape, 0.01, np.float32), name)


def _tensor(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
