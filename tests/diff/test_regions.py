"""Regions: which added and removed nodes are one rewrite, what it is called, and how often it was done."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from graphs import layers
from onnx import parser
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import Diff, Region

NORM = """
[sq{n}] a{n} = Mul (x{n}, x{n})  [mean{n}] b{n} = ReduceMean <keepdims = 1> (a{n}, axes)  [eps{n}] c{n} = Add (b{n}, e)
[root{n}] d{n} = Sqrt (c{n})  [div{n}] f{n} = Div (x{n}, d{n})  [scale{n}] g{n} = Mul (f{n}, s)
[dense{n}] h{n} = MatMul (g{n}, w{n})  [act{n}] x{next} = Tanh (h{n})
"""
FUSED = """
[norm{n}] g{n} = RMSNormalization <epsilon = 0.00001> (x{n}, s)
[dense{n}] h{n} = MatMul (g{n}, w{n})  [act{n}] x{next} = Tanh (h{n})
"""


def norms(body: str) -> bytes:
    weights = ", ".join(f"float[2,2] w{n} = {{1, 2, {n}, 4}}" for n in range(3))
    text = f"""<ir_version: 11, opset_import: ["" : 23]> net (float[n,2] x0) => (float[n,2] x3)
    <int64[1] axes = {{1}}, float e = {{0.00001}}, float[2] s = {{1, 2}}, {weights}>
    {{ {" ".join(body.format(n=n, next=n + 1) for n in range(3))} }}"""
    return parser.parse_model(text).SerializeToString()


def diff(a, b) -> Diff:
    found = between(*(side_of(each, name) for each, name in ((a, "a.onnx"), (b, "b.onnx"))))
    covered = [
        sum(len(getattr(region, which)) * region.count for region in found.regions) for which in ("added", "removed")
    ]
    assert covered == [len(found.nodes.added), len(found.nodes.removed)]
    return found


def shape_of(region: Region) -> tuple[str, int, list[str], list[str]]:
    removed, added = ([node.op_type for node in nodes] for nodes in (region.removed, region.added))
    return region.name, region.count, removed, added


def test_a_norm_that_was_fused_in_three_places():
    found = diff(norms(NORM), norms(FUSED))
    written = ["Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul"]
    assert [shape_of(region) for region in found.regions] == [("RMSNormalization", 3, written, ["RMSNormalization"])]
    assert found.summary.startswith("3 × RMSNormalization fused, nothing unexplained; ")
    back = diff(norms(FUSED), norms(NORM))
    assert [shape_of(region) for region in back.regions] == [("RMSNormalization", 3, ["RMSNormalization"], written)]
    assert back.summary.startswith("3 × RMSNormalization written out, nothing unexplained; ")


@pytest.fixture(scope="module")
def float_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("float") / "float.onnx"
    onnx.save(layers(3), path)
    return path


def test_dynamic_quantisation(float_model, tmp_path):
    quantize_dynamic(float_model, tmp_path / "int8.onnx")
    found = diff(float_model, tmp_path / "int8.onnx")
    assert found.summary.startswith("18 MatMul became dynamic int8, nothing unexplained; 18 weights changed, at most ")
    assert {region.name for region in found.regions} == {"dynamic int8 MatMul"}
    assert sum(node.op_type == "MatMul" for r in found.regions for node in r.removed * r.count) == 18
    assert "encoder.layer.2.output.dense" in {module for region in found.regions for module in region.modules}


class _Samples(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": np.ones((2, 8, 16), np.float32), "mask": np.zeros((2, 1, 8, 8), np.float32)}]

    def get_next(self):  # pyright: ignore[reportIncompatibleMethodOverride]  # ONNX Runtime says dict and means None at the end
        return self.left.pop() if self.left else None


def test_static_quantisation(float_model, tmp_path):
    quantize_static(float_model, tmp_path / "qdq.onnx", _Samples(), quant_format=QuantFormat.QDQ)
    found = diff(float_model, tmp_path / "qdq.onnx")
    assert {region.name for region in found.regions} == {"QDQ"}
    assert found.nodes.removed == ()
    quantize_static(float_model, tmp_path / "qop.onnx", _Samples(), quant_format=QuantFormat.QOperator)
    found = diff(float_model, tmp_path / "qop.onnx")
    assert found.summary.startswith("24 MatMul became static int8")
    assert found.signature.breaking


def test_what_onnx_runtime_fuses(float_model, tmp_path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "fast.onnx")
    onnxruntime.InferenceSession(float_model, options, providers=["CPUExecutionProvider"])
    found = diff(float_model, tmp_path / "fast.onnx")
    counts = {region.name: region.count for region in found.regions if region.name}
    assert counts["LayerNormalization with residual"] == 6
    assert counts["Gelu with bias"] == 3
    # The fused file names no modules: those of the nodes in whose place they stand are told.
    fused = next(region for region in found.regions if region.name == "Gelu with bias")
    assert "encoder.layer.1.intermediate.intermediate_act_fn" in fused.modules


TINY = """<ir_version: 10, opset_import: ["" : 20]> net (float[2,3,4,4] x) => (float y)
<float[3,3,1,1] k = {1,2,3,4,5,6,7,8,9}, float[3] one = {1,1,1}, float[3] zero = {0,0,0}, int64[2] flat = {2, 48}>
"""
REST = "[act] a = Relu (c) [flat] f = Reshape (a, {shape}) [end] y = ReduceSum <keepdims = 0> (f) }}"


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (
            "{ [conv] b = Conv (x, k) [bn] c = BatchNormalization (b, one, zero, zero, one) "
            + REST.format(shape="flat"),
            "{ [conv] c = Conv (x, k, zero) " + REST.format(shape="flat"),
            "Conv with BatchNormalization folded in",
        ),
        (
            "{ [conv] c = Conv (x, k) [n] n = Shape <start = 0, end = 1> (x) [m] m = Constant <value_ints = [-1]> () "
            "[cat] s = Concat <axis = 0> (n, m) " + REST.format(shape="s"),
            "{ [conv] c = Conv (x, k) " + REST.format(shape="flat"),
            "constant folding",
        ),
        (
            "{ [conv] b = Conv (x, k) [id] c = Identity (b) " + REST.format(shape="flat"),
            "{ [conv] c = Conv (x, k) " + REST.format(shape="flat"),
            "Identity",
        ),
        (
            "{ [conv] b = Conv (x, k) [s] s = Sigmoid (b) [m] c = Mul (b, s) " + REST.format(shape="flat"),
            "{ [conv] b = Conv (x, k) [sin] s = Sin (b) [cos] c = Cos (s) " + REST.format(shape="flat"),
            "",
        ),
    ],
)
def test_names(before, after, name):
    models = [parser.parse_model(TINY + text).SerializeToString() for text in (before, after)]
    for a, b in (models, models[::-1]):
        assert [region.name for region in diff(a, b).regions] == [name]


def test_what_nobody_has_a_name_for_comes_first_and_is_counted():
    other = norms(
        FUSED.replace("[act{n}] x{next} = Tanh (h{n})", "[new{n}] k{n} = Sin (h{n}) [act{n}] x{next} = Tanh (k{n})")
    )
    found = diff(norms(NORM), other)
    assert [(region.name, region.count) for region in found.regions] == [("", 3), ("RMSNormalization", 3)]
    assert found.summary.startswith("3 × RMSNormalization fused, 3 other nodes added; ")
