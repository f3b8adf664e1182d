"""``targets=`` and ``opset=`` on an export: the file is of the opset and IR version that its readers know."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import torch
from models import Tiny
from torch import nn
from torch.nn import functional

import onnxmagic
from onnxmagic.errors import UsageMistake
from onnxmagic.runtime.apart import Apart, Died

IMAGE = (torch.randn(2, 1, 8, 8),)
SCHEMA = Path(__file__).parents[2] / "docs" / "result.schema.json"


class Block(nn.Module):
    """What a transformer is made of, and a part of the shape."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        return self.layer(x).reshape(x.shape[0], -1)


class Warp(nn.Module):
    def forward(self, x, grid):
        return functional.grid_sample(x, grid, align_corners=False)


WARPED = (torch.randn(2, 1, 8, 8), torch.rand(2, 4, 4, 2))


def codes(export):
    return {finding.code for finding in export.findings}


def test_without_a_target_nothing_is_chosen():
    export = onnxmagic.export(Tiny().eval(), IMAGE)
    assert (export.graph.opset, export.graph.ir_version, export.chosen) == (20, 10, ())


def test_the_ir_version_of_an_old_runtime(tmp_path):
    export = onnxmagic.export(Tiny().eval(), IMAGE, targets="onnxruntime==1.17", output=tmp_path / "net.onnx")
    assert (export.graph.opset, export.graph.ir_version) == (20, 9)
    assert export.parity.ok
    assert not codes(export) & {"OM501", "OM502", "OM503"}
    assert export.chosen[0] == "Opset 20: the usual one, which ONNX Runtime 1.17 reads."
    assert export.chosen[1].startswith("IR version 9: ONNX Runtime 1.17 reads none above it (ran: ")


@pytest.mark.parametrize("opset", [17, 13])
def test_an_older_opset_than_torch_writes_is_had_and_proved(opset):
    torch.manual_seed(0)
    export = onnxmagic.export(Block().eval(), (torch.randn(2, 3, 8),), opset=opset)
    assert export.graph.opset == opset
    assert export.parity.ok
    assert [axis.status for axis in export.axes] == ["proved"]
    assert "OM501" not in codes(export)
    assert export.chosen[0].startswith(f"Opset {opset}: asked for.")


def test_the_modules_and_lines_survive_it():
    export = onnxmagic.export(Block().eval(), (torch.randn(2, 3, 8),), opset=13)
    assert {node.module for node in export.graph.nodes if "norm1" in (node.module or "")} == {"layer.norm1"}


def test_the_lowest_target_decides(tmp_path):
    export = onnxmagic.export(Tiny().eval(), IMAGE, targets=["onnxruntime==1.17", "tensorrt==8.6", "opencv"])
    assert export.graph.opset == 17
    assert "TensorRT 8.6 reads none above it (table says: " in export.chosen[0]
    assert "Which opset OpenCV 5.0 reads is not known here, so it did not decide." in export.chosen


def test_an_opset_that_cannot_be_had_gives_the_nearest_and_the_reason():
    export = onnxmagic.export(Warp(), WARPED, opset=13)
    assert export.graph.opset == 16
    assert export.parity.ok
    (finding,) = [f for f in export.findings if f.code == "OM501"]
    assert "there is no GridSample in opset 13" in finding.message
    assert finding.fix.option == "--opset 16"


def test_a_target_that_cannot_be_met_is_said():
    export = onnxmagic.export(Warp(), WARPED, targets="tensorrt==8.2")
    assert "the nearest that could be had to 13" in export.chosen[0]
    assert "OM502" in codes(export)


def test_a_wish_against_the_target_is_kept_and_found():
    export = onnxmagic.export(Tiny().eval(), IMAGE, targets="onnxruntime==1.17", opset=22)
    assert export.graph.opset == 22
    assert {"OM502", "OM503"} <= codes(export)
    assert "something in the file needs it" in export.chosen[1]


def test_weights_outside_the_file_come_along(tmp_path):
    model = nn.Sequential(nn.Linear(32, 64), nn.Softmax(0)).eval()
    export = onnxmagic.export(model, (torch.randn(2, 32),), opset=12, output=tmp_path / "net.onnx", external_data=True)
    assert export.graph.opset == 12
    assert export.parity.ok
    assert (tmp_path / "net.onnx.data").stat().st_size >= 64 * 32 * 4


@pytest.mark.parametrize("cause", ["crash", "time"])
def test_a_converter_that_dies_takes_nothing_with_it(monkeypatch, cause):
    def dies(*args, **kwargs):
        raise Died("it crashed (SIGSEGV)" if cause == "crash" else "it took longer than 120 seconds", cause)

    monkeypatch.setattr(Apart, "call", dies)
    export = onnxmagic.export(Tiny().eval(), IMAGE, opset=13)
    assert export.graph.opset == 18
    assert any("was given up: it" in f.message for f in export.findings if f.code == "OM501")


def test_what_was_chosen_is_in_the_data():
    export = onnxmagic.export(Tiny().eval(), IMAGE, targets="onnxruntime==1.17", prove=False)
    data = export.to_dict()
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert data["chosen"] == list(export.chosen) != []


def test_an_unknown_target_is_said_before_anything_runs():
    with pytest.raises(UsageMistake, match="Did you mean 'openvino'"):
        onnxmagic.export(Tiny(), IMAGE, targets="openvin")
