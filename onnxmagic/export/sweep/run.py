"""The sweep: the file against PyTorch on the user's own data, as far as it was asked for, or as far as it came.

The first batch is special: what fails on it is the user's mistake and is raised, and on it PyTorch's own rounding is
measured. After that nothing is lost any more. Whatever ends the sweep, an interrupt, data that break, a worker that
dies, the result is that of the samples so far, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch

from onnxmagic.check.evidence import RunCase, RunEvidence
from onnxmagic.check.wording import sentence
from onnxmagic.disk.interrupt import WholeSteps
from onnxmagic.errors import UsageMistake
from onnxmagic.export.guard import Guard
from onnxmagic.export.process import forget_interrupts, random_state
from onnxmagic.export.referee import Referee
from onnxmagic.export.result import Case
from onnxmagic.export.sweep.around import Silence, Turns
from onnxmagic.export.sweep.asked import check_executor
from onnxmagic.export.sweep.bind import Bound
from onnxmagic.export.sweep.dispatch import ExecutorFails, dispatched, named
from onnxmagic.export.sweep.first import First, Nothing
from onnxmagic.export.sweep.forward import Forward
from onnxmagic.export.sweep.groups import Groups
from onnxmagic.export.sweep.pace import Pace
from onnxmagic.export.sweep.remote import Payload, packed_payload
from onnxmagic.export.sweep.result import Sample, Sweep
from onnxmagic.export.sweep.sides import Kind, Measured, ModelFails, Sides
from onnxmagic.export.sweep.source import known_total
from onnxmagic.export.sweep.taking import DataFails, Taking
from onnxmagic.export.sweep.tally import Tally
from onnxmagic.graph.facts import Graph
from onnxmagic.runtime.protocol import Runtime

__all__ = ["Swept", "sweep"]

CLOSER_LOOKS: Final = 32
"""Batches that get a float64 run of their own; in a file that is wrong throughout, each one would."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What the sweep showed.

    Attributes
    ----------
    sweep : Sweep
    cases : tuple of Case
        One for all batches of the same sizes, in which the worst speaks.
    runs : tuple of RunCase
        The same for the rules.
    untried : tuple of str
        What the cases do not list, a sentence each.
    failing : Bound or None
        The first batch with wrong values, for whoever looks where they begin.
    reason : str
        Why there was no float64 run, as ``Parity.reason``; empty where there was.
    refused : RunEvidence or None
        Why nothing could be compared at all; then there are no samples.
    """

    sweep: Sweep
    cases: tuple[Case, ...] = ()
    runs: tuple[RunCase, ...] = ()
    untried: tuple[str, ...] = ()
    failing: Bound | None = None
    reason: str = ""
    refused: RunEvidence | None = None


def sweep(
    path: Path,
    graph: Graph,
    model: torch.nn.Module,
    data: Any,
    *,
    samples: int | None,
    guard: Guard,
    runtime: Runtime,
    executor: Any = None,
    progress: Callable[[str], None] | None = None,
    noise: Sequence[float] | None = None,
    kind: Kind = "data",
) -> Swept:
    """Run the file at `path` and `model` on the same batches and compare their outputs.

    Parameters
    ----------
    model : torch.nn.Module
        In eval mode, inside `guard`.
    data : DataLoader, iterable of batches, array or dict of arrays
        Taken only as far as needed.
    samples : int or None
        Rows to compare; None for all.
    executor : concurrent.futures.Executor, optional
        Runs all batches but the first; it is not shut down.
    progress : callable, optional
        Gets how far it is, a few times a second.
    noise : sequence of float, optional
        PyTorch's rounding of each output, as measured elsewhere.

    Raises
    ------
    UsageMistake
        There is no batch, or the first one fits neither the model nor the file.
    Exception
        Whatever the user's data raise before the first batch.
    """
    if executor is not None:
        check_executor(executor)
    known = known_total(data)
    total = known if samples is None else samples if known is None else min(samples, known)
    with random_state(), Silence() as silence:
        taking = Taking(data, graph, model, samples)
        first = next(taking, None)
        if first is None:
            raise UsageMistake("data is empty; pass at least one batch.")
        one = _Sweep(path, graph, guard, runtime, executor, Pace(progress, total), silence, taking, kind)
        return one.all(first, noise)


@dataclass
class _Sweep:
    """One sweep under way; all that it keeps is of a fixed size."""

    path: Path
    graph: Graph
    guard: Guard
    runtime: Runtime
    executor: Any
    pace: Pace
    silence: Silence
    taking: Taking
    kind: Kind
    tally: Tally = field(default_factory=Tally)
    groups: Groups = field(default_factory=Groups)
    failing: Bound | None = None
    looks: int = CLOSER_LOOKS
    steps: WholeSteps = field(default_factory=WholeSteps)

    def all(self, first: Bound, noise: Sequence[float] | None) -> Swept:
        self.model = first.example.model
        self.forward = Forward(self.model, self.guard)
        self.referee = Referee(first.example, self.guard)
        try:
            sides, measured = self._first(first, noise)
            self._add(first, measured)
            stopped = self._rest(sides)
        except Nothing as nothing:
            return self._refused(nothing.evidence, first.dropped)
        finally:
            self.forward.restore()
        return self._done(stopped, first.dropped)

    def _first(self, first: Bound, noise: Sequence[float] | None) -> tuple[Sides, Measured]:
        """Compare the first batch, in this process, and return what compares the others."""
        at_first = First(self.path, self.graph, self.runtime, self.guard, self.referee, self.kind)
        torch32, answer, sides = at_first.both(first, self.taking.rows, noise)
        self.taking.rows = sides.rows
        measured = sides.judge(first, torch32, answer, thorough=True, beaten=self.tally.beaten)
        return replace(sides, forward=self.forward), measured

    def _rest(self, sides: Sides) -> str:
        """Compare the other batches; return why that ended before its time."""
        try:
            with self.steps.handled(), closing(self._measured(sides)) as results:
                for bound, measured in results:
                    self._add(bound, measured)
                    if self.pace.due():
                        self.silence.aloud(lambda: self.pace.say(self.tally.samples))
                    if not getattr(sides.session, "alive", True):
                        return f"the runtime's process ended {self._so_far()}"
        except KeyboardInterrupt:
            forget_interrupts()
            return "interrupted"
        except UsageMistake:  # an executor that cannot take the model
            raise
        except DataFails as error:
            return f"the data failed {self._so_far()}: {error}"
        except ModelFails as error:
            return f"the model failed {self._so_far()}: {error}"
        except ExecutorFails as error:
            return f"{type(self.executor).__name__} failed {self._so_far()}: {error}"
        return ""

    def _so_far(self) -> str:
        return f"after {self.tally.samples:,} sample{'s' if self.tally.samples != 1 else ''}"

    def _measured(self, sides: Sides) -> Generator[tuple[Bound, Measured]]:
        if self.executor is None:
            for bound in self.taking:
                yield bound, sides.measure(bound, thorough=self.looks > 0, beaten=self.tally.beaten)
            return
        with Turns() as turns:
            shared = replace(sides, forward=turns.taken(sides.forward), reference=turns.taken(sides.reference))
            with dispatched(self.executor, shared, self.model, lambda: self._payload(sides)) as dispatch:
                yield from dispatch.measured(self.taking, lambda: self.looks > 0, lambda: self.tally.beaten)

    def _payload(self, sides: Sides) -> bytes:
        self.guard.restart()  # the first batch has run: a worker begins where this kernel did
        self.forward.restore()
        beside = dict.fromkeys(weight.external for weight in self.graph.initializers if weight.external)
        names = (self.path.name, *(name for name in beside if name))
        files = tuple((name, (self.path.parent / name).read_bytes()) for name in names)
        rewinds = self.guard.always_rewinds
        return packed_payload(Payload(files, self.model, sides.rows, sides.noise, self.kind, rewinds))

    def _add(self, bound: Bound, measured: Measured) -> None:
        part = measured.worst
        worst = None
        if part is not None and part.max_abs > self.tally.beaten:
            inputs = {name: self.taking.rows.of_input(name, value, part.row) for name, value in bound.feeds.items()}
            index, batch = self.tally.samples + part.row, self.tally.batches
            worst = Sample(index, batch, part.max_abs, inputs, part.expected, part.got)
        if self.failing is None and any(run.problem in ("values", "nan") for run in measured.runs):
            self.failing = bound
        with self.steps:  # a batch is counted whole or not at all
            self.tally.add(measured, worst)
            self.groups.add(measured)
            self.looks -= measured.thorough

    def _refused(self, evidence: RunEvidence, dropped: str) -> Swept:
        reason = evidence.not_proved
        empty = Sweep(0, 0, asked=self.taking.asked, stopped=reason, seconds=self.pace.seconds, left_out=dropped)
        return Swept(empty, refused=evidence)

    def _done(self, stopped: str, dropped: str) -> Swept:
        tally = self.tally
        done = Sweep(
            samples=tally.samples,
            batches=tally.batches,
            wrong=tally.wrong,
            asked=self.taking.asked,
            stopped=stopped,
            seconds=self.pace.seconds,
            errors=tally.bins(),
            median=tally.quantile(0.5),
            p99=tally.quantile(0.99),
            max_abs=tally.max_abs,
            tolerance=tally.tolerance,
            agreement=tally.agreement(),
            worst=tally.worst,
            workers=named(self.executor) if self.executor is not None else "this kernel",
            left_out=dropped,
        )
        untried = _sentences(self.groups.said)
        return Swept(done, self.groups.cases, self.groups.runs, untried, self.failing, self.referee.reason)


def _sentences(clause: str) -> tuple[str, ...]:
    return (sentence(f"{clause[0].upper()}{clause[1:]}"),) if clause else ()
