"""The mended file against the original: what agrees, what differs, and what was not compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mending import LIVE, model

from onnxmagic.fix.proof import Proof, prove
from onnxmagic.runtime.ort import OnnxRuntime

X = {"x": np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)}


@pytest.fixture
def compared(tmp_path: Path):
    def compare(old: str, new: str, feeds: object = (X,), safe: bool = True) -> Proof:
        for name, text in {"old": old, "new": new}.items():
            (tmp_path / name).write_bytes(model(text).SerializeToString())
        return prove(tmp_path / "old", tmp_path / "new", OnnxRuntime(), feeds, safe=safe)  # type: ignore[arg-type]

    return compare


def graph(body: str, output: str = "float[n, 4] y") -> str:
    return f"g (float[n, 4] x) => ({output}) {{ {body} }}"


SAME = graph("y = Relu (x)")


def test_equal_outputs_are_equal(compared) -> None:
    proof = compared(SAME, graph("a = Identity (x) y = Relu (a)"))
    assert (proof.ok, proof.runs, proof.max_rel) == (True, 1, 0.0)
    assert proof.says.startswith("bit for bit equal to the original, in ONNX Runtime")


def test_rounding_is_called_rounding(compared) -> None:
    quotient = "e = Exp (x) d = Neg (x) f = Exp (d) s = Sub (e, f) t = Add (e, f) y = Div (s, t)"
    proof = compared(graph("y = Tanh (x)"), graph(quotient))
    assert proof.ok
    assert 0 < proof.max_rel < 1e-5
    assert "which is rounding" in proof.says


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (graph("y = Neg (x)"), "`y` differs by"),
        (graph("a = Log (x) y = Add (a, x)"), "`y` is NaN or infinite at other places"),
        (graph("y = Transpose (x)", "float[4, n] y"), "`y` has the shape (4, 3), not (3, 4)"),
        (graph("z = Relu (x)", "float[n, 4] z"), "the outputs are `z`, not `y`"),
        (graph("y = own.f (x)"), "loads the original and refuses this"),
        (
            graph("a = Constant <value_ints = [5, 2]> () y = Reshape (x, a)"),
            "it does not run on inputs that the original",
        ),
    ],
)
def test_what_differs_is_said(compared, new: str, says: str) -> None:
    proof = compared(SAME, new)
    assert proof.ok is False
    assert says in proof.says


def test_other_numbers_are_reported_where_they_may_change(compared) -> None:
    proof = compared(SAME, graph("a = Constant <value_float = 1.001> () b = Mul (x, a) y = Relu (b)"), safe=False)
    assert proof.ok
    assert 1e-5 < proof.max_rel < 1e-2
    assert "which is rounding" not in proof.says


def test_whole_numbers_have_to_be_equal(compared) -> None:
    one, other = (graph(f"y = {op} <axis = 1, keepdims = 0> (x)", "int64[n] y") for op in ("ArgMax", "ArgMin"))
    assert "which is no floating-point output, is different" in compared(one, other, safe=False).says


def test_inputs_of_doubles_are_given_as_floats(compared) -> None:
    old = "g (double[n, 4] x, double[n, 4] unused) => (double[n, 4] y) { y = Sin (x) }"
    feed = {"x": X["x"].astype(np.float64), "unused": X["x"].astype(np.float64)}
    proof = compared(old, graph("y = Sin (x)"), [feed], safe=False)
    assert proof.ok
    assert proof.max_rel < 1e-6


@pytest.mark.parametrize(
    ("old", "feeds", "reason"),
    [
        (LIVE.replace("y = D", "a = D").replace("t) }", "t) y = Neg (a) }"), (X,), "another answer on every run"),
        (SAME, (), "there were no inputs"),
        (SAME, ({"x": np.zeros((2, 9), np.float32)},), "it runs on none of the inputs"),
        (graph("y = own.f (x)"), (X,), "ONNX Runtime 1."),
    ],
)
def test_what_cannot_be_compared_is_said(compared, old: str, feeds: object, reason: str) -> None:
    proof = compared(old, SAME, feeds)
    assert proof.ok is None
    assert proof.says.startswith("not compared with the original: ")
    assert reason in proof.says


def test_a_runtime_that_is_missing_compares_nothing(tmp_path: Path) -> None:
    class Absent(OnnxRuntime):
        def missing(self) -> str:
            return "it is not installed"

    assert prove(tmp_path, tmp_path, Absent(), [X]) == Proof(
        None, "not compared with the original: it is not installed"
    )


def test_sequences_and_texts_are_compared_too(compared) -> None:
    out = "seq(float[k, 4]) y"
    one = graph("y = SplitToSequence <axis = 0> (x)", out)
    other = graph("a = Neg (x) y = SplitToSequence <axis = 0> (a)", out)
    assert compared(one, one).ok
    assert compared(one, other).ok is False
