"""What a live view asks for, and that it always gets an answer."""

from __future__ import annotations

import base64
import gc
import json

import numpy as np
import onnx.parser
import pytest

import onnxmagic
from onnxmagic.view.live import answer, answers

LAYER = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[n, 4] x) => (float[n, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [matmul] h = MatMul (x, w)
   [add] s = Add (h, b)
   [relu] y = Relu (s)
   n = Neg (y)
   l = Log (n)
}
"""
PARTS = """
<ir_version: 10, opset_import: ["" : 20]>
parts (float[4] x) => (float y)
{
   p = SplitToSequence <keepdims = 0> (x)
   i = Constant <value_int = 0> ()
   y = SequenceAt (p, i)
}
"""

NAMES = "The outputs of result.graph.nodes are its values."


@pytest.fixture
def shown():
    return onnxmagic.show(onnx.parser.parse_model(LAYER))


def value_index(shown, name: str) -> int:
    return next(i for i, value in enumerate(shown.choices.outline.values) if value.name == name)


def test_the_figures_of_a_weight(shown):
    told = answer(shown, "weight", {"node": 0, "weight": 0})
    assert told["name"] == "w"
    assert (told["shape"], told["dtype"], told["size"]) == ([4, 2], "float32", 8)
    assert (told["min"], told["max"], told["mean"], told["nan"], told["inf"]) == (1.0, 8.0, 4.5, 0, 0)
    assert told["std"] == pytest.approx(np.arange(1, 9).std())
    assert (sum(told["histogram"]["counts"]), len(told["histogram"]["edges"])) == (8, 33)
    assert (told["image"]["width"], told["image"]["height"]) == (2, 4)
    assert base64.b64decode(told["image"]["base64"])[0] == 0
    assert told["on"] == told["said"] == ""


def test_a_value_says_on_what_it_was_computed_and_is_there_in_python(shown):
    told = answer(shown, "value", {"index": value_index(shown, "h")})
    assert (told["name"], told["shape"][1], told["on"]) == ("h", 2, "made-up inputs")
    assert "not known" in told["said"]
    assert shown.value("h").mean() == pytest.approx(told["mean"])


def test_what_is_not_finite_is_counted_and_the_answer_is_json(shown):
    told = answer(shown, "value", {"name": "l"})
    assert told["nan"] + told["inf"] == told["size"] > 0
    json.dumps(told, allow_nan=False)
    assert (told["min"], told["mean"], told["histogram"]) == (None, None, None)


def test_a_large_weight_is_read_in_pieces_and_has_no_picture(shown, monkeypatch):
    monkeypatch.setattr("onnxmagic.view.live.PICTURED", 8)
    told = answer(shown, "weight", {"name": "w"})
    assert (told["mean"], told["image"]) == (4.5, None)


@pytest.mark.parametrize(
    ("kind", "payload", "error"),
    [
        ("value", {"name": "nothing"}, "There is no value `nothing` in the graph."),
        ("value", {"index": 999}, "There is no such value in the graph."),
        ("value", {"index": "0", "name": 3}, "There is no such value in the graph."),
        ("weight", {"node": 0, "weight": 9}, "There is no such weight in the graph."),
        ("weight", {"node": -1, "weight": 0}, "There is no such weight in the graph."),
        ("weight", {}, "There is no such weight in the graph."),
    ],
)
def test_questions_without_an_answer(shown, kind, payload, error):
    assert answer(shown, kind, payload)["error"].startswith(error)


def test_a_sequence_has_no_figures():
    shown = onnxmagic.show(onnx.parser.parse_model(PARTS))
    told = answer(shown, "value", {"name": "p"})
    assert told == {"error": "It is no tensor of numbers but list; in Python: .value('p')"}
    assert [part.tolist() for part in shown.value("p", {"x": [1, 2, 3, 4]})] == [1.0, 2.0, 3.0, 4.0]


def test_an_unforeseen_error_is_a_sentence(shown, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("onnxmagic.view.live.statistics", broken)
    assert answer(shown, "weight", {"name": "w"}) == {"error": "ZeroDivisionError: by zero"}


def test_a_result_that_is_gone_is_said_to_be_gone(shown):
    asking = answers(onnxmagic.show(shown))
    gc.collect()
    assert asking["value"]({"name": "h"})["error"].startswith("The result is gone from Python")
    kept = onnxmagic.show(shown)
    assert answers(kept)["weight"]({"name": "b"})["mean"] == -0.25


def test_a_view_and_python_choose_and_ask_together(shown, kernel, monkeypatch):
    from onnxmagic.view.report import report
    from onnxmagic.view.widget import ReportWidget

    views = [ReportWidget.of(shown, report(shown), ident) for ident in ("abc", "def")]
    views[0].selected = "n2"
    assert (shown.selected.op_type, shown.selected.outputs[0].name) == ("Relu", "y")
    assert views[1].selected == "n2"
    shown.selected = "matmul"
    assert [view.selected for view in views] == ["n0", "n0"]
    assert ReportWidget.of(shown, report(shown), "ghi").selected == "n0"
    sent = []
    monkeypatch.setattr(views[0], "send", sent.append)
    views[0].hear(None, {"ask": "weight", "id": 1, "node": 0, "weight": 0}, [])
    views[0].hear(None, {"ask": "value", "id": 2, "name": "nothing"}, [])
    assert (sent[0]["id"], sent[0]["answer"]["mean"]) == (1, 4.5)
    assert sent[1] == {"id": 2, "error": "There is no value `nothing` in the graph. " + NAMES}
