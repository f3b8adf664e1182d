"""The bars of the graph view's benchmark can be missed, each by itself, and what it compares does run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from graph_view import LARGE, SMALL, median, missed_bars, table
from layers import write
from watched_page import CHROMIUM_NAMES

import onnxmagic

OURS = {"paint": 0.25, "usable": 0.5, "fps": 58.0, "stall": 34.0, "memory": 200.0, "data": 130.0, "script": 55.0}
NETRON = {"paint": 1.0, "usable": 60.0, "fps": 30.0, "stall": 400.0, "memory": 2000.0, "data": 9000.0, "script": 2500.0}
PROGRAM = Path(__file__).parents[1] / "benchmarks" / "graph_view.py"


def measured(**changed: float) -> dict[str, dict[str, float]]:
    return {"onnxmagic": {**OURS, **changed}, "Netron": NETRON}


@pytest.mark.parametrize("nodes", [SMALL, LARGE])
def test_all_bars_held(nodes: int) -> None:
    assert missed_bars(nodes, measured()) == []


@pytest.mark.parametrize(
    ("nodes", "changed", "said"),
    [
        (SMALL, {"paint": 0.32}, "1,000 nodes: first paint is 0.32 s; at most 0.3 is the bar"),
        (LARGE, {"usable": 1.2}, "20,000 nodes: usable is 1.20 s; at most 1.0 is the bar"),
        (LARGE, {"memory": 351.0}, "20,000 nodes: memory is 351 MB; at most 350 is the bar"),
        (LARGE, {"fps": 49.0}, "20,000 nodes: frames a second is 49; at least 50 is the bar"),
        (LARGE, {"stall": 67.0}, "20,000 nodes: longest stall is 67 ms; at most 50 is the bar"),
        (LARGE, {"data": 201.0}, "20,000 nodes: data is 201 kB; at most 200 is the bar"),
        (SMALL, {"script": 60.5}, "the scripts are 60.5 kB; at most 60 is the bar"),
    ],
)
def test_a_missed_bar_is_named(nodes: int, changed: dict[str, float], said: str) -> None:
    assert missed_bars(nodes, measured(**changed)) == [said]


def test_being_too_slow_beside_netron_is_named() -> None:
    figures = {"onnxmagic": OURS, "Netron": {**NETRON, "paint": 0.5, "usable": 4.0}}
    assert missed_bars(SMALL, figures) == ["1,000 nodes: first paint is 0.50 of Netron's; 0.33 is the bar"]
    assert missed_bars(LARGE, figures) == ["20,000 nodes: usable is 0.12 of Netron's; 0.10 is the bar"]


def test_what_could_not_be_measured_is_no_bar_held() -> None:
    figures = measured()
    del figures["onnxmagic"]["memory"]
    assert missed_bars(LARGE, figures) == ["20,000 nodes: memory could not be measured here"]


def test_a_time_that_was_not_waited_for_is_said_to_be_more() -> None:
    late = median([{"paint": 120.0, "usable": 120.0, "late": 1}, {"paint": 120.0, "usable": 120.0, "late": 1}])
    rows = table(LARGE, {"onnxmagic": OURS, "Netron": late})
    assert "> 120.00 s" in rows
    assert "0.50 s" in rows


def test_the_file_is_a_sound_model_with_modules_and_shapes(tmp_path: Path) -> None:
    path = tmp_path / "layers.onnx"
    assert write(path, 100) == 84
    onnx.checker.check_model(path, full_check=True)
    graph = onnxmagic.show(path).graph
    assert graph.modules is not None
    assert "encoder.layer.1.attention.self.query" in {module.path for module in graph.modules.walk()}
    assert {name for node in graph.nodes for name in node.outputs} <= {*graph.values, "y"}


def test_both_are_opened_and_dragged(tmp_path: Path) -> None:
    pytest.importorskip("netron")
    pytest.importorskip("playwright")
    names = filter(None, (os.environ.get("CHROMIUM"), *CHROMIUM_NAMES))
    if not any(map(shutil.which, names)):
        pytest.skip("no Chromium here")
    figures = tmp_path / "figures.json"
    words = [sys.executable, str(PROGRAM), "--sizes", "84", "--rounds", "1", "--json", str(figures)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "84 nodes" in done.stdout, done.stderr
    found = json.loads(figures.read_text(encoding="utf-8"))["84"]
    for way in ("onnxmagic", "Netron"):
        assert found[way]["boxes"] > 5
        assert found[way]["fps"] > 0
        assert found[way]["usable"] > 0
        assert "late" not in found[way]
    assert found["onnxmagic"]["data"] < found["Netron"]["data"]
