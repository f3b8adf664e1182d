"""The bars of the benchmark can be missed, each by itself."""

from __future__ import annotations

import pytest
from export_overhead import medians, missed_bars


def ratios(time: float, memory: float, verify: float = 3.0) -> dict[str, dict[str, float]]:
    return {"magic": {"time": time, "memory": memory}, "verify": {"time": verify, "memory": 1.5}}


def test_all_bars_held() -> None:
    assert missed_bars("bert", ratios(time=1.2, memory=1.1)) == []


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (ratios(time=1.31, memory=1.1), "bert: 1.31 times bare in time"),
        (ratios(time=1.2, memory=1.45), "bert: 1.45 times bare in memory"),
        (ratios(time=1.2, memory=1.1, verify=1.1), "bert: not faster than verify=True"),
    ],
)
def test_a_missed_bar_is_named(measured: dict[str, dict[str, float]], said: str) -> None:
    (line,) = missed_bars("bert", measured)
    assert line.startswith(said)


def test_a_slow_round_does_not_decide() -> None:
    runs = [{"seconds": 1.0}, {"seconds": 9.0}, {"seconds": 1.2}]
    assert medians(runs) == {"seconds": 1.2}
