"""The sentence, the gate, the JSON: what is made of a diff's facts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import pytest
from graphs import edited, layers, renamed, side
from onnx import numpy_helper, parser

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import AtNode, Diff, OutputsDiff, ValueChange
from onnxmagic.diff.summary import number, summarised
from onnxmagic.errors import DiffFound, UsageMistake

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "diff.schema.json").read_text(encoding="utf-8"))
STRANGER = """<ir_version: 10, opset_import: ["" : 20]>
tree (string[n] words) => (int64[n] kinds)
{ [a] c = StringNormalizer <case_change_action = "LOWER"> (words) [b] s = StringConcat (c, words)
  [d] t, u = StringSplit (s) [e] kinds = Identity (u) }"""
BODIES = ("y = Sin (x)", "k = Abs (x) y = Mul (k, k)")


def diff(a: onnx.ModelProto, b: onnx.ModelProto) -> Diff:
    return between(side_of(a.SerializeToString(), "a.onnx"), side_of(b.SerializeToString(), "b.onnx"))


def retrained(by: float = 0.0031) -> onnx.ModelProto:
    model = layers(1)
    for tensor in model.graph.initializer:
        if tensor.name.endswith("dense.weight"):
            values = numpy_helper.to_array(tensor) + np.float32(by)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return model


def run(found: Diff, max_abs: float, max_rel: float) -> Diff:
    """Return `found` as if both had been run."""
    change = ValueChange("y", "y", AtNode(0, "n", "Add"), max_abs, max_rel)
    return replace(
        found, outputs=OutputsDiff(compared=True, reason="", on="your example", samples=1, outputs=(change,))
    )


def test_retrained():
    found = diff(layers(1), retrained())
    assert found.summary == "3 weights changed, at most 3.1e-3; structure and signature unchanged."
    assert not found.identical
    assert found.cost.modules == ()
    assert found.cost.parameters[0] == found.cost.parameters[1] > 0


def test_edited():
    found = diff(layers(1), edited(layers(1), 1, 1, ["insert"])[0])
    assert found.summary == "1 node added; weights and signature unchanged."
    assert found.cost.nodes == (42, 43)
    assert sum(after - before for before, after in (row.nodes for row in found.cost.modules)) == 1


def test_the_sentence_tells_what_running_both_showed():
    same, other = diff(layers(1), layers(1)), diff(layers(1), retrained())
    assert summarised(run(other, 2e-2, 5e-3)).summary.endswith("unchanged; outputs differ by 0.02.")
    assert summarised(run(other, 2e-6, 5e-7)).summary.endswith("unchanged; outputs agree within 2e-6.")
    assert summarised(run(same, 0.0, 0.0)).summary == "Identical."


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0031, "3.1e-3"), (0.25, "0.25"), (12.0, "12"), (4e-7, "4e-7"), (0.0, "0"), (12345.0, "1.2e4")],
)
def test_a_difference_as_a_person_writes_it(value, text):
    assert number(value) == text


def test_two_models_that_share_nothing():
    found = diff(layers(1), parser.parse_model(STRANGER))
    assert found.summary == "`a.onnx` and `b.onnx` share nothing that could be compared."
    assert found.matching.pairs == found.nodes.changed == found.regions == ()
    assert (len(found.nodes.removed), len(found.nodes.added)) == (42, 4)
    assert any("hardly a node is the same" in note for note in found.notes)
    assert len(found.signature.breaking) == 4
    assert not found.identical


def test_two_that_have_no_node_in_common_may_still_be_called_alike():
    models = [
        f'<ir_version: 10, opset_import: ["" : 20]> net (float[2] x) => (float[2] y) {{ {body} }}' for body in BODIES
    ]
    found = diff(*map(parser.parse_model, models))
    assert found.summary == "2 nodes added and 1 removed; weights and signature unchanged."
    assert found.notes == ()


def test_a_pin_is_believed_even_then():
    a, b = side(layers(1)), side_of(parser.parse_model(STRANGER).SerializeToString(), "b")
    found = between(a, b, pins=[(0, 0)])
    assert [(pair.a, pair.b) for pair in found.matching.pairs][:1] == [(0, 0)]


@pytest.mark.parametrize(
    ("other", "violated"),
    [
        (layers(1), {"outputs"}),
        (renamed(layers(1), 3), {"outputs"}),
        (retrained(), {"weights", "outputs", "any"}),
        (edited(layers(1), 1, 1, ["insert"])[0], {"structure", "outputs", "any"}),
    ],
    ids=["same", "renamed", "retrained", "edited"],
)
def test_the_gate(other, violated):
    found = diff(layers(1), other)
    assert {
        level for level in ("breaking", "structure", "weights", "outputs", "any") if found.violations(level)
    } == violated
    assert "were not compared: not tried" in found.violations("outputs")


def test_the_gate_and_the_signature():
    frozen = layers(1)
    frozen.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    found = diff(layers(1), frozen)
    assert found.violations("breaking") == found.violations("structure") == "axis 0 of input `x`: batch became 1"
    back = diff(frozen, layers(1))
    assert (back.violations("breaking"), back.violations("structure")) == ("", "")
    assert back.violations("any") == "axis 0 of input `x`: 1 became batch"


def test_the_gate_and_the_outputs():
    found = diff(layers(1), retrained())
    assert run(found, 1e-6, 1e-6).violations("outputs") == ""
    apart = run(found, 0.5, 0.1).violations("outputs")
    assert apart == "1 output apart by more than 1e-4 of its largest value, at most 0.5"
    assert run(found, float("nan"), float("nan")).violations("outputs")


def test_an_unknown_level_says_which_there_are():
    with pytest.raises(UsageMistake, match="breaking, structure, weights, outputs and any"):
        diff(layers(1), layers(1)).violations("strict")


def test_assert_only():
    found = diff(layers(1), retrained())
    found.assert_only(weights=True)
    with pytest.raises(
        DiffFound, match=r"only structure may differ between a\.onnx and b\.onnx, but: 3 weights changed"
    ):
        found.assert_only(structure=True)
    with pytest.raises(DiffFound, match="nothing may differ") as caught:
        found.assert_only()
    assert caught.value.diff is found
    diff(layers(1), layers(1)).assert_only()
    with pytest.raises(DiffFound, match="1 output apart"):
        run(found, 0.5, 0.1).assert_only(weights=True)


@pytest.mark.parametrize("other", [layers(1), retrained(), edited(layers(1), 6, 2)[0], parser.parse_model(STRANGER)])
def test_the_data_is_as_documented(other):
    found = diff(layers(1), other)
    for each in (found, run(found, 0.5, float("inf"))):
        data = each.to_dict()
        jsonschema.validate(data, SCHEMA)
        assert json.loads(json.dumps(data, allow_nan=False)) == data
        assert data["identical"] is each.identical
    assert data["outputs"]["outputs"][0]["max_rel"] is None
    assert len(data["nodes"]["changed"]) == len(found.nodes.changed)


def test_it_is_short_in_a_list():
    found = diff(layers(1), layers(1))
    assert repr(found) == "<Diff a.onnx → b.onnx: Identical.>"
