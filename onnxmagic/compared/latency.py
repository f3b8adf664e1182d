"""How long both models take, measured in turns, so that what slows the machine down slows down both.

Both run in one process of its own, optimised as they are deployed: what the notebook holds, its threads and its memory,
is no part of either. The clock is read there too, beside the run; handing over inputs is not measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, Final

from onnxmagic.check.wording import sentence
from onnxmagic.compared.ready import CannotRun, Feeds, Ready, Runnable, ready
from onnxmagic.diff.result import Latency, Spread
from onnxmagic.runtime.apart import Apart, Died, Raised
from onnxmagic.runtime.frames import TooLarge
from onnxmagic.runtime.isolated import Isolated
from onnxmagic.runtime.protocol import NotLoadable

__all__ = ["latency"]

ROUNDS: Final = 30
FEWEST: Final = 3
SECONDS: Final = 10.0
"""Time after which no further round is begun, once there are ``FEWEST``."""

WARM_UP: Final = 2
A_TURN: Final = 0.02
"""Seconds that a turn takes at least: a single run of a small model is shorter than the clock's own noise."""

MOST_RUNS: Final = 1000


def latency(a: Runnable, b: Runnable, feeds: Feeds, names: Mapping[str, str]) -> Latency:
    """Return how long one run of each takes on `feeds`.

    Parameters
    ----------
    feeds : mapping
        Arrays by the names of the inputs of the first.
    names : mapping
        Inputs of the second by those of the first.

    Raises
    ------
    CannotRun
    """
    theirs = {its: feeds[name] for name, its in names.items()}
    with Apart(memory=0) as apart, ready(a, apart=apart) as first, ready(b, apart=apart) as second:
        turns = (_Turn(apart, first, feeds), _Turn(apart, second, theirs))
        rounds = _in_turns(turns)
        return Latency(turns[0].spread(), turns[1].spread(), rounds, turns[0].runtime)


class _Turn:
    """One of the two, loaded beside the other; its turns so far, as seconds of one run."""

    def __init__(self, apart: Apart, model: Ready, feeds: Feeds) -> None:
        self._call = _calling(apart, model)
        self._seconds: list[float] = []
        self._number = _loaded(apart, model)
        self.runtime = model.runtime.name
        self._call("hold", self._number, dict(feeds))
        once = [self._run(1) for _ in range(WARM_UP)][-1]
        self._runs = min(max(1, round(A_TURN / max(once, 1e-9))), MOST_RUNS)

    def take(self) -> None:
        """Take a turn."""
        self._seconds.append(self._run(self._runs))

    def spread(self) -> Spread:
        """Return what the turns took."""
        return Spread(median(self._seconds), min(self._seconds), max(self._seconds))

    def _run(self, runs: int) -> float:
        return float(self._call("seconds", self._number, runs))


def _in_turns(turns: tuple[_Turn, _Turn]) -> int:
    """Let both take turns, each first every other time; return how many rounds there were."""
    end = time.perf_counter() + SECONDS
    for done in range(ROUNDS):
        if done >= FEWEST and time.perf_counter() > end:
            return done
        for turn in turns if done % 2 == 0 else reversed(turns):
            turn.take()
    return ROUNDS


def _loaded(apart: Apart, model: Ready) -> int:
    try:
        return Isolated(apart).load(model.path).number
    except (NotLoadable, Died) as error:
        raise CannotRun(f"{model.name} cannot be timed: {_clause(error)}") from error


def _calling(apart: Apart, model: Ready) -> Callable[..., Any]:
    """Return what calls a function beside the runtime in the other process, for `model`."""

    def call(function: str, *args: Any) -> Any:
        try:
            return apart.call(f"onnxmagic.runtime.hosted:{function}", *args)
        except (Raised, Died, TooLarge) as error:
            raise CannotRun(f"{model.name} cannot be timed: {_clause(error)}") from error

    return call


def _clause(error: Exception) -> str:
    return sentence(str(error), 200).rstrip(".")
