"""``fix`` on an export: the graph is mended before it is written, and what is proved is what is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mending import run
from torch import nn
from torch.nn import functional

import onnxmagic
from onnxmagic.errors import FixFailed, UsageMistake


class Forgetful(nn.Module):
    """A dropout that does not listen, and an argument that changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return functional.dropout(self.fc(x), 0.5)


class Doubled(nn.Module):
    """Float32 outside, float64 in between."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.double() * 0.3).float()


X, MASK = torch.randn(2, 4), torch.ones(2, 4)


def codes(export: onnxmagic.Export) -> set[str]:
    return {finding.code for finding in export.findings}


def test_a_dropout_that_does_not_listen_is_left_out_and_the_rest_is_proved() -> None:
    model = Forgetful()
    done = onnxmagic.export(model, (X, MASK), fix=True)
    assert not {"OM102", "OM407"} & codes(done)
    assert done.parity.ok
    assert {axis.status for axis in done.axes} == {"proved"}
    line = Forgetful.forward.__code__.co_firstlineno + 1
    assert f"(test_fix_export.py, line {line}) is left out of the file, and switched off in PyTorch" in done.fixed[0]
    assert done.graph.ir_version == 9
    assert not torch.equal(model.eval()(X, MASK), model(X, MASK))  # the model itself is as it was


def test_without_fix_nothing_is_mended() -> None:
    done = onnxmagic.export(Forgetful(), (X, MASK))
    assert done.fixed == ()
    assert "OM102" in codes(done)


def test_train_keeps_its_dropouts() -> None:
    done = onnxmagic.export(Forgetful(), (X, MASK), fix=True, train=True)
    assert "Dropout" in {node.op_type for node in done.graph.nodes}


def test_an_unused_argument_goes_from_the_signature_when_asked() -> None:
    done = onnxmagic.export(Forgetful(), (X, MASK), fix="safe,OM206")
    assert [value.name for value in done.graph.inputs] == ["x"]
    assert {axis.input for axis in done.axes} == {"x"}
    assert "OM206" not in codes(done)
    assert done.parity.ok


def test_doubles_in_between_become_floats_when_asked(tmp_path: Path) -> None:
    done = onnxmagic.export(Doubled(), (X,), fix="double-to-float", output=tmp_path / "net.onnx")
    assert done.parity.ok
    assert "float32 instead of float64" in done.fixed[0]
    assert np.allclose(run(tmp_path / "net.onnx", x=X.numpy())[0], X.numpy() * 0.3)


def test_a_signature_of_doubles_is_for_the_model_to_change(tmp_path: Path) -> None:
    with pytest.raises(FixFailed, match=r"would make `input` and `output` float32") as caught:
        onnxmagic.export(nn.Linear(4, 2).double(), (X.double(),), fix="double-to-float", output=tmp_path / "net.onnx")
    assert "model.float()" in caught.value.advice
    assert list(tmp_path.iterdir()) == []


def test_source_that_was_asked_for_stays_with_the_safe_fixes() -> None:
    done = onnxmagic.export(nn.Linear(4, 2), (X,), fix=True, keep_source=True)
    assert any(node.trace for node in done.graph.nodes)
    assert not any("source lines" in change for change in done.fixed)


def test_a_wrong_name_is_said_before_anything_runs() -> None:
    class Never(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise AssertionError("it ran")

    with pytest.raises(UsageMistake, match="Did you mean 'strip-metadata'"):
        onnxmagic.export(Never(), (X,), fix="strip-metdata")


def test_a_rewrite_that_breaks_the_graph_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxmagic.fix import fixes
    from onnxmagic.fix.catalogue import LoadedRewrite
    from onnxmagic.fix.rewrite import Rewrite

    def apply(graph: object) -> list[str]:
        graph.graph[0].op_type = "Nonsense"  # type: ignore[attr-defined]
        return ["Changed."]

    bad = LoadedRewrite(Rewrite("breaking", "it breaks", ()), apply, "")
    monkeypatch.setattr(fixes, "rewrites", lambda: (bad,))
    old = tmp_path / "net.onnx"
    old.write_bytes(b"old")
    with pytest.raises(FixFailed, match="After `breaking` ONNX's checker refuses the graph"):
        onnxmagic.export(nn.Linear(4, 2), (X,), fix=True, output=old)
    assert old.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]


def test_what_was_fixed_is_in_the_data() -> None:
    done = onnxmagic.export(nn.Linear(4, 2), (X,), fix="lower-ir")
    assert done.to_dict()["fixed"] == list(done.fixed) != []
