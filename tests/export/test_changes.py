"""What an export says of the file that it replaces."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

import onnxmagic
from onnxmagic.diff.result import Diff
from onnxmagic.errors import GateClosed
from onnxmagic.export import changes
from onnxmagic.export.changes import changes_since
from onnxmagic.export.result import Export
from onnxmagic.graph.read import read

X = torch.randn(2, 16)


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))


def retrained() -> nn.Sequential:
    model = net()
    with torch.no_grad():
        next(model.parameters()).add_(0.25)
    return model


def export(model: nn.Module, path: Path, **options: object) -> Export:
    return onnxmagic.export(model, (X,), output=path, prove=False, **options)  # type: ignore[arg-type]  # as a user writes them


def since(made: Export) -> Diff:
    assert made.changes is not None
    return made.changes


def test_where_nothing_was_replaced_there_is_nothing_to_compare(tmp_path: Path) -> None:
    made = export(net(), tmp_path / "net.onnx")
    assert (made.changes, made.not_compared) == (None, "")
    assert "file before" not in str(made)
    assert made.to_dict()["changes"] is None


def test_the_same_again_is_identical(tmp_path: Path) -> None:
    export(net(), tmp_path / "net.onnx")
    made = export(net(), tmp_path / "net.onnx")
    assert since(made).identical
    assert since(made).weights.same == 4
    assert "The same as the file before." in str(made)


@pytest.mark.parametrize("apart", [False, True])
def test_other_weights_are_named_and_measured(tmp_path: Path, *, apart: bool) -> None:
    export(net(), tmp_path / "net.onnx", external_data=apart)
    made = export(retrained(), tmp_path / "net.onnx", external_data=apart)
    found = since(made)
    (change,) = found.weights.changed
    assert change.name == "0.weight"
    assert change.max_abs == pytest.approx(0.25, rel=1e-5)
    assert (found.nodes.added, found.nodes.removed, found.signature.changes) == ((), (), ())
    said = "1 weight changed, at most 0.25; structure and signature unchanged."
    assert " ".join(str(made).split()).count(f"Since the file before: {said}") == 1
    assert made.to_dict()["changes"] == found.summary == said
    assert json.dumps(found.to_dict())


def test_another_structure_is_compared_too(tmp_path: Path) -> None:
    export(net(), tmp_path / "net.onnx")
    model = retrained()
    model.insert(2, nn.Tanh())
    found = since(export(model, tmp_path / "net.onnx"))
    assert [node.op_type for node in found.nodes.added] == ["Tanh"]
    assert [change.max_abs for change in found.weights.changed] == [pytest.approx(0.25, rel=1e-5)]


def test_the_diff_outlives_the_file_it_was_made_of(tmp_path: Path) -> None:
    export(net(), tmp_path / "net.onnx")
    made = export(retrained(), tmp_path / "net.onnx")
    found = since(made)
    assert (found.a.source, found.b.source) == (None, made.path)
    with pytest.raises(onnxmagic.errors.ValueUnavailable, match="gone with the file that was replaced"):
        found.weight("0.weight")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (b"PK\x03\x04...", "`net.onnx` is no ONNX model: it is a zip file"),
        (b"\x00" * 40, "`net.onnx` is no ONNX model"),
        (b"", "it is empty"),
    ],
)
def test_a_damaged_file_is_replaced_and_the_reason_said(tmp_path: Path, before: bytes, said: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(before)
    made = export(net(), path)
    assert made.changes is None
    assert said in made.not_compared
    assert "Not compared with the file before: " in " ".join(str(made).split())
    onnx.checker.check_model(path)


def test_a_file_cut_in_its_weights_does_not_stop_the_export(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(net(), path)
    path.write_bytes(path.read_bytes()[:-700])
    made = export(net(), path)
    assert made.changes is None
    assert made.not_compared


def test_another_model_is_said_to_be_one(tmp_path: Path) -> None:
    other = nn.Sequential(nn.Conv1d(1, 3, 3), nn.Sigmoid(), nn.MaxPool1d(2))
    onnxmagic.export(other, (torch.randn(1, 1, 64),), output=tmp_path / "net.onnx", prove=False)
    made = export(net(), tmp_path / "net.onnx")
    assert made.changes is None
    assert made.not_compared == "it held another model, which shares nothing with this one"


def test_a_missing_sidecar_leaves_the_structure_compared(tmp_path: Path) -> None:
    export(net(), tmp_path / "net.onnx", external_data=True)
    (tmp_path / "net.onnx.data").unlink()
    found = since(export(net(), tmp_path / "net.onnx", external_data=True))
    assert found.nodes.same == 3
    assert found.weights.unread
    assert not found.identical


def test_it_can_be_left_out(tmp_path: Path) -> None:
    export(net(), tmp_path / "net.onnx")
    made = export(retrained(), tmp_path / "net.onnx", changes=False)
    assert (made.changes, made.not_compared) == (None, "")
    assert "compare" not in {stage.name for stage in made.stages}


def test_files_too_large_to_wait_for_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_BYTES", 1000)
    export(net(), tmp_path / "net.onnx")
    made = export(retrained(), tmp_path / "net.onnx")
    assert made.changes is None
    assert made.not_compared.startswith("files with more than 1 kB of weights are not compared at every export")


def test_a_closed_gate_compares_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    export(net(), path)
    before = path.read_bytes()
    model = copy.deepcopy(retrained()).train()
    model.append(nn.Dropout(0.5))
    with pytest.raises(GateClosed):
        export(model, path, train=True, fail_on="warning")
    assert path.read_bytes() == before


def test_weights_in_place_and_hashes_tell_the_same(tmp_path: Path) -> None:
    from onnxmagic.diff.between import between
    from onnxmagic.diff.reading import side_of

    for name, model in (("a", net()), ("b", retrained())):
        export(model, tmp_path / f"{name}.onnx")
    new = tmp_path / "b.onnx"
    quick = changes_since(tmp_path / "a.onnx", new, read(new)).diff
    slow = between(side_of(tmp_path / "a.onnx"), side_of(new))
    assert quick is not None
    assert (quick.weights, quick.nodes, quick.signature) == (slow.weights, slow.nodes, slow.signature)
