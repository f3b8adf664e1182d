"""The file on disk is replaced whole or not touched."""

import os
import resource
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from models import Gate, Lambda, Tiny
from torch import nn

import onnxmagic
from onnxmagic.export import file, pipeline
from onnxmagic.export.strip import content_of

X = torch.randn(1, 1, 8, 8)


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def run(path, x=X):
    return np.asarray(onnxruntime.InferenceSession(str(path)).run(None, {"x": x.numpy()})[0])


def test_overwriting_is_silent_and_whole(tmp_path):
    path = tmp_path / "m.onnx"
    for model in (Tiny(), Tiny()):
        onnxmagic.export(model, (X,), output=path, prove=False)
        expected = model.eval()(X).detach().numpy()
        assert abs(run(path) - expected).max() < 1e-5
    assert files(tmp_path) == ["m.onnx"]


def test_file_is_canonical_protobuf_that_the_checker_accepts(tmp_path):
    model = nn.Linear(64, 64)
    onnxmagic.export(model, (torch.randn(1, 64),), output=tmp_path / "m.onnx", prove=False)
    onnx.checker.check_model(str(tmp_path / "m.onnx"), full_check=True)
    loaded = onnx.load(str(tmp_path / "m.onnx"))
    weight = next(t for t in loaded.graph.initializer if t.name == "weight")
    assert (onnx.numpy_helper.to_array(weight) == model.weight.detach().numpy()).all()


def test_two_files_on_request_and_both_named(tmp_path):
    result = onnxmagic.export(nn.Linear(64, 64), (torch.randn(1, 64),), output=tmp_path / "m.onnx", external_data=True)
    assert files(tmp_path) == ["m.onnx", "m.onnx.data"]
    assert result.parity.ok
    assert "m.onnx.data" in next(f.message for f in result.findings if f.code == "OM602")


def test_two_files_from_a_size_on(tmp_path, monkeypatch):
    monkeypatch.setattr(file, "SINGLE_FILE_BYTES", 10_000)
    result = onnxmagic.export(nn.Linear(64, 64), (torch.randn(1, 64),), output=tmp_path / "m.onnx")
    assert files(tmp_path) == ["m.onnx", "m.onnx.data"]
    assert result.parity.ok
    with pytest.raises(onnxmagic.UsageMistake, match="travel in two files"):
        onnxmagic.export(nn.Linear(64, 64), (torch.randn(1, 64),))


def test_going_back_to_one_file_takes_the_stale_weights_away(tmp_path):
    for external in (True, None):
        onnxmagic.export(
            nn.Linear(64, 64), (torch.randn(1, 64),), output=tmp_path / "m.onnx", external_data=external, prove=False
        )
    assert files(tmp_path) == ["m.onnx"]


def test_weights_of_somebody_else_are_left_alone(tmp_path):
    (tmp_path / "m.onnx.data").write_text("mine")
    onnxmagic.export(Tiny(), (X,), output=tmp_path / "m.onnx", prove=False)
    assert (tmp_path / "m.onnx.data").read_text() == "mine"


