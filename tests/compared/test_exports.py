"""Two exports of this session, matched as the diff does it: on the example, here, down to the line that differs."""

from __future__ import annotations

import pytest
import torch

import onnxmagic
from onnxmagic.compared.measured import measured
from onnxmagic.compared.targets import targets_of
from onnxmagic.diff.match import match
from onnxmagic.runtime.apart import Apart


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(4, 8)
        self.second = torch.nn.Linear(8, 2)

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        return self.second(hidden).softmax(-1)


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    net, x = Net().eval(), torch.randn(3, 4)
    before = onnxmagic.export(net, (x,), prove=False)
    with torch.no_grad():
        net.second.weight += 0.1
    return before, onnxmagic.export(net, (x,), prove=False)


def compared(a, b, **options):
    first, second = targets_of(a, b, (None, None), cells=None, progress=None)
    return measured(first, second, match(first.side, second.side), **options)


def test_the_module_and_the_line_where_they_part(pair, monkeypatch):
    def elsewhere(apart):
        raise AssertionError("an export of this session needs no other process")

    monkeypatch.setattr(Apart, "start", elsewhere)
    found = compared(*pair).outputs
    assert (found.compared, found.on, found.samples, found.left_out) == (True, "your example", 3, "")
    assert found.first.where.module == "second"
    assert found.first.where.source == "return self.second(hidden).softmax(-1)"
    assert found.first.where.file == "test_exports.py"


def test_an_export_beside_a_file_from_anywhere(pair, tmp_path):
    before, after = pair
    after.save(tmp_path / "after.onnx")
    found = compared(before, tmp_path / "after.onnx", timed=True)
    assert found.outputs.on == "your example"
    assert found.outputs.first.where.module == "second"
    assert found.latency.a.median > 0
    back = compared(tmp_path / "after.onnx", before).outputs
    assert back.on == "your example"
    assert back.first.where.source == "return self.second(hidden).softmax(-1)"


def test_a_half_as_wide_export_takes_other_inputs(pair):
    half = onnxmagic.export(Net().eval().half(), (torch.randn(3, 4).half(),), prove=False)
    found = compared(pair[0], half).outputs
    assert not found.compared
    assert "`x` is float32 in" in found.reason
    assert "float16 in" in found.reason


def test_a_quantised_file_is_compared_where_its_values_still_are(pair, tmp_path):
    from onnxruntime.quantization import quantize_dynamic

    pair[0].save(tmp_path / "net.onnx")
    quantize_dynamic(tmp_path / "net.onnx", tmp_path / "int8.onnx")
    found = compared(pair[0], tmp_path / "int8.onnx").outputs
    assert found.compared
    assert 0 < found.outputs[0].max_abs < 0.1
    assert found.first is not None
