"""Small model files for the tests of the check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import helper, numpy_helper

HEAD = '<ir_version: 8, opset_import: ["" : 17]>'
RELU = f"{HEAD} g (float[n,4] x) => (float[n,4] y) {{ y = Relu(x) }}"


def parsed(text: str) -> onnx.ModelProto:
    """Return the model that ONNX text describes."""
    return onnx.parser.parse_model(text)


def graph(body: str) -> onnx.ModelProto:
    """Return the model with one graph: ``"(float[n,4] x) => (float[n,4] y) { y = Relu(x) }"``."""
    return parsed(f"{HEAD} g {body}")


def saved(path: Path, body: str) -> Path:
    """Write the model of ``graph`` to `path`."""
    path.write_bytes(graph(body).SerializeToString())
    return path


def with_weights(path: Path, location: str | None = None, size: int = 16) -> Path:
    """Write a model with one square weight to `path`; with a location its values go there."""
    text = f"(float[n,{size}] x) => (float[n,{size}] y) {{ y = MatMul(x, w) }}"
    model = graph(text)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((size, size), np.float32), "w"))
    if location is None:
        onnx.save(model, str(path))
    else:
        onnx.save(model, str(path), save_as_external_data=True, location=location, size_threshold=0)
    return path


def pointing(path: Path, location: str) -> Path:
    """Write a model to `path` that says its weight were at `location`, which nobody made."""
    model = graph("(float[n,16] x) => (float[n,16] y) { y = MatMul(x, w) }")
    weight = model.graph.initializer.add(name="w", data_type=onnx.TensorProto.FLOAT, dims=[16, 16])
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    return path


def doubling(levels: int) -> onnx.ModelProto:
    """Return a small model of functions, each of which calls the one before twice: 2 ** levels nodes when inlined."""
    both = [helper.make_opsetid("", 17), helper.make_opsetid("d", 1)]
    functions: list[onnx.FunctionProto] = []
    for level in range(levels):
        name, domain = ("Relu", "") if level == 0 else (f"f{level - 1}", "d")
        nodes = [helper.make_node(name, [a], [b], domain=domain) for a, b in ("xa", "ay")]
        functions.append(helper.make_function("d", f"f{level}", ["x"], ["y"], nodes, both))
    x, y = (helper.make_tensor_value_info(name, 1, [4]) for name in "xy")
    main = helper.make_graph([helper.make_node(f"f{levels - 1}", ["x"], ["y"], domain="d")], "g", [x], [y])
    return helper.make_model(main, functions=functions, opset_imports=both, ir_version=8)
