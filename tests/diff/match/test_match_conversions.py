"""What converters, quantisers and optimisers make of a file is matched with what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import onnxslim
import pytest
from graphs import layers, side
from onnx import version_converter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_dynamic, quantize_static

from onnxmagic.diff.match import match


class Samples(CalibrationDataReader):
    """One sample of ones."""

    def __init__(self) -> None:
        shapes = {"x": (2, 8, 16), "mask": (2, 1, 8, 8)}
        self.samples: Iterator[dict[str, np.ndarray]] = iter(
            [{name: np.ones(shape, np.float32) for name, shape in shapes.items()}]
        )

    def get_next(self) -> Any:
        return next(self.samples, None)


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return layers(3, seed=5)


@pytest.fixture
def path(model: onnx.ModelProto, tmp_path: Path) -> Path:
    onnx.save(model, str(tmp_path / "model.onnx"))
    return tmp_path / "model.onnx"


def left_over(a: onnx.ModelProto, b: onnx.ModelProto) -> tuple[Counter[str], Counter[str]]:
    """Return the operators without partner on each side, having checked all pairs and all that have none.

    These tools keep the names of values, so a name tells the truth here where the same operator makes it.
    """
    first, second = side(a), side(b)
    found = match(first, second)
    assert match(second, first).of_b == found.of_a
    makers = {(node.outputs[0], node.op_type): index for index, node in enumerate(second.nodes)}
    partners = [makers.get((node.outputs[0], node.op_type)) for node in first.nodes]
    assert [pair for pair in found.pairs if partners[pair.a] not in {None, pair.b}] == []
    left = [index for index in range(len(first.nodes)) if index not in found.of_a]
    assert [first.nodes[index].name for index in left if partners[index] is not None] == []
    right = [node.op_type for index, node in enumerate(second.nodes) if index not in found.of_b]
    return Counter(first.nodes[index].op_type for index in left), Counter(right)


@pytest.mark.parametrize("opset", [21, 22, 23])
def test_another_opset_is_matched_whole(model: onnx.ModelProto, opset: int) -> None:
    assert left_over(model, version_converter.convert_version(model, opset)) == ({}, {})


def test_dynamic_quantisation_leaves_the_products_alone(model: onnx.ModelProto, path: Path) -> None:
    quantize_dynamic(path, path.with_name("q.onnx"))
    left, right = left_over(model, onnx.load(path.with_name("q.onnx")))
    assert left == {"MatMul": 18}
    assert right == {"DynamicQuantizeLinear": 12, "MatMulInteger": 18, "Cast": 18, "Mul": 36}


def test_static_quantisation_is_looked_through(model: onnx.ModelProto, path: Path) -> None:
    quantize_static(path, path.with_name("q.onnx"), Samples(), quant_format=QuantFormat.QDQ)
    left, right = left_over(model, onnx.load(path.with_name("q.onnx")))
    assert left == {}
    assert set(right) == {"QuantizeLinear", "DequantizeLinear"}


@pytest.mark.parametrize("level", ["BASIC", "EXTENDED"])
def test_onnx_runtimes_optimised_file_keeps_its_partners(model: onnx.ModelProto, path: Path, level: str) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}")
    options.optimized_model_filepath = str(path.with_name("o.onnx"))
    options.log_severity_level = 4
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(path.with_name("o.onnx"))
    left, right = left_over(model, optimised)
    # What is left was fused: products with their scale, a bias with its activation, a norm with the sum before it.
    assert set(left) <= {"Add", "Mul", "MatMul", "Gelu", "LayerNormalization"}
    assert set(right) <= {"Gather", "FusedMatMul", "BiasGelu", "SkipLayerNormalization", "Gemm", "FusedGemm", "Reshape"}
    assert bool(left) == (level == "EXTENDED")


def test_onnxslims_file_keeps_its_partners(model: onnx.ModelProto) -> None:
    slim = onnxslim.slim(onnx.ModelProto.FromString(model.SerializeToString()))
    left, right = left_over(model, slim)
    # It computed the shapes, and added nothing.
    assert set(left) <= {"Shape", "Slice", "Concat"}
    assert right == {}
