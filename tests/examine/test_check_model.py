"""A module or an export, checked: every rule has its say, and nothing is left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
from torch import nn

import onnxmagic
from onnxmagic.examine.result import Check

X = torch.randn(2, 4)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Stepping(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc(x) * 2


def codes(check: Check) -> set[str]:
    return {finding.code for finding in check.findings}


def test_a_sound_model() -> None:
    check = onnxmagic.check(Stepping().eval(), (X,))
    assert check.ok
    assert (check.name, check.path, check.untried) == ("Stepping", None, ())
    assert check.parity is not None
    assert check.parity.ok
    assert [axis.status for axis in check.axes] == ["proved"]
    assert check.graph is not None
    assert check.nbytes > 0


def test_findings_of_every_moment() -> None:
    class Bad(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout()

        def forward(self, x, mask):
            return self.drop(x) + torch.randn_like(x)

    check = onnxmagic.check(Bad().train(), (X, X))
    assert {"OM101", "OM104", "OM206", "OM407"} <= codes(check)  # model, graph, graph, run


def test_a_model_that_cannot_be_captured_is_a_check_with_its_findings() -> None:
    check = onnxmagic.check(Branching().train(), (X,))
    assert not check.ok
    assert check.graph is None
    assert "OM301" in codes(check)
    assert check.untried == ("No file could be made of the model, so nothing was tried on one.",)


def test_what_was_found_before_the_capture_failed_is_kept() -> None:
    model = nn.Sequential(nn.Dropout(), Branching()).train()
    assert {"OM101", "OM301"} <= codes(onnxmagic.check(model, (X,)))


def test_a_model_that_fails_by_itself_is_raised() -> None:
    with pytest.raises(onnxmagic.ModelFailed):
        onnxmagic.check(nn.Linear(5, 2), (X,))


def test_a_failed_capture_can_close_the_gate() -> None:
    with pytest.raises(onnxmagic.CheckFailed, match="OM301"):
        onnxmagic.check(Branching(), (X,), fail_on="error")


def test_arguments_by_name() -> None:
    assert onnxmagic.check(Stepping().eval(), kwargs={"x": X}).ok


def test_without_running() -> None:
    check = onnxmagic.check(Stepping().eval(), (X,), run=False)
    assert check.parity is None
    assert "OM407" not in codes(check)
    assert check.untried == ("Not run, and not compared with PyTorch: run=False (--no-run).",)


def test_model_and_disk_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = Stepping().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    onnxmagic.check(model, (X,))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not list(tmp_path.glob("**/*.onnx*"))


def test_selected_rules_only() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Linear(4, 2)).train()
    check = onnxmagic.check(model, (X,), select="OM1", ignore="train-mode", run=False)
    assert codes(check) == set()
    assert "OM101" in codes(onnxmagic.check(model, (X,), select="OM1", run=False))


@pytest.mark.parametrize("on_disk", [False, True])
def test_an_export_keeps_what_was_measured(on_disk: bool, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Dropout(), nn.Linear(4, 2)).train()
    export = onnxmagic.export(model, (X,), output=tmp_path / "net.onnx" if on_disk else None)
    check = onnxmagic.check(export)
    assert (check.parity, check.axes) == (export.parity, export.axes)
    assert codes(check) >= {finding.code for finding in export.findings}
    assert check.untried == ()
    assert check.path == export.path


def test_an_export_that_was_changed_since(tmp_path: Path) -> None:
    export = onnxmagic.export(Stepping(), (X,), output=tmp_path / "net.onnx")
    (tmp_path / "net.onnx").write_bytes(b"other")
    with pytest.raises(onnxmagic.UsageMistake, match="changed since this export"):
        onnxmagic.check(export)


def test_a_static_export_is_not_blamed_for_it() -> None:
    export = onnxmagic.export(Stepping(), (X,), static=True, prove=False)
    assert "OM201" not in codes(onnxmagic.check(export))


def test_an_export_against_its_model_anew() -> None:
    model = Stepping().eval()
    check = onnxmagic.check(onnxmagic.export(model, (X,), prove=False), against=model)
    assert check.parity is not None
    assert check.parity.ok
    assert "OM407" not in codes(check)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return Stepping().eval()


@pytest.fixture(scope="module")
def path(model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "net.onnx"
    onnxmagic.export(model, (X,), output=path, prove=False)
    return path


def test_a_file_against_its_model_is_proved_at_other_sizes(path: Path, model: nn.Module) -> None:
    check = onnxmagic.check(path, against=model)
    assert check.parity is not None
    assert check.parity.ok
    assert [axis.status for axis in check.axes] == ["proved"]
    assert len(check.axes[0].sizes) == 3
    assert check.untried == ("Compared with PyTorch on made-up inputs only: pass yours, data=… (--data).",)


def test_a_file_against_another_model(path: Path) -> None:
    check = onnxmagic.check(path, against=Stepping())
    assert "OM401" in codes(check)
    assert [axis.status for axis in check.axes] == ["declared"]


def test_a_file_on_data_against_its_model(path: Path, model: nn.Module) -> None:
    data = [(torch.randn(5, 4), torch.zeros(5)), (torch.randn(3, 4), torch.zeros(3))]
    check = onnxmagic.check(path, against=model, data=iter(data))
    assert check.axes[0].sizes == (3, 5)
    assert check.axes[0].status == "proved"
    assert "No other sizes than those of the data were tried." in check.untried


def test_a_shuffling_loader_does_not_move_the_random_state(path: Path) -> None:
    loader = torch.utils.data.DataLoader(torch.randn(8, 4), batch_size=2, shuffle=True)
    before = torch.random.get_rng_state()
    assert onnxmagic.check(path, data=loader).runs
    assert torch.equal(torch.random.get_rng_state(), before)
