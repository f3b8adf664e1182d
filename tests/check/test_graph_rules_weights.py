"""Rules that look at the values of weights: equal ones, repeated ones, infinite ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.graph.read import read
from onnxmagic.graph.weights import Weights

RANDOM = np.random.default_rng(0)


def data(**arrays: np.ndarray) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
    nodes = [helper.make_node("Add", ["x", name], [f"y_{name}"], name=f"add_{name}") for name in arrays]
    tensors = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "net", [x], [], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10).SerializeToString()


def found(code: str, **arrays: np.ndarray) -> list[Finding]:
    model = data(**arrays)
    return list(catalogue.run(GraphEvidence(read(model), source=model), select=[code]))


def normal(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


W = normal(64, 48)


# OM309 duplicate-weights


def test_equal_weights_are_named_and_weighed() -> None:
    (finding,) = found("OM309", a=W, b=W, c=normal(64, 48))
    assert finding.message == "`a` and `b` have the same values: 12.3 kB of the file are copies."
    assert finding.fix
    assert finding.fix.rewrite == "deduplicate-weights"


def test_several_groups_are_one_finding() -> None:
    other = normal(32, 32)
    (finding,) = found("OM309", a=W, b=W, c=W, d=other, e=other)
    assert "`a`, `b` and `c` have the same values, and so have 1 more group of weights" in finding.message
    assert finding.count == 3


def test_a_transposed_twin_is_said_to_be_one() -> None:
    (finding,) = found("OM309", embedding=W, head=np.ascontiguousarray(W.T))
    assert "`embedding` and `head` have the same values, one transposed" in finding.message
    assert finding.fix
    assert finding.fix.rewrite is None


@pytest.mark.parametrize("place", [(0, 0), (31, 20), (32, 24), (63, 47)])
def test_one_other_number_is_another_weight(place: tuple[int, int]) -> None:
    changed = W.copy()
    changed[place] += 1
    assert found("OM309", a=W, b=changed) == []
    assert found("OM309", a=W, b=np.ascontiguousarray(changed.T)) == []


def test_weights_of_one_value_are_no_twins() -> None:
    ones = np.ones(2000, np.float32)
    assert found("OM309", a=ones, b=ones.copy()) == []


def test_small_or_otherwise_shaped_ones_are_none() -> None:
    assert found("OM309", a=W[:8, :8].copy(), b=W[:8, :8].copy()) == []
    assert found("OM309", a=W, b=W.reshape(48, 64)) == []
    assert found("OM309", a=W, b=W.view(np.int32)) == []


def test_padding_in_front_is_not_enough_to_be_equal() -> None:
    one, other = normal(100, 48), normal(100, 48)
    one[:30] = other[:30] = 0
    assert found("OM309", a=one, b=other) == []


def test_without_values_nothing_is_said() -> None:
    assert list(catalogue.run(GraphEvidence(read(data(a=W, b=W))), select=["OM309", "OM308"])) == []


def test_weights_that_differ_are_not_read_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    plain = Weights.read

    def counting(self: Weights, name: str, start: int = 0, count: int | None = None) -> bytes:
        piece = plain(self, name, start, count)
        counts.append(len(piece))
        return piece

    monkeypatch.setattr(Weights, "read", counting)
    assert found("OM309", **{f"w{i}": normal(500, 500) for i in range(10)}) == []
    assert sum(counts) < 30_000


def test_twins_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    model = onnx.load_from_string(data(a=W, b=W))
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert len(catalogue.run(GraphEvidence(read(path), source=path), select=["OM309"])) == 1


# OM308 bloated-constant


@pytest.mark.parametrize(
    "constant",
    [
        np.tile(normal(1, 64), (1000, 1)),
        np.repeat(normal(64, 1), 1000, axis=1),
        np.tile(normal(1, 64), (10, 100, 1)),
        np.tile(normal(2, 30), (500, 1)),
        np.tile(np.arange(16), (1000, 1)),
    ],
)
def test_a_repeated_constant(constant: np.ndarray) -> None:
    (finding,) = found("OM308", val_3=constant, fc=normal(20, 20))
    assert finding.message.startswith("Constant `val_3` (")
    assert finding.where.node == "add_val_3"


def test_a_repeated_constant_is_weighed() -> None:
    (finding,) = found("OM308", val_3=np.tile(normal(1, 64), (1000, 1)))
    assert "(256 kB) is 256 bytes, 1,000 times over. So, 256 kB of the file are repetition." in finding.message


@pytest.mark.parametrize(
    "constant",
    [
        normal(256, 200),
        np.concatenate([np.zeros((1, 200), np.float32), normal(255, 200)]),  # an embedding with padding
        np.tile(normal(400, 64), (1, 2)),  # a rotary table: every angle twice
        np.tril(np.ones((400, 400), np.int64)),  # a causal mask
        np.sin(np.arange(512)[:, None] / 10 ** (np.arange(64) / 16)).astype(np.float32),  # positions
        np.zeros((1, 196, 768), np.float32),  # a position table before training
        np.tile(normal(1, 16), (100, 1)),  # too small to matter
    ],
)
def test_a_constant_of_its_own(constant: np.ndarray) -> None:
    assert found("OM308", pos_embed=constant) == []


def test_what_is_small_beside_the_weights_is_left_alone() -> None:
    assert found("OM308", val_3=np.tile(normal(1, 64), (400, 1)), fc=normal(600, 500)) == []


def test_a_parameter_of_a_module_is_left_alone() -> None:
    assert found("OM308", **{"layer.weight": np.tile(normal(1, 64), (1000, 1))}) == []


# OM408 half-range, in the weights


@pytest.mark.parametrize(("value", "bad"), [(np.inf, True), (np.nan, True), (-np.inf, False), (65504, False)])
def test_infinite_half_weights(value: float, bad: bool) -> None:
    w = np.ones(600, np.float16)
    w[500] = value
    messages = [finding.message for finding in found("OM408", w=w)]
    assert [m[:31] for m in messages] == ["`w` holds infinity or NaN: a nu"] * bad
