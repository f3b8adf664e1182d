"""What is not known of a target is said."""

from __future__ import annotations

import onnx

import onnxmagic
from onnxmagic.target import find_targets, unknown_facts
from onnxmagic.target.target import Fact, OperatorFact, Target

FACT = Fact("table says", "a table of something", "2026-11-21")


def said(*targets, operators=()):
    return " ".join(unknown_facts(targets, operators))


def with_operators(**support):
    facts = {name: (OperatorFact(name, how, FACT, "some"),) for name, how in support.items()}
    return Target("it", "It", highest_opset=20, highest_ir=9, operators=facts, dynamic_shapes="yes", int64_io="yes")


def test_no_target_nothing_to_say():
    assert unknown_facts(()) == ()


def test_a_target_of_which_nothing_is_known():
    assert said(Target("it", "It")) == (
        "The file was not run in It: what is said of it was learnt before, without it. Not known here of It: which "
        "opset and IR version it reads, how it takes dynamic shapes, how it takes int64 inputs and outputs and which "
        "operators it has."
    )


def test_operators_that_no_fact_speaks_of():
    sentence = said(with_operators(Conv="yes", Relu="no"), operators=["Conv", "Relu", "Foo", "Foo", "a::Bar"])
    assert "Not known here whether It runs `Foo` and `a::Bar`." in sentence
    assert "Conv" not in sentence
    assert "Relu" not in sentence


def test_operators_with_limits_that_nobody_looked_at():
    assert "It takes `Conv` with limits that were not looked at (table says: a table" in said(
        with_operators(Conv="partly"), operators=["Conv"]
    )


def test_many_and_hostile_names_stay_short_and_plain():
    sentence = said(with_operators(Conv="yes"), operators=[f"`x`\n{i}" * 100 for i in range(30)])
    assert "26 more" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_onnx_runtime_without_a_version_is_the_one_that_ran():
    assert "was not run" not in said(*find_targets("onnxruntime"))
    assert "was not run in ONNX Runtime 1.17" in said(*find_targets("onnxruntime==1.17"))


def test_a_check_says_it():
    text = '<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y) { y = Relu(x) }'
    check = onnxmagic.check(onnx.parser.parse_model(text).SerializeToString(), targets="tflite", run=False)
    assert any("Not known here of TensorFlow Lite" in sentence for sentence in check.untried)
