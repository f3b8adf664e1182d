"""Values of weights: from every way of writing them, from inside the folder only, and never more than was asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxmagic.graph.weights import Weights, data_file, weights


def model(*tensors: onnx.TensorProto) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph([], "g", [], [], list(tensors)))


def raw(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)


def external(
    name: str, location: str, *, offset: int = 0, length: int | None = None, dims: int = 4
) -> onnx.TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[dims], data_location=TensorProto.EXTERNAL)
    entries = {"location": location, "offset": offset, **({} if length is None else {"length": length})}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def saved(folder: Path, *tensors: onnx.TensorProto) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(model(*tensors).SerializeToString())
    return path


LARGE = np.arange(1000, dtype=np.float32)


@pytest.mark.parametrize(
    "tensor",
    [
        raw("w", LARGE),
        helper.make_tensor("w", TensorProto.FLOAT, [1000], LARGE),
        raw("w", LARGE.astype(np.float16)),
        helper.make_tensor("w", TensorProto.FLOAT16, [1000], LARGE.astype(np.float16)),
        helper.make_tensor("w", TensorProto.DOUBLE, [1000], LARGE.astype(np.float64)),
        helper.make_tensor("w", TensorProto.INT64, [1000], LARGE.astype(np.int64)),
        helper.make_tensor("w", TensorProto.BOOL, [1000], LARGE > 5),
        raw("w", np.float32(3)),
    ],
    ids=lambda t: f"{t.data_type}-{'raw' if t.raw_data else 'fields'}-{len(t.dims)}",
)
@pytest.mark.parametrize("from_path", [True, False])
def test_every_way_of_writing(tensor: onnx.TensorProto, from_path: bool, tmp_path: Path) -> None:
    source = saved(tmp_path, tensor) if from_path else model(tensor).SerializeToString()
    with weights(source, ["w"]) as values:
        assert values.read("w") == numpy_helper.to_array(tensor).tobytes()
        assert values.nbytes("w") == numpy_helper.to_array(tensor).nbytes


def test_a_piece_and_blocks() -> None:
    with weights(model(raw("w", LARGE)).SerializeToString(), ["w"]) as values:
        assert values.read("w", 8, 4) == np.float32(2).tobytes()
        assert values.read("w", 3996, 100) == np.float32(999).tobytes()
        assert values.read("w", 5000) == b""
        assert b"".join(values.blocks("w")) == LARGE.tobytes()


def test_only_what_was_named() -> None:
    with weights(model(raw("w", LARGE), raw("v", LARGE)).SerializeToString(), ["w", "nobody"]) as values:
        assert [values.nbytes(name) for name in ("w", "v", "nobody")] == [4000, 0, 0]
        assert values.read("nobody") == b""


def test_external_data_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "w.data").write_bytes(b"\0" * 16 + LARGE[:4].tobytes())
    path = saved(tmp_path, external("w", "sub/w.data", offset=16, length=16), external("v", "sub/w.data"))
    with weights(path, ["w", "v"]) as values:
        assert values.read("w", 4, 4) == LARGE[1:2].tobytes()
        assert values.read("v") == b"\0" * 16


@pytest.mark.parametrize(
    "tensor",
    [
        external("w", "w.data", dims=1000),  # the file is shorter
        external("w", "w.data", length=3),  # its length is another than its shape's
        external("w", "w.data", offset=2**60),
        external("w", "missing.data"),
        external("w", ""),
        external("w", "../outside.data"),
        external("w", "sub/../../outside.data"),
        external("w", "..\\outside.data"),
        external("w", "/etc/hostname"),
        external("w", "C:\\Windows\\win.ini"),
        external("w", "link.data"),
        external("w", "folder.data"),
        external("w", "linked/outside.data"),
        external("w", "a\0b"),
    ],
    ids=lambda t: "".join(c if c.isalnum() else "-" for c in str(t.external_data[0].value))[:20] or "empty",
)
def test_what_must_not_be_opened_has_no_values(tensor: onnx.TensorProto, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "folder.data").mkdir(parents=True)
    (home / "w.data").write_bytes(b"\1" * 16)
    (tmp_path / "outside.data").write_bytes(b"\1" * 16)
    (home / "link.data").symlink_to(tmp_path / "outside.data")
    (home / "linked").symlink_to(tmp_path)
    with weights(saved(home, tensor), ["w"]) as values:
        assert values.nbytes("w") == 0
        assert values.read("w") == b""


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.data").write_bytes(b"\1" * 16)
    (tmp_path / "w.data").symlink_to("real.data")
    assert data_file(tmp_path / "net.onnx", "w.data") == (tmp_path / "real.data").resolve()


def test_a_cache_of_links_has_two_folders(tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    for name in ("net.onnx", "w.data"):
        (tmp_path / "blobs" / name).write_bytes(b"\1" * 16)
        (tmp_path / "snapshot" / name).symlink_to(tmp_path / "blobs" / name)
    assert data_file(tmp_path / "snapshot" / "net.onnx", "w.data") is not None


def test_bytes_have_no_folder() -> None:
    with weights(model(external("w", "w.data")).SerializeToString(), ["w"]) as values:
        assert values.nbytes("w") == 0


@pytest.mark.parametrize("source", [None, b"", b"PK\x03\x04 no model", b"\x3a\xff\xff\xff\xff\x0f"])
def test_where_there_is_no_model_there_are_no_values(source: bytes | None) -> None:
    with weights(source, ["w"]) as values:
        assert isinstance(values, Weights)
        assert values.nbytes("w") == 0


def test_no_file_or_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    for path in (tmp_path / "empty.onnx", tmp_path / "nowhere.onnx"):
        with weights(path, ["w"]) as values:
            assert values.nbytes("w") == 0


def test_a_model_that_is_cut_off_gives_what_is_whole() -> None:
    data = model(raw("w", LARGE)).SerializeToString()
    for length in range(0, len(data), 97):
        with weights(data[:length], ["w"]) as values:
            assert len(values.read("w")) in {0, 4000}


def test_a_damaged_tensor_has_no_values() -> None:
    tensor = raw("w", LARGE)
    tensor.raw_data = tensor.raw_data[:-1]
    with weights(model(tensor).SerializeToString(), ["w"]) as values:
        assert values.nbytes("w") == 0
