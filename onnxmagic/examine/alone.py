"""A file run without the PyTorch model that it came from.

There is nothing to compare with, so little can be claimed: that the runtime loads it, that it gives one answer to one
input, that dynamic axes take other sizes, that no NaN comes out. All of it happens in a process of its own. What was
not tried, or cannot be judged with made-up inputs, is told in a sentence each; it is not a finding.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from onnxmagic.check.evidence import RunCase, RunEvidence
from onnxmagic.check.wording import code, enumerated, listed, sentence
from onnxmagic.examine import axis_runs
from onnxmagic.examine.home import Home, Unsuited, find_home, home_of
from onnxmagic.examine.inputs import Feeds, Kind, Sizes, Unmakeable, made_up, places, resized
from onnxmagic.examine.resizing import Attempt, AxisRuns, OutOfTime, Trier, resize_axes
from onnxmagic.examine.result import Run
from onnxmagic.export.result import Axis
from onnxmagic.graph.facts import Graph
from onnxmagic.runtime.apart import Died
from onnxmagic.runtime.frames import TooLarge
from onnxmagic.runtime.isolated import Isolated, IsolatedSession, Refused
from onnxmagic.runtime.protocol import NotLoadable

__all__ = ["PASS_DATA", "Alone", "feeds_for", "run_alone"]

TRYING: Final = 20.0
"""Seconds after which no further sizes are tried."""

PASS_DATA: Final = "Pass inputs that suit it, data=… (--data), to try it."  # noqa: S105  # no password

_STOPS: Final = (OutOfTime, Died, NotLoadable, Refused, TooLarge, Unmakeable)
"""What ends a trial without telling anything of the file."""

# Domains whose operators ONNX Runtime brings along; what it says about others is OM303's to say.
_OWN_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "ai.onnx.training"})


@dataclass(frozen=True, slots=True)
class Alone:
    """What running the file showed.

    Attributes
    ----------
    evidence : RunEvidence or None
        None when nothing ran.
    axes : tuple of Axis
    bounded : tuple of (str, int, str)
        Input, index and sizes of axes that are declared dynamic and are not, as ``GraphEvidence.bounded_axes``.
    runs : tuple of Run
    untried : tuple of str
    feeds : tuple of feeds
        Inputs on which it ran, of home and of the first other sizes of each axis.
    """

    evidence: RunEvidence | None = None
    axes: tuple[Axis, ...] = ()
    bounded: tuple[tuple[str, int, str], ...] = ()
    runs: tuple[Run, ...] = ()
    untried: tuple[str, ...] = ()
    feeds: tuple[Feeds, ...] = ()


def run_alone(
    runtime: Isolated, path: Path, graph: Graph, *, plainly: bool, batches: Iterable[Feeds] | None = None
) -> Alone:
    """Load the file at `path` and run it.

    Parameters
    ----------
    plainly : bool
        It may draw random numbers, so it is run twice without optimisation, which folds a random node into a constant.
    batches : iterable of feeds, optional
        The user's own inputs, taken one after another; without them, inputs are made up.
    """
    if runtime.missing():
        return Alone(untried=(f"Not run: {runtime.missing()}.",), axes=axis_runs.axes(places(graph), {}))
    return _Runs(runtime, path, graph, plainly, batches).all()


def feeds_for(runtime: Isolated, path: Path, graph: Graph) -> tuple[list[Feeds], str]:
    """Return made-up inputs on which the file at `path` runs, or none and the reason, a clause."""
    if runtime.missing():
        return [], runtime.missing()
    runs = _Runs(runtime, path, graph, plainly=False, batches=None)
    try:
        home = runs.home()
    except Unsuited as error:
        return [], f"made-up inputs do not suit it ({error})"
    except _STOPS as error:
        return [], sentence(str(error), 200).rstrip(".")
    return [home.feeds], ""


@dataclass
class _Runs:
    """One file being run; what is learnt of it gathers here."""

    runtime: Isolated
    path: Path
    graph: Graph
    plainly: bool
    batches: Iterable[Feeds] | None
    untried: list[str] = field(default_factory=list[str])
    cases: list[RunCase] = field(default_factory=list[RunCase])
    runs: list[Run] = field(default_factory=list[Run])
    axes: dict[str, AxisRuns] = field(default_factory=dict[str, AxisRuns])
    feeds: list[Feeds] = field(default_factory=list[Feeds])
    unstable: tuple[str, ...] | None = None
    _session: IsolatedSession | None = None
    _end: float = float("inf")

    def __post_init__(self) -> None:
        self.where = places(self.graph)

    def all(self) -> Alone:
        try:
            self._load()
            home = self.home()
            self.feeds.append(home.feeds)
            self._two_answers(home.feeds)
            self._resize(home)
        except NotLoadable as error:
            return self._refused(str(error))
        except Unsuited as error:
            if self.batches is None:
                words = "It loads; it was not run, since made-up inputs do not suit it"
                self.untried.append(f"{words} ({error}). {PASS_DATA}")
        except (Died, OutOfTime, TooLarge, Unmakeable) as error:
            self.untried.append(f"Running the file was given up: {error}.{_hint(error)}")
        return self._done()

    def _load(self) -> IsolatedSession:
        if self._session is None or not self._session.alive:
            self._session = self.runtime.load(self.path)
        return self._session

    def _refused(self, reason: str) -> Alone:
        """Judge a refusal to load: an error of the file, unless it only lacks somebody's own operators."""
        axes = axis_runs.axes(self.where, {})
        foreign = [n for n in self.graph.walk() if n.domain not in _OWN_DOMAINS]
        lacking = [f"{n.domain}::{n.op_type}" for n in foreign if n.op_type in reason or n.domain in reason]
        if lacking:
            untried = f"Not run: ONNX Runtime has no operator {code(lacking[0])}, which is not a standard one."
            return Alone(axes=axes, untried=(untried,))
        return Alone(RunEvidence(self.runtime.name, load_error=reason), axes)

    def home(self) -> Home:
        """Return where the file runs."""
        if self.batches is not None:
            return self._home_of_data(self.batches)
        self._end = time.monotonic() + TRYING
        home = self._without_nan(find_home(self._made, self.where))
        self._ran([home.attempt])
        return home

    def _without_nan(self, home: Home) -> Home:
        """Return another home when there is NaN in this one, which a sound file gives for the root of a negative."""
        found = list(self._nan_cases(home))
        if not found:
            return home
        try:
            gentle = find_home(lambda _: self._made("uniform"), self.where)
        except (*_STOPS, Unsuited):
            gentle = home
        cases = list(self._nan_cases(gentle))
        self.cases += cases
        if not cases:
            self.untried.append(
                f"{listed(case.output for case in found)} had NaN on inputs drawn from the normal distribution and "
                f"none on inputs between 0 and 1, so the file was run on those. {PASS_DATA}"
            )
        return gentle

    def _home_of_data(self, batches: Iterable[Feeds]) -> Home:
        """Run every batch; the first that runs is home."""
        first: Home | None = None
        for batch in batches:
            sizes = {name: int(batch[axes[0][0]].shape[axes[0][1]]) for name, axes in self.where.items()}
            try:
                home = home_of(self._yours(batch), sizes)
            except Unsuited as error:
                self.cases.append(RunCase("", {}, "data", "run", str(error)))
                continue
            first = first or home
            self.cases += self._nan_cases(home)
            self._ran([home.attempt])
        if first is None:
            raise Unsuited
        return first

    def _made(self, kind: Kind) -> Trier:
        return Trier(self.graph, lambda sizes: made_up(self.graph, sizes, kind), self._try)

    def _yours(self, batch: Feeds) -> Trier:
        def feeds(sizes: Sizes) -> Feeds:
            changed = batch
            for name, size in sizes.items():
                changed = resized(changed, self.where[name], size)
            return changed

        return Trier(self.graph, feeds, self._try)

    def _try(self, feeds: Feeds) -> Sequence[Any] | str:
        """Run the file once and return its outputs, or why it refuses."""
        if time.monotonic() > self._end:
            raise OutOfTime
        try:
            return self._load().run(feeds)
        except Refused as error:
            return str(error)

    def _two_answers(self, feeds: Feeds) -> None:
        try:
            session = self.runtime.load(self.path, optimize=False) if self.plainly else self._load()
            first, second = session.run(feeds), session.run(feeds)
            if self.plainly:
                session.close()
        except _STOPS as error:
            self.untried.append(f"Whether it gives one answer to one input was not tried: {sentence(str(error), 200)}")
            return
        pairs = zip(session.outputs, first, second, strict=True)
        self.unstable = tuple(name for name, a, b in pairs if not _same(a, b))

    def _nan_cases(self, home: Home) -> Iterator[RunCase]:
        inputs: Literal["data", "made up"] = "made up" if self.batches is None else "data"
        outputs: tuple[Any, ...] = home.attempt.outputs or ()
        for value, output in zip(self.graph.outputs, outputs, strict=False):
            if isinstance(output, np.ndarray) and output.dtype.kind == "f" and (count := int(np.isnan(output).sum())):
                yield RunCase(value.name, {}, inputs, "nan-alone", f"{count:,} of {output.size:,} values")

    def _resize(self, home: Home) -> None:
        self._end = max(self._end, time.monotonic() + TRYING / 2)
        try:
            for axis in resize_axes(home.trier, self.where, home.attempt):
                self.axes[axis.name] = axis
                self._ran(axis.runs)
                self.feeds += [home.trier.feeds(attempt.sizes) for attempt in axis.runs]
        except _STOPS as error:
            left = [axis_runs.title(name, self.where) for name in self.where if name not in self.axes]
            self.untried.append(f"Other sizes of {enumerated(left)} were not tried any further: {error}.")

    def _ran(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            shown = {axis_runs.plain(name, self.where): size for name, size in attempt.sizes.items()}
            reason = f"{listed(attempt.infinite)} not finite" if attempt.infinite else ""
            self.runs.append(Run(shown, "made up" if self.batches is None else "yours", not attempt.infinite, reason))

    def _done(self) -> Alone:
        deterministic = None if self.unstable is None else not self.unstable
        return Alone(
            RunEvidence(
                self.runtime.name,
                tuple(self.cases),
                nondeterministic=self.unstable or (),
                deterministic=deterministic,
            ),
            axis_runs.axes(self.where, self.axes),
            axis_runs.bounded(self.where, self.axes),
            _counted(self.runs),
            tuple(self.untried),
            tuple(self.feeds),
        )


def _counted(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Return one run for all that went alike, in the order of their first."""
    alike: dict[Any, Run] = {}
    for run in runs:
        key = (*sorted(run.sizes.items()), run.inputs, run.ok, run.reason)
        alike[key] = replace(run, count=alike[key].count + 1) if key in alike else run
    return tuple(alike.values())


def _hint(error: Exception) -> str:
    return f" {PASS_DATA}" if isinstance(error, Unmakeable) else ""


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list):  # a sequence of arrays
        return len(a) == len(b) and all(map(_same, a, b))
    return (
        bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f")) if isinstance(a, np.ndarray) else repr(a) == repr(b)
    )
