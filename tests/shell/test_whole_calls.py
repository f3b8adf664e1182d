"""Real calls as examples with nothing replaced: recorded, exported, proved and shown."""

from __future__ import annotations

import pytest

MODELS = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(4, 2)

    def forward(self, x, mask=None):
        y = self.encoder(x)
        return y if mask is None else y * mask[..., None]

torch.manual_seed(0)
model = Net().eval()
x = torch.randn(3, 4)
"""


@pytest.fixture
def nb(nb):
    """A notebook with a small model."""
    nb.run(MODELS)
    return nb


def test_the_calls_of_a_cell_are_the_proof(nb, tmp_path, capsys):
    capsys.readouterr()
    cell = "for rows, length in ((2, 5), (3, 7)):\n    y = model(torch.randn(rows, length, 4))\nprint('ran')\ny.shape"
    result = nb.try_(f"%%onnx_export model -o {tmp_path}/net.onnx --as e\n{cell}")
    assert repr(result.result) == "torch.Size([3, 7, 2])"
    export = nb["e"]
    assert export.ok, export.findings
    assert export.path == tmp_path / "net.onnx"
    assert sum(case.count for case in export.parity.cases if case.inputs == "recorded") == 2
    assert {axis.index for axis in export.axes if axis.status == "proved"} == {0, 1}
    shown = capsys.readouterr().out
    assert shown.index("ran") < shown.index("torch.Size") < shown.index("Agrees with PyTorch")


def test_a_part_of_the_whole(nb):
    nb.run("%%onnx_export model.encoder --as e -q\nwith torch.no_grad():\n    model(x); model(x[:2])")
    assert nb["e"].ok
    assert nb["e"].model_name == "model.encoder"


def test_inputs_found_by_name(nb):
    export = nb.run("e = %onnx_export model -q\ne")
    assert export.ok
    assert "`x` was taken from the notebook's variable `x`: float32[3, 4]." in export.taken


def test_inputs_like_a_loader(nb):
    nb.run("loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, torch.arange(3)), 2)")
    export = nb.run("e = %onnx_export model --like loader -q\ne")
    assert export.ok
    assert any("one batch of the DataLoader" in sentence for sentence in export.taken)
    assert any(sentence.startswith("Part 2 of the batch (int64[2]) was left out") for sentence in export.taken)


def test_more_data_for_the_proof(nb):
    nb.run("loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(50, 4)), 8)")
    export = nb.run("e = %onnx_export model(x) --data loader --samples 20 -q\ne")
    assert export.ok
    assert 20 <= export.parity.sweep.samples <= 24
    assert nb.run("e = %onnx_export model(x) --data loader --samples all -q\ne").parity.sweep.samples == 50


def test_the_magic_leaves_the_model_as_it_was(nb):
    nb.run("model.train()")
    before = set(vars(nb["model"]))
    nb.run("%%onnx_export model -q\nmodel(x);")
    assert nb["model"].training
    assert nb["model"].encoder.training
    assert set(vars(nb["model"])) == before
    assert nb.error("%%onnx_export model\nx").startswith("No call of `model` happened in the cell")
