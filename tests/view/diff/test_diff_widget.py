"""The live view of a diff: what it is given, what it may ask, and that it keeps nothing alive."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import diffs
import onnx
import onnx.numpy_helper
import pytest

from onnxmagic.diff.between import between
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.result import Diff
from onnxmagic.view.diff_widget import DiffWidget
from onnxmagic.view.parts import Drawing
from onnxmagic.view.report import report


def retrained() -> Diff:
    """Return a diff of a model and the same with other values in one weight."""
    before, after = diffs.text(diffs.BEFORE), diffs.text(diffs.BEFORE)
    weight = after.graph.initializer[1]
    weight.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight) + 0.25, weight.name))
    sides = (side_of(model.SerializeToString(), name) for model, name in ((before, "a.onnx"), (after, "b.onnx")))
    return between(*sides)


@pytest.fixture
def live(kernel: Any) -> tuple[Diff, DiffWidget, list[dict[str, Any]]]:
    """Return a diff, its widget, and what the browser would get."""
    diff = retrained()
    widget = DiffWidget.of_diff(diff, report(diff), "abc")
    sent: list[dict[str, Any]] = []
    widget.send = sent.append
    return diff, widget, sent


def test_both_distributions_of_a_weight_are_answered_on_the_same_steps(live: Any) -> None:
    diff, widget, sent = live
    (change,) = diff.weights.changed
    widget.hear(widget, {"ask": "pair", "id": "1", "name": change.before}, [])
    answer = sent[0]["answer"]
    assert len(answer["edges"]) == len(answer["before"]) + 1 == len(answer["after"]) + 1
    assert sum(answer["before"]) == sum(answer["after"]) == 16
    assert (answer["edges"][0], answer["edges"][-1]) == (1.0, 4.25)


@pytest.mark.parametrize("name", ["no such weight", None, 7])
def test_what_is_no_weight_is_said_to_be_none(live: Any, name: object) -> None:
    _, widget, sent = live
    widget.hear(widget, {"ask": "pair", "id": "1", "name": name}, [])
    assert "answer" not in sent[0]
    assert "weight" in sent[0]["error"]


def test_the_widget_asks_for_its_data_and_does_not_carry_it(live: Any) -> None:
    diff, widget, sent = live
    (payload,) = (part.payload for s in report(diff).sections for part in s.parts if isinstance(part, Drawing))
    assert payload not in json.dumps(widget.get_state())
    widget.hear(widget, {"ask": "graph", "id": "1"}, [])
    assert sent == [{"id": "1", "answer": payload}]


def test_nothing_in_a_diff_is_chosen_or_mended_from_the_browser(live: Any) -> None:
    _, widget, sent = live
    widget.selected = "n3"
    widget.hear(widget, {"apply": "f0"}, [])
    assert (widget.chooses, widget.outcomes, sent) == (False, {}, [])


def test_a_widget_does_not_keep_the_models_alive(kernel: Any) -> None:
    diff = retrained()
    widget = DiffWidget.of_diff(diff, report(diff), "abc")
    sent: list[dict[str, Any]] = []
    widget.send = sent.append
    known = weakref.ref(diff)
    del diff
    gc.collect()
    assert known() is None
    widget.hear(widget, {"ask": "pair", "id": "1", "name": "w2"}, [])
    assert sent[0]["error"].startswith("The result is gone from Python")
