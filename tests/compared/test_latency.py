"""Both timed in turns, on the inputs they were compared on, in one process that is not this one."""

from __future__ import annotations

import numpy as np
import pytest
from pairs import NET, matched, model

from onnxmagic.compared import latency
from onnxmagic.compared.measured import measured
from onnxmagic.diff.matching import Matching


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(latency, "ROUNDS", 5)


CHAIN = " ".join(f"[m{i}] v{i} = MatMul ({'x' if i == 0 else f'v{i - 1}'}, x)" for i in range(20))
SLOW = f"net (float[300, 300] x) => (float[300, 300] y) {{ {CHAIN} y = Identity (v19) }}"
QUICK = "net (float[300, 300] x) => (float[300, 300] y) { [m0] y = MatMul (x, x) }"


def test_the_slower_one_is_slower():
    a, b = model(SLOW, own=True), model(QUICK, "b.onnx", own=False)
    found = measured(a, b, matched(a, b), timed=True)
    timed = found.latency
    assert found.reason == ""
    assert timed.rounds == 5
    assert "ONNX Runtime" in timed.runtime
    for spread in (timed.a, timed.b):
        assert 0 < spread.fastest <= spread.median <= spread.slowest
    assert timed.a.median > 2 * timed.b.median


def test_it_is_not_measured_unasked():
    found = measured(model(), model(name="b.onnx"), matched(model(), model()))
    assert (found.latency, found.reason) == (None, "not tried")


def test_what_cannot_run_cannot_be_timed():
    other = model(NET.replace("float[n, 4] x", "float[n, 4] z").replace("MatMul (x", "MatMul (z"), "b.onnx")
    found = measured(model(), other, Matching(()), timed=True)
    assert found.latency is None
    assert found.reason == found.outputs.reason


def test_it_runs_on_the_users_data():
    batches = iter([{"x": np.ones((3, 4), np.float32)}])
    found = measured(model(), model(name="b.onnx"), matched(model(), model()), data=batches, timed=True)
    assert found.outputs.samples == 3
    assert found.latency is not None
