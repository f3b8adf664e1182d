"""A weight's values: of every type, inline and in another file, and what is said where they cannot be had."""

from __future__ import annotations

import files
import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import onnxmagic
from onnxmagic.errors import UsageMistake, ValueUnavailable
from onnxmagic.inside import arrays

TYPES = [
    np.arange(12, dtype=np.float32).reshape(3, 4),
    np.array(3.5),
    np.array([True, False]),
    np.arange(-3, 3, dtype=np.int64),
    np.array([1.5, -2.25], ml_dtypes.bfloat16),
    np.array([0.5, 2], ml_dtypes.float8_e5m2),
    np.array([[-8, 7, 3]], ml_dtypes.int4),
    np.zeros((0, 3), np.float16),
]


@pytest.mark.parametrize("values", TYPES, ids=lambda values: f"{values.dtype}{list(values.shape)}")
@pytest.mark.parametrize("location", [None, "net.data"])
def test_every_type_is_read_as_it_was_written(tmp_path, values, location):
    found = onnxmagic.show(files.weighing(tmp_path / "net.onnx", values, location)).weight("w")
    assert (found.dtype, found.shape) == (values.dtype, values.shape)
    assert found.tobytes() == values.tobytes()


def test_a_weight_can_be_written_to(tmp_path):
    path = files.weighing(tmp_path / "net.onnx", np.zeros(3, np.float32))
    shown = onnxmagic.show(path)
    shown.weight("w")[0] = 5
    assert shown.weight("w")[0] == 0


def test_pieces_together_are_the_whole(tmp_path):
    values = np.random.default_rng(0).integers(-8, 8, (1025, 2049)).astype(ml_dtypes.int4)
    shown = onnxmagic.show(files.weighing(tmp_path / "net.onnx", values))
    parts = list(shown.inside.blocks("w"))
    assert len(parts) == 2
    assert (np.concatenate([part.astype(int) for part in parts]) == values.astype(int).reshape(-1)).all()


def test_a_name_that_is_not_there(tmp_path):
    shown = onnxmagic.show(files.saved(tmp_path / "net.onnx"))
    with pytest.raises(UsageMistake, match=r"There is no weight `bb` in the graph. Did you mean `b`\?"):
        shown.weight("bb")


def test_external_values_that_are_gone(tmp_path):
    path = files.weighing(tmp_path / "net.onnx", np.ones(100, np.float32), "net.data")
    (tmp_path / "net.data").unlink()
    with pytest.raises(ValueUnavailable, match=r"they are in `net.data`, which is not there"):
        onnxmagic.show(path).weight("w")


def test_values_outside_of_the_folder_are_not_read(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "secret").write_bytes(b"\0" * 400)
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[100], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    path = files.weighing(tmp_path / "inner" / "net.onnx", tensor)
    with pytest.raises(ValueUnavailable, match="outside the model's folder"):
        onnxmagic.show(path).weight("w")


def test_text_has_no_numbers(tmp_path):
    tensor = helper.make_tensor("w", onnx.TensorProto.STRING, [2], [b"a", b"b"])
    with pytest.raises(ValueUnavailable, match="of type string, which has no numbers"):
        onnxmagic.show(files.weighing(tmp_path / "net.onnx", tensor)).weight("w")


def test_a_weight_that_is_too_large_is_not_read(tmp_path, monkeypatch):
    path = files.weighing(tmp_path / "net.onnx", np.ones(100, np.float32))
    monkeypatch.setattr(arrays, "MOST_BYTES", 100)
    with pytest.raises(UsageMistake, match="`w` has 400 bytes of values, more than is read here at once"):
        onnxmagic.show(path).weight("w")


def test_a_weight_in_the_body_of_a_branch():
    model = files.parsed(files.BRANCH)
    body = model.graph.node[0].attribute[0].g
    body.initializer.append(numpy_helper.from_array(np.ones(3, np.float32), "inner"))
    with pytest.raises(ValueUnavailable, match="`inner` is stored in the body of a branch or a loop"):
        onnxmagic.show(model).weight("inner")
