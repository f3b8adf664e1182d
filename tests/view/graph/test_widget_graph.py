"""The live view's side of the graph: what it is given, what it may ask, what is chosen."""

from __future__ import annotations

import gc
import json
import sys
import weakref
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import graph_results  # pyright: ignore[reportMissingImports]  # of tests/view; put on the path above

from onnxmagic.errors import UsageMistake
from onnxmagic.view.html import page
from onnxmagic.view.parts import Drawing
from onnxmagic.view.report import report
from onnxmagic.view.widget import ReportWidget


@pytest.fixture
def live(kernel):
    """A result, its parts and its widget; ``widget.sent`` is what the browser would get."""
    result = graph_results.result()
    parts = report(result)
    widget = ReportWidget.of(result, parts, "abc")
    widget.sent = []
    widget.send = widget.sent.append
    return result, parts, widget


def payload_of(parts):
    return next(part.payload for s in parts.sections for part in s.parts if isinstance(part, Drawing))


def test_a_notebook_with_its_widgets_state_holds_the_data_once(live):
    _, parts, widget = live
    state = json.dumps(widget.get_state())
    payload = payload_of(parts)
    assert page(parts, "abc").count(payload) == 1
    assert payload not in state
    assert "data:image" not in widget.html
    assert 'data-testid=\\"om-graph\\"' in state


def test_a_view_without_the_page_asks_for_the_data(live):
    _, parts, widget = live
    widget.hear(widget, {"ask": "graph", "id": "7"}, [])
    assert widget.sent == [{"id": "7", "answer": payload_of(parts)}]


def test_a_question_gets_an_answer_whatever_happens(live):
    _, _, widget = live

    def failing(error):
        def answer(_):
            raise error

        return answer

    widget.answers.update(
        told=lambda content: {"error": f"no {content['name']}"},
        misused=failing(UsageMistake("Write another.")),
        broken=failing(ZeroDivisionError("by 0")),
        stopped=failing(KeyboardInterrupt()),
        odd=lambda _: {"mean": float("nan"), "shape": (1, 2)},
    )
    for kind in ("told", "misused", "broken", "stopped", "odd", "unknown"):
        widget.hear(widget, {"ask": kind, "id": kind, "name": "x"}, [])
    assert widget.sent == [
        {"id": "told", "error": "no x"},
        {"id": "misused", "error": "Write another."},
        {"id": "broken", "error": "ZeroDivisionError: by 0"},
        {"id": "stopped", "error": "It was interrupted."},
        {"id": "odd", "answer": {"mean": None, "shape": [1, 2]}},
        {"id": "unknown", "error": "Python has no answer for unknown."},
    ]


def test_a_node_that_is_chosen_in_the_browser_is_at_hand_in_python(live):
    result, _, widget = live
    widget.selected = "n1"
    assert (result.selected.name, result.selected.op_type, result.selected.attributes) == (
        "act",
        "LeakyRelu",
        {"alpha": 0.25},
    )
    widget.selected = "n999"
    assert result.selected.name == "act"


def test_what_python_chooses_is_shown_in_every_view(live):
    result, parts, widget = live
    result.selected = "head"
    assert widget.selected.startswith(("m", "n"))
    result.selected = result.graph.nodes[1]
    assert widget.selected == "n1"
    assert ReportWidget.of(result, parts, "def").selected == "n1"
    result.selected = None
    assert widget.selected == ""


def test_a_widget_does_not_keep_its_result(live):
    import graph_results as again

    result = again.result()
    widget = ReportWidget.of(result, report(result), "ghi")
    known = weakref.ref(result)
    del result
    gc.collect()
    assert known() is None
    assert widget.selected == ""
