"""A file from anywhere, checked without its PyTorch model: what is claimed was tried, what was not is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from file_models import graph, saved

import onnxmagic
from onnxmagic.examine.result import Check

POSITIVE = "(float[n,4] x) => (float[n,4] y) { y = Relu(x) }"


def check(body: str, **options: object) -> Check:
    return onnxmagic.check(graph(body), **options)  # type: ignore[arg-type]


def codes(result: Check) -> list[str]:
    return [finding.code for finding in result.findings if finding.severity != "info"]


def untried(result: Check) -> str:
    return "\n".join(result.untried)


def test_a_sound_file(tmp_path: Path) -> None:
    result = onnxmagic.check(saved(tmp_path / "net.onnx", POSITIVE))
    assert (result.name, result.ok, result.findings) == ("net.onnx", True, ())
    assert result.path == tmp_path / "net.onnx"
    assert result.graph is not None
    assert result.runtime.startswith("ONNX Runtime 1.")


@pytest.mark.parametrize(
    "form", [lambda m: m, lambda m: m.SerializeToString(), lambda m: bytearray(m.SerializeToString())]
)
def test_a_model_in_memory(form: object) -> None:
    result = onnxmagic.check(form(graph(POSITIVE)))  # type: ignore[operator]
    assert result.ok
    assert result.path is None
    assert result.runs


def test_a_dynamic_axis_ran_and_was_not_proved() -> None:
    (axis,) = check(POSITIVE).axes
    assert (axis.input, axis.index, axis.name, axis.status) == ("x", 0, "n", "declared")
    assert len(axis.sizes) == 3
    assert "not compared with PyTorch" in axis.reason


def test_nothing_was_compared_and_that_is_said() -> None:
    result = check(POSITIVE)
    assert result.parity is None
    assert result.untried == ("Not compared with PyTorch: pass the model, against=model (--against model).",)


def test_without_running_only_the_file_is_read() -> None:
    result = check(POSITIVE, run=False)
    assert (result.runs, result.runtime) == ((), "")
    assert "Not run: run=False (--no-run)." in result.untried
    assert result.axes == () or all(not axis.sizes for axis in result.axes)


def test_a_declared_axis_that_the_body_fixes() -> None:
    result = check("(float[n,4] x) => (float[n,4] y) <int64[2] s = {3,4}> { y = Reshape(x, s) }")
    (finding,) = [f for f in result.findings if f.code == "OM202"]
    assert finding.message.startswith("Axis 0 of `x` is declared dynamic, but the file is only right for size 3")
    assert result.axes[0].sizes == (3,)


def test_an_output_that_does_not_grow_with_the_axis() -> None:
    body = "(float[n,4] x) => (float[n,4] y) <int64[2] s = {2,4}> { z = Abs(x) y = Expand(q, s) }"
    body = body.replace("{ z", "{ i = Constant<value_ints=[0]>() q = Gather<axis=0>(x, i) z")
    assert "OM202" in codes(check(body))


def test_axes_that_have_to_grow_together_are_not_fixed() -> None:
    result = check("(float[n,p] x, float[n,q] m) => (float[n,p] y) { z = Concat<axis=0>(x, m) y = Mul(x, m) }")
    assert codes(result) == []
    reason = next(axis.reason for axis in result.axes if axis.name == "p")
    assert reason == "runs at other sizes only together with `q`"


def test_an_axis_that_takes_multiples_is_not_fixed() -> None:
    body = (
        "(float[n] x) => (float[n] y) <int64[2] s = {4,-1}, int64[1] f = {-1}> { z = Reshape(x, s) y = Reshape(z, f) }"
    )
    (axis,) = check(body).axes
    assert all(size % 4 == 0 for size in axis.sizes)
    assert axis.reason.startswith("ran at these sizes, not at 1 and 5")
    assert codes(check(body)) == []


def test_axes_written_as_a_sum() -> None:
    body = "(float[a,4] x, float[b,4] z, float[c,4] w) => (float[d,4] y) { v = Concat<axis=0>(x, z) y = Add(v, w) }"
    model = graph(body)
    model.graph.input[2].type.tensor_type.shape.dim[0].dim_param = "a + b"
    result = onnxmagic.check(model)
    assert {axis.name for axis in result.axes} == {"a", "b"}
    assert all(len(axis.sizes) > 1 for axis in result.axes)


def test_axes_without_names_vary_too() -> None:
    model = graph(POSITIVE)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].Clear()
    (axis,) = onnxmagic.check(model).axes
    assert (axis.name, len(axis.sizes)) == ("", 3)


def test_a_random_file() -> None:
    text = "(float[n,4] x) => (float[n,4] y) { z = RandomNormalLike(x) y = Add(x, z) }"
    assert codes(check(text, select="OM405")) == ["OM405"]  # measured
    assert codes(check(text, select="OM104,OM405")) == ["OM104"]  # one cause, one finding


def test_nan_that_better_inputs_avoid_is_no_finding() -> None:
    result = check("(float[n,4] x) => (float[n,4] y) { y = Sqrt(x) }")
    assert codes(result) == []
    assert "`y` had NaN on inputs drawn from the normal distribution" in untried(result)


def test_nan_on_all_inputs_is_a_warning() -> None:
    result = check("(float[n,4] x) => (float[n,4] y) { a = Abs(x) b = Neg(a) y = Log(b) }")
    assert [(f.code, f.severity) for f in result.findings if f.code == "OM402"] == [("OM402", "warning")]


def test_nan_on_your_data_is_an_error() -> None:
    result = check("(float[n,4] x) => (float[n,4] y) { y = Sqrt(x) }", data=[-np.ones((2, 4), np.float32)])
    (finding,) = [f for f in result.findings if f.code == "OM402"]
    assert finding.severity == "error"
    assert finding.message.startswith("`y` has NaN on your data (8 of 8 values)")


def test_a_file_that_the_runtime_does_not_load() -> None:
    text = "(bfloat16[n,4] x) => (bfloat16[n,4] y) { y = Erf(x) }"
    assert codes(check(text, select="OM406")) == ["OM406"]  # measured
    assert codes(check(text, select="OM306,OM406")) == ["OM306"]  # one cause, one finding


def test_an_operator_of_somebodys_own_is_not_called_unloadable() -> None:
    text = '<ir_version: 8, opset_import: ["" : 17, "mine" : 1]> g (float[4] x) => (float[4] y) { y = mine.Foo(x) }'
    result = onnxmagic.check(onnx.parser.parse_model(text))
    assert "OM406" not in codes(result)
    assert "Not run: ONNX Runtime has no operator `mine::Foo`" in untried(result)


def test_what_checker_and_runtime_refuse_is_one_finding() -> None:
    result = check("(float[n,4] x) => (float[n,4] y) { y = Add(x, nowhere) }")
    assert [f.code for f in result.findings if f.severity == "error"] == ["OM311"]


def test_inputs_that_nobody_can_make_up_are_asked_for() -> None:
    result = check("(float[n,4] x) => (float[77,m] y) <int64[2] s = {77,-1}> { y = Reshape(x, s) }")
    assert codes(result) == []
    assert "made-up inputs do not suit it" in untried(result)
    assert "--data" in untried(result)


def test_a_text_input_is_asked_for() -> None:
    result = check("(string[n] x) => (string[n] y) { y = Identity(x) }")
    assert "input `x` is of type string. Pass inputs" in untried(result)


def test_a_sequence_input_is_asked_for() -> None:
    result = check("(seq(float[n]) x) => (int64 y) { y = SequenceLength(x) }")
    assert "input `x` has no shape" in untried(result)


def test_a_declared_size_beyond_reason_is_not_made() -> None:
    result = check("(float[1000000000000] x) => (float[1000000000000] y) { y = Relu(x) }")
    assert "the inputs would take more than 256 MB" in untried(result)


def test_your_data_run() -> None:
    result = check(POSITIVE, data=[(np.ones((5, 4)), "label"), {"x": np.ones((3, 4)), "y": 0}])
    assert {(tuple(run.sizes.values()), run.inputs) for run in result.runs} >= {((5,), "yours"), ((3,), "yours")}


def test_only_as_many_samples_as_asked() -> None:
    taken: list[int] = []

    def batches() -> object:
        for number in range(9):
            taken.append(number)
            yield np.ones((2, 4), np.float32)

    result = check(POSITIVE, data=batches(), samples=4)
    assert taken == [0, 1]
    assert [run.count for run in result.runs if run.sizes == {"n": 2}] == [2]


def test_data_that_the_file_refuses() -> None:
    body = "(float[n,m] x) => (float[n,m] y) <float[4] w = {1,2,3,4}> { y = Add(x, w) }"
    result = check(body, data=[np.ones((2, 7), np.float32)])
    (finding,) = [f for f in result.findings if f.code == "OM406"]
    assert "cannot run the file on your data" in finding.message


def test_a_selected_rule_alone() -> None:
    body = "(float[n,4] x, float[n] unused) => (float[n,4] y) <int64[2] s = {3,4}> { y = Reshape(x, s) }"
    assert [f.code for f in check(body, select=["OM206"]).findings] == ["OM206"]
    assert "OM206" not in [f.code for f in check(body, ignore="unused-input").findings]


def test_a_gate_that_closes_carries_the_check() -> None:
    with pytest.raises(onnxmagic.CheckFailed, match=r"--fail-on error: OM311") as caught:
        check("(float[n,4] x) => (float[n,4] y) { y = Add(x, nowhere) }", fail_on="error")
    assert not caught.value.check.ok


def test_a_gate_that_does_not_apply() -> None:
    body = "(float[n,4] x, float[n] unused) => (float[n,4] y) { y = Relu(x) }"
    assert check(body, fail_on="warning").findings


def test_torch_is_not_needed(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.onnx", POSITIVE)
    program = f"import sys, onnxmagic; sys.modules['torch'] = None; print(onnxmagic.check({str(path)!r}).ok)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_no_runtime_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxmagic.runtime.isolated.find_spec", lambda name: None)
    result = check(POSITIVE)
    assert "Not run: onnxruntime is not installed (pip install onnxruntime)." in result.untried
    assert [axis.sizes for axis in result.axes] == [()]


def test_the_file_is_as_it_was(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.onnx", POSITIVE)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    onnxmagic.check(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_stages_are_told_as_they_start() -> None:
    told: list[str] = []
    result = check(POSITIVE, progress=told.append)
    assert [stage.name for stage in result.stages] == list(dict.fromkeys(told)) == ["read", "check", "run"]


def test_a_name_for_the_report() -> None:
    assert check(POSITIVE, name="mine").name == "mine"
