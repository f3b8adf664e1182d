"""Two models measured against each other: numbers, and time where it is asked for, on the same inputs.

Inputs are found once: a generator of the user's can be read once only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from onnxmagic.compared.latency import latency
from onnxmagic.compared.numbers import SECONDS, Comparison
from onnxmagic.compared.ready import CannotRun, Feeds, Runnable, ready
from onnxmagic.compared.told import told
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.result import Latency, OutputsDiff
from onnxmagic.diff.twins import OtherInputs, inputs_by_name

__all__ = ["TOLERANCE", "Measured", "measured"]

TOLERANCE: Final = 1e-4
"""Relative difference up to which two values are the same: what another order of additions makes of float32."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What running both showed; ``latency`` is None where they were not timed, for ``reason``."""

    outputs: OutputsDiff
    latency: Latency | None = None
    reason: str = "not tried"


def measured(
    a: Runnable,
    b: Runnable,
    matching: Matching,
    *,
    data: Any = None,
    samples: int | None = 1000,
    tolerance: float = TOLERANCE,
    seconds: float = SECONDS,
    timed: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Measured:
    """Run both models on the same inputs.

    Parameters
    ----------
    a, b : Runnable
        Those made in this session run here, others in processes of their own.
    matching : Matching
    data : optional
        The user's own inputs: batches, or a dict of arrays. Without, the example that one of the two was exported
        with, or inputs that are made up from the signature.
    samples : int, optional
        Rows of `data` to take; None for all.
    tolerance : float
        Relative difference from which on a value differs.
    seconds : float
        Time after which no further run is begun.
    timed : bool
        Measure how long both take, too.
    progress : callable, optional

    Raises
    ------
    UsageMistake
        `data` do not fit the models.
    """
    start = time.perf_counter()
    try:
        names = inputs_by_name(a.side, b.side, matching)
        with ready(a) as first, ready(b) as second:
            comparison = Comparison((a, b), (first, second), names, matching, seconds=seconds, progress=progress)
            comparison.on(data, samples)
    except (OtherInputs, CannotRun, KeyboardInterrupt) as error:
        reason = str(error) or "interrupted"
        outputs = OutputsDiff(reason=reason, tolerance=tolerance, seconds=time.perf_counter() - start)
        return Measured(outputs, None, reason if timed else "not tried")
    outputs = told((a, b), matching, comparison.found, tolerance)
    outputs = replace(outputs, seconds=time.perf_counter() - start)
    if not timed:
        return Measured(outputs)
    if progress is not None:
        progress("time")
    return Measured(outputs, *_timed(a, b, names, comparison.found.feeds))


def _timed(a: Runnable, b: Runnable, names: Mapping[str, str], feeds: Feeds) -> tuple[Latency | None, str]:
    try:
        return latency(a, b, feeds, names), ""
    except (CannotRun, KeyboardInterrupt) as error:
        return None, str(error) or "interrupted"
