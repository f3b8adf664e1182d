"""The bars of the check's benchmark can be missed, and its graph is sound and as large as it says."""

from __future__ import annotations

from pathlib import Path

from check import generated, measure, missed_bars, table

from onnxmagic.graph.read import read


def test_bars_that_are_held() -> None:
    assert missed_bars({"OM102": 0.149, "OM104": 0.1}) == []


def test_a_slow_rule_is_named() -> None:
    assert missed_bars({"OM102": 0.151}) == ["OM102 takes 151 ms on 20,000 nodes; 150 ms are allowed"]


def test_many_rules_together_can_be_too_slow() -> None:
    (line,) = missed_bars({f"OM{number}": 0.14 for number in range(12)})
    assert line == "all static rules together take 1.68 s; 1.5 s are allowed"


def test_the_graph_has_as_many_nodes_as_it_says(tmp_path: Path) -> None:
    graph = read(generated(tmp_path / "g.onnx", nodes=400))
    assert 400 <= len(graph.nodes) < 405


def test_every_static_rule_is_measured(tmp_path: Path) -> None:
    from onnxmagic.check import catalogue

    around, rules = measure(generated(tmp_path / "g.onnx", nodes=400), rounds=1)
    assert set(rules) == {loaded.rule.code for loaded in catalogue.rules("graph")}
    text = table({"small": (around, rules)})
    assert all(code in text for code in rules)
    assert "ONNX's full checker" in text
