"""All values of a file by one run: where its weights are, and how they are written, makes no difference."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxmagic.inside.exposed import values_of
from onnxmagic.runtime.ort import OnnxRuntime

WIDTH = 301  # rows of an odd number of bytes behind one another
X = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None]
WEIGHTS = {
    "raw": np.random.default_rng(0).standard_normal((WIDTH, WIDTH)).astype(np.float32),
    "numbers": np.random.default_rng(1).standard_normal((WIDTH, WIDTH)).astype(np.float32),
    "small": np.float32([0.5]),
}


def tensor(name: str) -> onnx.TensorProto:
    values = WEIGHTS[name]
    if name == "numbers":
        return helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.flatten().tolist())
    return numpy_helper.from_array(values, name)


def saved(path, *, constant: bool = False):
    """A file that multiplies, multiplies and adds; the first factor may be a Constant of a node."""
    nodes = [
        helper.make_node("MatMul", ["x", "raw"], ["first"]),
        helper.make_node("MatMul", ["first", "numbers"], ["second"]),
        helper.make_node("Add", ["second", "small"], ["y"]),
    ]
    names = list(WEIGHTS)
    if constant:
        names.remove("raw")
        nodes.insert(0, helper.make_node("Constant", [], ["raw"], value=tensor("raw")))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", WIDTH])],
        [tensor(name) for name in names],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


def assert_right(values) -> None:
    first = X @ WEIGHTS["raw"]
    second = first @ WEIGHTS["numbers"]
    assert set(values) == {"first", "second", "y"}
    assert np.allclose(values["first"], first, atol=1e-4)
    assert np.allclose(values["second"], second, atol=1e-2)
    assert np.allclose(values["y"], second + 0.5, atol=1e-2)


@pytest.mark.parametrize("constant", [False, True])
def test_weights_in_the_file(tmp_path, constant):
    path = saved(tmp_path / "net.onnx", constant=constant)
    assert_right(values_of(OnnxRuntime(), path, ["first", "second"], {"x": X}, external=False))
    assert [each.name for each in tmp_path.iterdir()] == ["net.onnx"]


def test_weights_beside_the_file(tmp_path):
    path = saved(tmp_path / "net.onnx")
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="net.data")
    assert_right(values_of(OnnxRuntime(), path, ["first", "second"], {"x": X}, external=True))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["net.data", "net.onnx"]


def test_the_copy_is_made_where_it_is_told_to_and_is_gone_afterwards(tmp_path):
    path, folder = saved(tmp_path / "net.onnx"), tmp_path / "copies"
    folder.mkdir()
    seen = []

    class Watched(OnnxRuntime):
        def load(self, path, **options):
            seen.extend(each.name for each in path.parent.iterdir())
            assert path.parent.parent == folder
            return super().load(path, **options)

    assert_right(values_of(Watched(), path, ["first", "second"], {"x": X}, external=False, folder=folder))
    assert sorted(seen) == ["model.onnx", "weights"]
    assert not list(folder.iterdir())
