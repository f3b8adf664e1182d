"""The bar of the recording's benchmark can be missed, and it measures what it says."""

from __future__ import annotations

import torch
from recording import Nothing, measure, missed_bars, one_call, table


def test_a_loop_that_is_slowed_down_is_named() -> None:
    assert missed_bars({"a": {"ratio": 1.099}}) == []
    (line,) = missed_bars({"a": {"ratio": 1.2}})
    assert line == "a takes 1.200 times as long when it is recorded; 1.1 times are allowed"


def test_both_ways_are_measured() -> None:
    figure = measure(Nothing(), [{"x": torch.zeros(1)}] * 20, rounds=3)
    assert (figure["calls"], len(figure["ratios"])) == (20, 3)
    # A module that does nothing shows the cost of recording in full: a loop that recorded nothing would not.
    assert figure["ratio"] > 1.5
    assert "20" in table({"nothing": figure})


def test_a_call_that_is_not_kept_costs_next_to_nothing() -> None:
    assert 0 < one_call(calls=500, rounds=2) < 0.001