def test_two_files_are_replaced_together_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    onnxmagic.export(nn.Linear(64, 64), (torch.randn(1, 64),), output=path, external_data=True, prove=False)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    replace = type(path).replace

    def failing(self, target):
        if self.name == "m.onnx":
            raise OSError(5, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(type(path), "replace", failing)
    with pytest.raises(onnxmagic.WriteFailed, match="Input/output error"):
        onnxmagic.export(nn.Linear(64, 64), (torch.randn(1, 64),), output=path, external_data=True, prove=False)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_failed_export_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"old")
    with pytest.raises(onnxmagic.CaptureFailed):
        onnxmagic.export(Gate(), (X,), output=tmp_path / "m.onnx")
    assert files(tmp_path) == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(onnxmagic.WriteFailed, match=r"Could not write m\.onnx"):
            onnxmagic.export(nn.Linear(512, 512), (torch.randn(1, 512),), output=tmp_path / "m.onnx")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("m.onnx", b"old")]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing/m.onnx", r"does not exist. Make it first: os.makedirs"),
        ("", "has no name"),
        (".", "is a folder; name a file in it"),
        ("sub/", "is a folder; name a file in it"),
        ("/dev/null", "no regular file"),
    ],
)
def test_wrong_targets_are_said_before_the_export(target, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(onnxmagic.UsageMistake, match=message):
        onnxmagic.export(Tiny(), (X,), output=target, progress=lambda stage: pytest.fail("it started"))


def test_two_files_need_a_name():
    with pytest.raises(onnxmagic.UsageMistake, match=r"say where: -o model\.onnx"):
        onnxmagic.export(Tiny(), (X,), external_data=True)


def test_folder_without_permission_is_said_before_the_export(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(onnxmagic.UsageMistake, match="No permission to write"):
        onnxmagic.export(Tiny(), (X,), output=tmp_path / "m.onnx")


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.onnx").symlink_to(tmp_path / "real" / "m.onnx")
    result = onnxmagic.export(Tiny(), (X,), output=tmp_path / "link.onnx", prove=False)
    assert (tmp_path / "link.onnx").is_symlink()
    assert result.path == tmp_path / "real" / "m.onnx"


def test_source_lines_and_paths_stay_out_of_the_file(tmp_path):
    def secret(s, x):
        return x * 2  # password 1234

    onnxmagic.export(Lambda(secret), (X,), output=tmp_path / "m.onnx", prove=False)
    data = (tmp_path / "m.onnx").read_bytes()
    assert b"password" not in data
    assert b"test_write" not in data
    assert os.fsencode(Path(__file__).parent) not in data
    assert b"name_scopes" in data


def test_source_lines_on_request(tmp_path):
    result = onnxmagic.export(Tiny(), (X,), output=tmp_path / "m.onnx", prove=False, keep_source=True)
    assert b"models.py" in (tmp_path / "m.onnx").read_bytes()
    assert "OM605" in {f.code for f in result.findings}


def test_without_a_target_the_model_stays_in_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = onnxmagic.export(Tiny(), (X,))
    assert result.path is None
    assert files(tmp_path) == []
    assert abs(run(result.save("m.onnx")) - run(tmp_path / "m.onnx")).max() == 0
    assert len(result.model_proto().graph.node) == len(result.graph.nodes)


def test_save_as_makes_a_pair_under_the_new_name(tmp_path):
    result = onnxmagic.export(
        nn.Linear(64, 64), (torch.randn(1, 64),), output=tmp_path / "a.onnx", external_data=True, prove=False
    )
    result.save(tmp_path / "b.onnx")
    (tmp_path / "a.onnx.data").unlink()
    onnx.checker.check_model(str(tmp_path / "b.onnx"))
    assert files(tmp_path) == ["a.onnx", "b.onnx", "b.onnx.data"]


def test_a_file_changed_since_is_not_taken_for_this_export(tmp_path):
    result = onnxmagic.export(Tiny(), (X,), output=tmp_path / "m.onnx", prove=False)
    (tmp_path / "m.onnx").write_bytes(b"another")
    with pytest.raises(onnxmagic.UsageMistake, match="changed since this export"):
        result.model_proto()


def test_closed_gate_keeps_the_old_file(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"old")
    with pytest.raises(onnxmagic.GateClosed, match="OM101") as caught:
        onnxmagic.export(Tiny(), (X,), output=tmp_path / "m.onnx", fail_on="warning")
    assert caught.value.export.parity.ok
    with pytest.raises(onnxmagic.UsageMistake, match="was not kept"):
        caught.value.export.save(tmp_path / "other.onnx")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("m.onnx", b"old")]


def test_wrong_shapes_from_the_exporter_are_left_out(tmp_path, monkeypatch):
    def with_a_wrong_shape(program, **options):
        content = content_of(program, **options)
        (lstm,) = (node for node in content.model.graph.node if node.op_type == "LSTM")
        del content.model.graph.value_info[:]
        shape = onnx.helper.make_tensor_value_info(lstm.output[0], onnx.TensorProto.FLOAT, [1, 2, 3])
        content.model.graph.value_info.append(shape)
        return content

    monkeypatch.setattr(pipeline, "content_of", with_a_wrong_shape)
    result = onnxmagic.export(
        nn.LSTM(4, 5, batch_first=True).eval(), (torch.randn(1, 6, 4),), output=tmp_path / "a.onnx"
    )
    assert result.parity.ok
