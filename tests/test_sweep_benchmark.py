"""The bar of the sweep's benchmark can be missed, and what it compares does run."""

from __future__ import annotations

from pathlib import Path

from sweep import measure, missed_bars, table


def test_a_bar_that_is_held() -> None:
    assert missed_bars({"ResNet-18": {"sweep": 1.14, "the same work": 1.0, "session.run alone": 0.5}}) == []


def test_a_slow_sweep_is_named() -> None:
    (line,) = missed_bars({"ResNet-18": {"sweep": 1.2, "the same work": 1.0, "session.run alone": 0.5}})
    assert line == "ResNet-18: the sweep takes 1.20 times the loop that does the same work; 1.15 is allowed"


def test_all_ways_are_measured(tmp_path: Path) -> None:
    figures = {"MLP": measure("MLP", 100, 1, tmp_path)}
    assert set(figures["MLP"]) == {"sweep", "the same work", "session.run alone"}
    assert "to session.run" in table(figures)
