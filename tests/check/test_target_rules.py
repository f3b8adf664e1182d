"""OM502 to OM506: a file against what is known of its targets; cases as they were met in real life."""

from __future__ import annotations

import onnx
import pytest

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.graph.read import read
from onnxmagic.target import find_targets
from onnxmagic.target.target import Target


def graph(body="y = Relu(x)", inputs="float[n,4] x", outputs="float[n,4] y", opset=18, ir=8):
    head = f'<ir_version: {ir}, opset_import: ["" : {opset}, "com.me" : 1]>'
    return read(onnx.parser.parse_model(f"{head} g ({inputs}) => ({outputs}) {{ {body} }}").SerializeToString())


def found(code, targets, **file):
    wanted = find_targets(targets) if isinstance(targets, str) else targets
    return catalogue.run(GraphEvidence(graph(**file), targets=wanted), select=[code])


@pytest.mark.parametrize("code", ["OM502", "OM503", "OM504", "OM505", "OM506"])
@pytest.mark.parametrize("targets", [(), (Target("dark", "Dark"),)])
def test_silent_without_a_target_and_where_nothing_is_known(code, targets):
    assert found(code, targets, inputs="int64[n,4] x", outputs="int64[n,4] y", opset=26, ir=13) == ()


def test_opset_22_on_onnx_runtime_1_20():
    (finding,) = found("OM502", "onnxruntime==1.20.1", opset=22)
    assert finding.severity == "error"
    assert "opset 22, and ONNX Runtime 1.20.1 reads none above 21 (ran: " in finding.message
    assert finding.fix.option == "--target onnxruntime==1.20.1"
    assert found("OM502", "onnxruntime==1.20.1", opset=21) == ()


def test_a_number_that_is_read_before_all_of_its_operators_are_there():
    (finding,) = found("OM502", "onnxruntime==1.15", opset=19)
    assert finding.severity == "warning"
    assert "reads that number, and lacks operators above 18: none of 8 exported models loaded" in finding.message


def test_a_table_is_not_worded_like_a_run():
    (finding,) = found("OM502", "tensorrt==8.6", opset=20)
    assert "(table says: " in finding.message
    assert "ran:" not in finding.message


def test_ir_10_on_onnx_runtime_1_17():
    (finding,) = found("OM503", "onnxruntime==1.17.3", ir=10)
    assert "IR version 10, and ONNX Runtime 1.17.3 reads none above 9" in finding.message
    assert finding.fix.rewrite == "lower-ir"
    assert found("OM503", "onnxruntime==1.17.3", ir=9) == found("OM503", "openvino", ir=13) == ()


def test_one_finding_a_target():
    assert len(found("OM503", "onnxruntime==1.17,onnxruntime==1.16,onnxruntime", ir=10)) == 2


RESIZE = {"inputs": "float[1,1,8,8] x, int64[4] s", "outputs": "float[1,1,4,4] y"}


@pytest.mark.parametrize("target", ["openvino", "opencv"])
def test_antialias_is_wrong_without_an_error(target):
    body = 'y = Resize <mode = "linear", antialias = 1> (x, , , s)'
    (finding,) = found("OM504", target, body=body, **RESIZE)
    assert finding.severity == "error"
    assert "`Resize` with `antialias` 1" in finding.message
    assert found("OM504", target, body=body.replace("antialias = 1", "antialias = 0"), **RESIZE) == ()
    assert found("OM504", "onnxruntime", body=body, **RESIZE) == ()


def test_gather_nd_of_a_bool_mask_as_in_bert_on_opencv():
    shapes = {"inputs": "bool[2,2] x, int64[1,2] i", "outputs": "bool[1] y"}
    (finding,) = found("OM504", "opencv", body="y = GatherND(x, i)", **shapes)
    assert "`GatherND` on bool tensors: OpenCV 5.0 does not take it" in finding.message
    assert finding.fix.text == "x.int()[index].bool()"
    floats = {"inputs": "float[2,2] x, int64[1,2] i", "outputs": "float[1] y"}
    assert found("OM504", "opencv", body="y = GatherND(x, i)", **floats) == ()


def test_all_that_one_table_lacks_is_one_finding_with_a_count():
    body = "a = Unique(x) b = Unique(a) y = Det(b)"
    (finding,) = found("OM504", "tensorrt==10.1", body=body)
    assert "TensorRT 10.1 has no `Unique` and `Det` (table says: " in finding.message
    assert (finding.count, finding.severity) == (3, "error")


def test_a_newer_version_may_have_learnt_it():
    (finding,) = found("OM504", "tensorrt==11", body="y = Det(x)")
    assert finding.severity == "warning"
    assert finding.message.startswith("TensorRT 10.1 had no `Det`")
    assert "Whether 11 still does so is not known here." in finding.message


def test_what_is_not_in_a_complete_list_runs_on_the_cpu():
    (finding,) = found("OM504", "nnapi", body="y = Gelu(x)", opset=20)
    assert finding.severity == "warning"
    assert "NNAPI 1.31 has no `Gelu` (table says: " in finding.message
    assert "runs on the CPU instead" in finding.message


def test_what_is_in_no_list_of_an_incomplete_one_is_not_known_and_not_said():
    assert found("OM504", "openvino", body="y = Swish(x)", opset=24) == ()


def test_somebodys_own_operators_are_left_to_their_rule():
    assert found("OM504", "nnapi", body="y = com.me.Relu(x)") == ()


def test_float64_gives_garbage_on_opencv():
    (finding,) = found("OM504", "opencv", inputs="double[n,4] x", outputs="double[n,4] y")
    assert "computes in float64, which OpenCV 5.0 does not support: the values were garbage" in finding.message


def test_dynamic_axes_on_nnapi_and_tensorrt():
    fixed, asked = found("OM505", "nnapi, tensorrt")
    assert (fixed.severity, fixed.fix.option) == ("warning", "--static")
    assert (asked.severity, asked.fix) == ("info", None)
    assert "optimization profile" in asked.message
    assert found("OM505", "nnapi, tensorrt", inputs="float[2,4] x") == ()
    assert found("OM505", "onnxruntime") == ()


def test_int64_token_ids():
    shapes = {"body": "y = Neg(x)", "inputs": "int64[n] x", "outputs": "int64[n] y"}
    (finding,) = found("OM506", "tensorrt==8.6", **shapes)
    assert (finding.count, finding.severity) == (2, "info")
    assert "cast down to int32" in finding.message
    assert found("OM506", "tensorrt==10", **shapes) == found("OM506", "tensorrt==8.6") == ()
