"""The referee finds small mistakes in a file, and does not mind what is only rounding."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

import onnxmagic
from onnxmagic.check.evidence import RunCase
from onnxmagic.export.axes import Plan
from onnxmagic.export.compare import Compared
from onnxmagic.export.eager import Outputs, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.judge import case_of, decided
from onnxmagic.export.proof_inputs import ProofInputs
from onnxmagic.export.prove import Prover
from onnxmagic.export.second_leg import SecondLeg
from onnxmagic.runtime.ort import OnnxRuntime


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(32, 64), nn.Linear(64, 32)
        self.norm = nn.LayerNorm(32)
        self.gelu = nn.GELU()

    def forward(self, x):
        return self.norm(x + self.second(self.gelu(self.first(x))))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    torch.manual_seed(0)
    model, x = Block().eval(), torch.randn(4, 32)
    path = tmp_path_factory.mktemp("referee") / "sound.onnx"
    onnxmagic.export(model, (x,), output=path, prove=False)
    return model, x, path


def judge(model, x, path):
    """Prove the file at `path`, with a second leg that never excuses."""
    example = Example.make(model, (x,), {})
    with Guard(model, [x]) as guard:
        prover = Prover(ProofInputs(example, run_model(example, guard), guard), guard, OnnxRuntime())
        plan = Plan((), ())
        with prover.proving(path, onnx.load(str(path))) as prove:
            return prove(plan, lambda failing: SecondLeg("wrong", "not asked")).parity


def damaged(sound, tmp_path, damage):
    model, x, path = sound
    proto = onnx.load(str(path))
    damage(proto)
    onnx.save(proto, str(tmp_path / "damaged.onnx"))
    return judge(model, x, tmp_path / "damaged.onnx")


def scale_one_weight(proto):
    tensor = next(t for t in proto.graph.initializer if t.name == "first.weight")
    values = numpy_helper.to_array(tensor).copy()
    values[3] *= 1.0001
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def other_epsilon(proto):
    node = next(n for n in proto.graph.node if n.op_type == "LayerNormalization")
    next(a for a in node.attribute if a.name == "epsilon").f = 1.2e-5


def approximate_gelu(proto):
    node = next(n for n in proto.graph.node if n.op_type == "Gelu")
    del node.attribute[:]
    node.attribute.append(onnx.helper.make_attribute("approximate", "tanh"))


def half_precision_weight(proto):
    tensor = next(t for t in proto.graph.initializer if t.name == "second.weight")
    values = numpy_helper.to_array(tensor).astype(np.float16).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def last_bit_of_every_weight(proto):
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            moved = np.nextafter(values, np.where(np.arange(values.size).reshape(values.shape) % 2, np.inf, -np.inf))
            tensor.CopyFrom(numpy_helper.from_array(moved.astype(np.float32), tensor.name))


def test_the_sound_file_passes(sound):
    parity = judge(*sound)
    assert parity.ok
    assert max(case.ratio for case in parity.cases) < 3


@pytest.mark.parametrize("damage", [scale_one_weight, other_epsilon, approximate_gelu, half_precision_weight])
def test_small_mistakes_are_found(damage, sound, tmp_path):
    parity = damaged(sound, tmp_path, damage)
    assert not parity.ok
    assert max(case.ratio for case in parity.cases) > 8


def test_the_last_bit_of_every_weight_is_rounding(sound, tmp_path):
    assert damaged(sound, tmp_path, last_bit_of_every_weight).ok


def test_without_the_runtime_nothing_is_claimed(monkeypatch):
    monkeypatch.setattr("onnxmagic.runtime.ort.find_spec", lambda name: None)
    result = onnxmagic.export(nn.Linear(4, 2), (torch.randn(1, 4),))
    assert result.parity.cases == ()
    assert not result.parity.ok
    assert "onnxruntime is not installed" in result.parity.reason
    assert [f.code for f in result.findings] == ["OM407"]


def test_an_export_in_another_thread():
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(onnxmagic.export, nn.Linear(4, 2), (torch.randn(1, 4),)).result()
    assert result.parity.ok


@pytest.mark.parametrize(("verdict", "ok"), [("right", True), ("untried", True), ("wrong", False)])
def test_only_what_nobody_will_see_passes_without_a_second_opinion(verdict, ok):
    output = torch.ones(100)
    got = [output.numpy() * (1 + 1e-6)]
    run = RunCase("y", {}, "example", "values", "differs", max_abs=1e-6, max_rel=1e-6, ratio=30.0)
    doubtful = [Compared(run, 1e-7, "float64")]
    outputs = Outputs(("output",), (output,))
    final = decided(doubtful, SecondLeg(verdict, "so it is"), got, outputs)
    case = case_of({}, "example", final, [None])
    assert case.ok is ok
    assert "so it is" in case.reason
