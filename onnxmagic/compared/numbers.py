"""Both models run on the same inputs: their outputs, and every value inside that both compute.

The first value that differs says where two models begin to be two. All are given away by one run, unoptimised, so that
names still mean what the files say; where they do not fit into memory together, by several. What time or memory did
not allow is told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import cached_property
from itertools import chain
from typing import Any, Final

import numpy as np

from onnxmagic.check.wording import code, size
from onnxmagic.compared.found import Found
from onnxmagic.compared.offers import Offer, offers
from onnxmagic.compared.pieces import LARGEST, Groups
from onnxmagic.compared.ready import CannotRun, Feeds, GivenUp, Ready, Runnable
from onnxmagic.compared.sessions import Both, loaded
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.numbers import Apartness, numeric
from onnxmagic.diff.side import Side
from onnxmagic.diff.twins import Twin, inner_twins, output_twins
from onnxmagic.errors import UsageMistake
from onnxmagic.export.sweep.pace import OFTEN
from onnxmagic.export.sweep.rows import Rows
from onnxmagic.inside.selection import KEPT_BYTES

__all__ = ["SECONDS", "Comparison"]

SECONDS: Final = 60.0
"""Time after which no further run is begun."""

MOST_FAILURES: Final = 3
"""Groups of values that may bring a run down before no further one is tried."""

Group = tuple[Twin, ...]


class Comparison:
    """Compares two models on the same inputs; what it finds gathers in ``found``.

    Parameters
    ----------
    models, runners : pair
        The two, and what runs them.
    names : mapping
        Inputs of the second by those of the first.
    matching : Matching
    seconds : float
    progress : callable, optional
    """

    def __init__(
        self,
        models: tuple[Runnable, Runnable],
        runners: tuple[Ready, Ready],
        names: Mapping[str, str],
        matching: Matching,
        *,
        seconds: float = SECONDS,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.models = models
        self.runners = runners
        self.names = names
        self.matching = matching
        self.found = Found()
        self._seconds = seconds
        self._start = time.perf_counter()
        self._progress = progress
        self._said = 0.0
        self._kept: list[Feeds] = []

    def on(self, data: Any, samples: int | None) -> None:
        """Compare on `data`, or on what else both can be run on.

        Raises
        ------
        CannotRun
            They run on nothing that there is.
        UsageMistake
            `data` do not fit.
        """
        if not self._outputs and not self._inner:
            raise CannotRun("they have no value in common")
        # Offers are tried one after the other, up to the first that both run on.
        reasons = (self._tried(offer) for offer in offers(self.models, self.runners, self.names, data, samples))
        first = next(reasons)
        if first and all(reasons):
            raise CannotRun(first)
        if not self.found.outputs and not self.found.inner:
            raise CannotRun("nothing that both compute is an array of numbers")
        self.found.left_out += (
            f"{code(twin.a)} is no array of numbers." for twin in self._outputs if twin not in self.found.outputs
        )

    def _tried(self, offer: Offer) -> str:
        """Compare on one offer; return why that was not possible."""
        try:
            self._on(offer)
        except CannotRun as error:
            return str(error)
        except KeyboardInterrupt:
            if self.found.offer is None:
                raise
            self.found.left_out.insert(0, f"Interrupted {self.found.so_far}.")
        return ""

    @property
    def _sides(self) -> tuple[Side, Side]:
        return self.models[0].side, self.models[1].side

    @cached_property
    def _inner(self) -> Group:
        return inner_twins(*self._sides, self.matching)

    @cached_property
    def _outputs(self) -> Group:
        return output_twins(*self._sides, self.matching)

    def _on(self, offer: Offer) -> None:
        with closing(offer.batches()) as batches:
            first = next(batches)
            groups = Groups(*self._sides, (first, {its: first[name] for name, its in self.names.items()}))
            pieces = groups.of(self._inner)
            group = next(pieces, ())
            try:
                self._all(offer, group, chain([first], batches), groups)
            except GivenUp as error:
                if self.found.offer is not None or not group:
                    raise
                self._not_compared(group, str(error))
                self._all(offer, (), chain([first], batches), groups)
        self._rest(pieces, groups)
        self._not_compared(groups.too_large, f"larger than {size(LARGEST)}")

    def _all(self, offer: Offer, group: Group, batches: Iterable[Feeds], groups: Groups) -> None:
        """Compare the outputs, and a first group of values, on all inputs."""
        rows, more = Rows.of(offer.graph), len(group) < len(self._inner)
        # Where there are more values than one run gives, the others get half of the time.
        end = self._start + self._seconds / (2 if more else 1)
        with self._loaded(group) as both:
            for feeds in self._while_they_last(batches):
                if self.found.offer is not None and time.perf_counter() > end:
                    self.found.left_out.append(f"Stopped after {self._time()}, {self.found.so_far}.")
                    return
                try:
                    self._compare(both, feeds, groups, outputs=True)
                except CannotRun as error:
                    if self.found.offer is None:
                        raise
                    self.found.left_out.append(f"Stopped {self.found.so_far}: {error}.")
                    return
                self.found.ran(offer, feeds, rows.count(feeds))
                self._say(f"compare: {self.found.samples:,} samples")
                if more:
                    self._keep(feeds)

    def _rest(self, pieces: Iterator[Group], groups: Groups) -> None:
        """Compare the other groups of values, on the inputs that were kept."""
        failures, why = 0, ""
        left: list[Twin] = []
        for group in pieces:
            why = why or self._why_stop(failures)
            if why:
                left += group
                continue
            self._say(f"compare: {len(self.found.inner):,} of {len(self._inner):,} values inside")
            try:
                with self._loaded(group) as both:
                    self._on_kept(both, groups)
            except CannotRun as error:
                failures += 1
                self._not_compared(group, str(error))
        self._not_compared(left, why)

    def _on_kept(self, both: Both, groups: Groups) -> None:
        for number, feeds in enumerate(self._kept):
            if number and self._why_stop(0):
                return
            self._compare(both, feeds, groups, outputs=False)

    def _why_stop(self, failures: int) -> str:
        if failures >= MOST_FAILURES:
            return "the runs before failed"
        return f"stopped after {self._time()}" if time.perf_counter() - self._start > self._seconds else ""

    def _compare(self, both: Both, feeds: Feeds, groups: Groups, *, outputs: bool) -> None:
        ours, theirs = both.run(feeds)
        for twin in self._outputs if outputs else ():
            one, other = ours[twin.a], theirs[twin.b]
            if twin.numbers and numeric(one) and numeric(other):
                self.found.outputs.setdefault(twin, Apartness()).add(one, other)
        for twin in both.twins:
            one, other = ours.get(twin.a), theirs.get(twin.b)
            if isinstance(one, np.ndarray):
                groups.learn(twin, one.nbytes)
            if numeric(one, "f") and numeric(other, "f"):
                assert one is not None
                assert other is not None
                self.found.inner.setdefault(twin, Apartness()).add(one, other)

    def _loaded(self, group: Group) -> AbstractContextManager[Both]:
        first, second = ({value.name for value in side.graph.outputs} for side in self._sides)
        return loaded(self.runners, self.names, group, (first, second))

    def _while_they_last(self, batches: Iterable[Feeds]) -> Generator[Feeds]:
        """Yield the inputs; where the user's data break off, say so."""
        batches = iter(batches)
        while True:
            try:
                feeds = next(batches)
            except StopIteration:
                return
            except Exception as error:
                if self.found.offer is None:
                    raise
                reason = " ".join(str(error).split())[:200] if isinstance(error, UsageMistake) else repr(error)[:200]
                self.found.left_out.append(f"The data failed {self.found.so_far}: {reason.rstrip('.')}.")
                return
            yield feeds

    def _keep(self, feeds: Feeds) -> None:
        held = sum(array.nbytes for each in (*self._kept, feeds) for array in each.values())
        if not self._kept or held <= KEPT_BYTES:
            self._kept.append(feeds)

    def _not_compared(self, twins: Sequence[Twin], why: str) -> None:
        if twins:
            many = f"{len(twins):,} values inside were" if len(twins) > 1 else "One value inside was"
            self.found.left_out.append(f"{many} not compared: {why}.")

    def _say(self, words: str) -> None:
        """Say how far it is, as often as somebody can read it."""
        if self._progress is not None and time.perf_counter() - self._said > OFTEN:
            self._said = time.perf_counter()
            self._progress(words)

    def _time(self) -> str:
        return f"{time.perf_counter() - self._start:.0f} s"
