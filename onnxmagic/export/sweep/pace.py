"""How far a sweep is and how fast, in words, as often as somebody can read them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["OFTEN", "Pace"]

OFTEN: Final = 0.25
"""Seconds between two words."""


class Pace:
    """Calls `progress` with the samples so far, their rate and the time left, the last where `total` is known."""

    def __init__(self, progress: Callable[[str], None] | None, total: int | None) -> None:
        self._progress = progress
        self._total = total
        self._start = time.perf_counter()
        self._last = self._start - OFTEN

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._start

    def due(self) -> bool:
        """Tell whether it is time for the next word."""
        return self._progress is not None and time.perf_counter() - self._last >= OFTEN

    def say(self, samples: int) -> None:
        """Say how far it is."""
        if self._progress is not None:
            self._last = time.perf_counter()
            self._progress(words(samples, self._total, self._last - self._start))


def words(samples: int, total: int | None, seconds: float) -> str:
    """Return ``sweep: 1,024 of 10,000 samples, 812 a second, 11 s left``."""
    rate = samples / seconds if seconds > 0 else 0.0
    known = total is not None and total >= samples
    of = f" of {total:,}" if known else ""
    told = [f"sweep: {samples:,}{of} samples"]
    if rate:
        told.append(f"{rate:,.0f} a second" if rate >= 1 else f"{60 * rate:,.1f} a minute")
        if known and total is not None:
            told.append(f"{_time((total - samples) / rate)} left")
    return ", ".join(told)


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600:.1f} h"
