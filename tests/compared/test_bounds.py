"""Memory and time are bounded, and what they did not allow is told; an interrupt keeps what was compared."""

from __future__ import annotations

import numpy as np
import onnx.shape_inference
import pytest
from pairs import matched, model, parsed

from onnxmagic.compared import measured as measuring
from onnxmagic.compared import numbers, pieces, ready

X = np.ones((2, 4), np.float32)
CHAIN = " ".join(f"[node{i}] {'y' if i == 19 else f'v{i}'} = Sin ({'x' if i == 0 else f'v{i - 1}'})" for i in range(20))
LONG = f"net (float[n, 1000] x) => (float[n, 1000] y) {{ {CHAIN} }}"
WIDE = {"x": np.ones((100, 1000), np.float32)}


SHAPED = onnx.shape_inference.infer_shapes(parsed(LONG))


def outputs(a, b, **options):
    return measuring.measured(a, b, matched(a, b), **options).outputs


@pytest.fixture
def runs(monkeypatch):
    """The names that were given away, by run and side."""
    seen = []
    giving = ready.giving

    def noted(runtime, path, names, **kwargs):
        seen.append(list(names))
        return giving(runtime, path, seen[-1], **kwargs)

    monkeypatch.setattr(ready, "giving", noted)
    return seen


def test_all_values_come_from_one_run_where_they_fit(runs):
    found = outputs(model(SHAPED, example=WIDE), model(SHAPED, "b.onnx"))
    assert len(found.values) == 20
    assert len(runs) == 2


def test_values_that_do_not_fit_together_come_from_several_runs(runs, monkeypatch):
    monkeypatch.setattr(pieces, "AT_ONCE", 5 * 400_000)
    found = outputs(model(SHAPED, example=WIDE), model(SHAPED, "b.onnx"))
    assert len(found.values) == 20
    assert found.left_out == ""
    assert max(map(len, runs)) <= 5
    assert len(runs) == 8


def test_sizes_that_no_file_tells_are_learnt_from_the_first_run(runs, monkeypatch):
    # There is no shape in the file for anything between the input and the output.
    monkeypatch.setattr(pieces, "AT_ONCE", 16 * 400_000)
    monkeypatch.setattr(pieces, "UNKNOWN", 8 * 400_000)
    found = outputs(model(LONG, example=WIDE), model(LONG, "b.onnx"))
    assert len(found.values) == 20
    assert [len(names) for names in runs] == [2, 2, 8, 8, 8, 8, 1, 1]


def test_without_sizes_a_large_input_makes_careful(runs, monkeypatch):
    monkeypatch.setattr(pieces, "AT_ONCE", 16 * 400_000)
    monkeypatch.setattr(pieces, "UNKNOWN", 1)
    outputs(model(LONG, example=WIDE), model(LONG, "b.onnx"))
    assert len(runs[0]) == 2


def test_a_value_larger_than_memory_allows_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(pieces, "LARGEST", 10)
    found = outputs(model(example={"x": X}), model(name="b.onnx"))
    assert "y" not in {change.name for change in found.values}
    assert "One value inside was not compared: larger than 500 MB." in found.left_out
    assert found.outputs[0].max_abs == 0


def test_time_is_bounded_and_said():
    endless = ({"x": X} for _ in range(10**9))
    found = outputs(model(), model(name="b.onnx"), data=endless, samples=None, seconds=0.5)
    assert found.compared
    assert found.samples > 1
    assert found.seconds < 20
    assert f"after {found.samples:,} samples" in found.left_out


def test_values_are_left_out_when_time_is_up(monkeypatch):
    monkeypatch.setattr(pieces, "AT_ONCE", 5 * 400_000)
    found = outputs(model(SHAPED, example=WIDE), model(SHAPED, "b.onnx"), seconds=0.0)
    assert found.compared
    assert len(found.values) == 5
    assert "15 values inside were not compared: stopped after" in found.left_out


def test_an_interrupt_keeps_what_was_compared():
    def interrupted():
        yield {"x": X}
        yield {"x": X}
        raise KeyboardInterrupt

    found = outputs(model(), model(name="b.onnx"), data=interrupted())
    assert found.compared
    assert found.samples == 4
    assert found.left_out.startswith("Interrupted after 4 samples.")


def test_an_interrupt_before_anything_was_compared_is_the_reason():
    def interrupted():
        raise KeyboardInterrupt
        yield

    found = measuring.measured(model(), model(), matched(model(), model()), data=interrupted(), timed=True)
    assert not found.outputs.compared
    assert found.outputs.reason == found.reason == "interrupted"


def test_a_value_that_the_runtime_keeps_is_left_out_alone(monkeypatch):
    # What no node gives cannot be an output; ONNX Runtime refuses the whole file for it.
    a, b = model(example={"x": X}), model(name="b.onnx")
    made = numbers.inner_twins

    def with_a_wrong_one(*args):
        first, *rest = made(*args)
        return (first, type(first)("nowhere", "nowhere", first.node), *rest)

    monkeypatch.setattr(numbers, "inner_twins", with_a_wrong_one)
    found = outputs(a, b)
    assert [change.name for change in found.values] == ["h", "s", "r", "y"]
