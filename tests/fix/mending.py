"""Small graphs as ONNX text, rewritten, and run before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx import parser, printer

from onnxmagic.examine.sidecars import sidecars
from onnxmagic.fix import Fixes
from onnxmagic.fix.apply import apply
from onnxmagic.fix.load import load
from onnxmagic.fix.mend import Mended, mend_file
from onnxmagic.graph.external import external
from onnxmagic.graph.read import skeleton

LIVE = "g (float[n, 4] x) => (float[n, 4] y) <float r = {0.5}, bool t = {1}> { y = Dropout (x, r, t) }"


def model(graph: str, *, opset: int = 20, ir_version: int = 9) -> onnx.ModelProto:
    """A model around the text of its graph (and, behind it, of its functions)."""
    domains = f'"": {opset}, "own": 1'
    return parser.parse_model(f"<ir_version: {ir_version}, opset_import: [{domains}]> {graph}")


def rewritten(proto: onnx.ModelProto, *names: str) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The model after the named rewrites, and what they said."""
    read = load(proto.SerializeToString())
    said = apply(read, Fixes("", names)).changes
    onnx.checker.check_model(ir.to_proto(read), full_check=True)
    return ir.to_proto(read), said


def nodes(proto: onnx.ModelProto) -> list[str]:
    """The nodes as text, without their names."""
    for node in proto.graph.node:
        node.ClearField("name")
    return [printer.to_text(node).strip() for node in proto.graph.node]


def run(proto: onnx.ModelProto | Path, optimize: bool = True, **feeds: object) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = str(proto) if isinstance(proto, Path) else proto.SerializeToString()
    session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: feeds[i.name] for i in session.get_inputs()})


def mended(source: Path | bytes, output: Path, fix: str) -> Mended:
    """The file mended, its sidecars looked up as a check looks them up."""
    beside = sidecars(source, external(skeleton(source))) if isinstance(source, Path) else ()
    return mend_file(source, Fixes.make(fix), output, sidecars=beside)


def two_files(path: Path, *, rows: int = 64) -> onnx.ModelProto:
    """Write a model whose weights are in a second file beside it, and return it."""
    text = f"g (float[n, {rows}] x) => (float[n, 8] y) {{ a = MatMul (x, w) y = Add (a, b) }}"
    proto = model(text)
    draw = np.random.default_rng(0)
    for name, shape in {"w": (rows, 8), "b": (8,)}.items():
        proto.graph.initializer.append(onnx.numpy_helper.from_array(draw.normal(size=shape).astype(np.float32), name))
    onnx.save(proto, path, save_as_external_data=True, location=f"{path.name}.data", size_threshold=0)
    return onnx.load(path)
