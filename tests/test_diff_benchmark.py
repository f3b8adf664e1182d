"""The bars of the diff's benchmark, and what it measures on a small file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import onnx
import pytest
from diff import CASES, LARGE, SMALL, main, measure, missed_bars, table, theirs, write
from edits import KINDS, edited, filled, origins, renamed, shuffled, stripped, tagged
from layers import build

HELD = {"match": 0.2, "precision": 1.0, "recall": 0.995, "diff": 0.4}


@pytest.mark.parametrize("nodes", [SMALL, LARGE])
def test_all_bars_held(nodes: int) -> None:
    assert missed_bars(nodes, "renamed", HELD) == []


@pytest.mark.parametrize(
    ("nodes", "changed", "said"),
    [
        (SMALL, {"match": 0.6}, "1,000 nodes renamed: match takes 0.60 s; at most 0.5 is the bar"),
        (LARGE, {"match": 3.2}, "20,000 nodes renamed: match takes 3.20 s; at most 3.0 is the bar"),
        (LARGE, {"recall": 0.98}, "20,000 nodes renamed: recall is 0.9800; at least 0.99 is the bar"),
        (500, {"precision": 0.5}, "500 nodes renamed: precision is 0.5000; at least 0.99 is the bar"),
    ],
)
def test_a_missed_bar_is_named(nodes: int, changed: dict[str, float], said: str) -> None:
    assert missed_bars(nodes, "renamed", {**HELD, **changed}) == [said]


def test_a_time_that_was_not_waited_for_is_said_to_be_more() -> None:
    rows = table(LARGE, {"renamed": (HELD, {"diff": 120.0, "late": 1})})
    assert "> 120.00 s" in rows
    assert "onnx-diff takes over 300.0 times as long" in rows


def test_without_the_other_program_its_columns_are_empty(tmp_path: Path) -> None:
    assert theirs(None, tmp_path, tmp_path) == {}
    assert theirs(Path(sys.executable), tmp_path / "a", tmp_path / "b") == {}
    assert "times" not in table(SMALL, {"renamed": (HELD, {})})


def test_the_files_are_measured(tmp_path: Path) -> None:
    pairs = write(tmp_path, 84, 4)
    assert tuple(pairs) == CASES
    for a, b in pairs.values():
        figures = measure(a, b)
        assert figures["precision"] == 1
        assert figures["recall"] >= 0.95
        assert figures["memory"] > 10


def test_the_program_prints_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    words = ["--sizes", "84", "--rounds", "1", "--beside", sys.executable, "--json", str(figures)]
    assert main(words) == 0
    assert "84 nodes" in capsys.readouterr().out
    own, other = json.loads(figures.read_text(encoding="utf-8"))["84"]["renamed"]
    assert own["precision"] == 1
    assert other == {}


@pytest.mark.parametrize("kind", KINDS)
def test_edits_leave_sound_models_and_tell_what_they_did(kind: str) -> None:
    a = filled(tagged(build(84)))
    b, truth = edited(a, 4, seed=3, kinds=[kind])
    onnx.checker.check_model(b, full_check=True)
    assert {*origins(b)} - {*origins(a)} == {*truth.added}
    assert {*origins(a)} - {*origins(b)} == {*truth.removed}
    assert len(truth.added) + len(truth.removed) + len(truth.changed) == 4
    assert {*truth.changed.values()} <= {kind}


def test_renaming_shuffling_and_stripping_keep_the_model_sound() -> None:
    a = filled(tagged(build(84)))
    b = stripped(shuffled(renamed(a, 1), 1))
    onnx.checker.check_model(b, full_check=True)
    assert sorted(origins(b)) == sorted(origins(a))
    assert origins(b) != origins(a)
    assert not {node.name for node in b.graph.node} & {node.name for node in a.graph.node}
    assert {value.name for value in b.graph.input} == {value.name for value in a.graph.input}
