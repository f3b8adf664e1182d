"""The proof: the file, run in a real runtime, against the user's own module.

The file runs on the user's example (twice: one that draws random numbers proves nothing, see ``loading``) and on fresh
values at other sizes of every dynamic axis; PyTorch runs the same, and each output is compared.
An axis whose sizes disagree is given back to the pipeline, which exports it static: the file must not claim it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import onnx
import torch

from onnxmagic.check.evidence import MaskedRow, Repeat, RunCase, RunEvidence
from onnxmagic.export.axes import Plan, Wanted
from onnxmagic.export.beside import beside
from onnxmagic.export.compare import Compared, compare_output, to_numpy
from onnxmagic.export.eager import Outputs, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.judge import case_of, decided
from onnxmagic.export.loading import Loaded, load, may_draw
from onnxmagic.export.locate import Failing
from onnxmagic.export.masked import masked_rows, say_masked
from onnxmagic.export.referee import Referee, believable, relative_noise
from onnxmagic.export.result import Case, Parity
from onnxmagic.export.twice import asked_again
from onnxmagic.export.vary import fresh_values, resized
from onnxmagic.runtime.ort import plain_reason
from onnxmagic.runtime.protocol import NotLoadable, Runtime, Session

__all__ = ["PROOF_BATCHES", "Proof", "Prove", "Prover", "two_answers"]

PROOF_BATCHES = (1, 2, 4)
"""Batch sizes of the proof; none is the exported example's 3."""


PLACED = ("values", "nan", "shape", "dtype")
"""Problems that begin at some value of the file, which can be looked for."""

Outputs64 = tuple[torch.Tensor, ...] | None
"""The outputs of a float64 run, where there was one that can be believed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One input set for the file and for PyTorch; ``known`` is PyTorch's answer where it has run already."""

    example: Example
    sizes: Mapping[str, int]
    kind: Literal["example", "varied", "tiled"]
    known: Outputs | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The parity for the result, the evidence for the rules, and the names of axes that do not hold.

    ``failing`` is the first case with wrong values, for whoever looks where they begin.
    """

    parity: Parity
    evidence: RunEvidence
    false_axes: Mapping[str, str]
    failing: Failing | None = None


Prove = Callable[[Plan, Any], Proof]


class Prover:
    """Proves one model; used again when the model had to be exported another time.

    Parameters
    ----------
    example, alone : Example, Outputs
        The user's example, and what the model gave on it.
    repeat : Repeat, optional
        What a second run showed, where the model has been asked again already.
    """

    def __init__(
        self,
        example: Example,
        alone: Outputs,
        guard: Guard,
        runtime: Runtime,
        *,
        repeat: Repeat | None = None,
        cells: Callable[[str], int | None] | None = None,
    ) -> None:
        self._example = example
        self._alone = alone
        self._guard = guard
        self._runtime = runtime
        self.referee = Referee(example, guard)
        self._noise: list[float] | None = None
        self._calibrated = False
        self._repeat = repeat
        self._cells = cells
        self._reference: Outputs64 = None
        self._asked: Plan | None = None
        self._trials: list[Trial] = []

    @property
    def repeat(self) -> Repeat:
        """What a second run of the model on the example showed."""
        if self._repeat is None:
            self._repeat = asked_again(self._example, self._alone, self._guard, self._cells)
        return self._repeat

    def ask(self, plan: Plan) -> None:
        """Ask PyTorch what the proof will need; no file is needed for it. Without, ``proving`` asks."""
        if plan == self._asked or self._runtime.missing():
            return
        if not self._calibrated:
            self._calibrate()
        self._asked = plan
        self._trials = [] if self.repeat.draws else [self._with_answer(trial) for trial in self._make_trials(plan)]

    @contextlib.contextmanager
    def proving(self, path: Path, model: onnx.ModelProto) -> Generator[Prove]:
        """Start to load the file at `path`, which holds `model`, and yield what compares it with PyTorch.

        It is called with the plan and with ``doubt``, which runs the second leg: ``doubt(example) -> SecondLeg``.
        """
        if self._runtime.missing():
            yield lambda _plan, _doubt: self._nothing(f"not tried: {self._runtime.missing()}", name="ONNX Runtime")
            return
        feeds = _feeds(self._example)
        with beside(lambda _: load(self._runtime, path, feeds, plainly=may_draw(model))) as loaded:
            yield lambda plan, doubt: self._prove(loaded, plan, doubt)

    def _prove(self, loaded: Callable[[], Loaded], plan: Plan, doubt: Any) -> Proof:
        self.ask(plan)
        try:
            file = loaded()
        except NotLoadable as error:
            return self._nothing("the runtime does not load the file", load_error=str(error))
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises is its refusal to run
            reason = f"{self._runtime.name} does not run the file: {plain_reason(error)}"
            case = RunCase("", {}, "example", "run", plain_reason(error))
            return self._nothing(reason, cases=(case,))
        if self.repeat.draws and not file.unstable:
            return self._nothing(two_answers(self.repeat), deterministic=True)
        if file.unstable:
            reason = f"{', '.join(file.unstable)}: random, so nothing can be compared"
            return self._nothing(reason, nondeterministic=file.unstable, deterministic=False)
        return self._compare_all(file, plan, doubt)

    def _nothing(self, reason: str, *, name: str = "", **evidence: Any) -> Proof:
        runtime = name or self._runtime.name
        parity = Parity(runtime, deterministic=evidence.get("deterministic"), reason=reason)
        return Proof(parity, RunEvidence(runtime, not_proved=reason.removeprefix("not tried: "), **evidence), {})

    def _compare_all(self, file: Loaded, plan: Plan, doubt: Any) -> Proof:
        example, *others = self._trials
        compared = [self._compared(file.session, example, self._alone, file.answer, doubt)]
        compared += [self._compare(file.session, trial, doubt) for trial in others]
        false_axes = self._false_axes(file.session, plan, compared, doubt)
        cases = tuple(case for case, _, _ in compared)
        runs = tuple(run for _, runs, _ in compared for run in runs)
        masked_row = self._masked_row(file.session) if all(case.ok for case in cases) else None
        evidence = RunEvidence(self._runtime.name, runs, deterministic=True, masked_row=masked_row)
        parity = Parity(self._runtime.name, cases, True, self.referee.reason)
        return Proof(parity, evidence, false_axes, self._failing(file.session, compared))

    def _failing(self, session: Session, compared: Sequence[tuple[Case, list[RunCase], Trial]]) -> Failing | None:
        for _, runs, trial in compared:
            if trial.known is not None and any(run.problem in PLACED for run in runs):
                torch64 = self._reference if trial.kind == "example" else None
                return Failing(trial.example, trial.known, partial(self._agrees, session, trial, trial.known, torch64))
        return None

    def _agrees(self, session: Session, trial: Trial, torch32: Outputs, torch64: Outputs64, got: Sequence[Any]) -> bool:
        return not any(c.case.problem for c in self._outputs(session, trial, got, torch32, torch64))

    def _masked_row(self, session: Session) -> MaskedRow | None:
        """Ask both about a row that is masked wholly; the example has none, so it is no part of the proof."""
        for name, example in masked_rows(self._example):
            try:
                torch32 = run_model(example, self._guard)
                got = session.run(_feeds(example))
            except Exception:  # noqa: BLE001, S112  # who does not take such a mask gives no wrong answer to it
                continue
            said = say_masked(name, session.outputs, torch32, got)
            if said is not None:
                return said
        return None

    def _make_trials(self, plan: Plan) -> list[Trial]:
        """Return the example, then fresh values at the other sizes of every axis, all axes changing together."""
        own = {axis.name: axis.size for axis in plan.wanted}
        trials = [Trial(self._example, own, "example", self._alone)]
        columns = [_sizes_to_try(axis) for axis in plan.wanted]
        for number, row in enumerate(zip_longest(*columns)):
            sizes = {
                axis.name: size if size is not None else column[-1]
                for axis, size, column in zip(plan.wanted, row, columns, strict=True)
            }
            trials.append(self._fresh(plan, sizes, seed=number + 1))
        if len(trials) == 1:
            trials.append(self._fresh(plan, own, seed=1))
        return trials

    def _fresh(self, plan: Plan, sizes: Mapping[str, int], seed: int) -> Trial:
        run = plan.run
        if run is not None and not _has_nan(run.outputs) and dict(sizes) == {plan.trials[0].name: run.size}:
            return Trial(run.example, sizes, "varied", run.outputs)
        places = {place: sizes[axis.name] for axis in plan.wanted for place in axis.places}
        grown = resized(self._example, places)
        return Trial(fresh_values(grown, seed), sizes, "varied")

    def _torch(self, trial: Trial) -> tuple[Trial, Outputs]:
        """Run PyTorch; where fresh values do not suit the model, the example's own rows are repeated."""
        if trial.known is not None:
            return trial, trial.known
        with contextlib.suppress(
            Exception
        ):  # the model may not take these values; its own rows it takes, or raises below
            outputs = run_model(trial.example, self._guard)
            if _has_nan(self._alone) or not _has_nan(outputs):
                return trial, outputs
        places = {
            (leaf.name or "", axis): size
            for leaf in trial.example.tensors
            for axis, size in enumerate(leaf.value.shape)
        }
        tiled = Trial(resized(self._example, places), trial.sizes, "tiled")
        return tiled, run_model(tiled.example, self._guard)

    def _with_answer(self, trial: Trial) -> Trial:
        """Run PyTorch ahead of the comparison, which reports what fails here."""
        try:
            trial, outputs = self._torch(trial)
        except Exception:  # noqa: BLE001  # the comparison meets it again, and says so
            return trial
        return replace(trial, known=outputs)

    def _compare(self, session: Session, trial: Trial, doubt: Any) -> tuple[Case, list[RunCase], Trial]:
        try:
            trial, torch32 = self._torch(trial)
        except Exception as error:  # noqa: BLE001  # PyTorch accepted this size before; say so rather than stop
            return self._failed(trial, f"PyTorch itself fails here: {error}")
        try:
            got = session.run(_feeds(trial.example))
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises is its refusal to run
            return self._failed(trial, f"the runtime refuses to run: {plain_reason(error)}")
        return self._compared(session, trial, torch32, got, doubt)

    def _compared(
        self, session: Session, trial: Trial, torch32: Outputs, got: Sequence[Any], doubt: Any
    ) -> tuple[Case, list[RunCase], Trial]:
        if trial.kind == "example":
            torch64 = self._reference
        else:
            torch64 = self._learn_noise(torch32, self.referee.reference(trial.example, needed=False))
        compared = self._outputs(session, trial, got, torch32, torch64)
        if any(c.doubtful for c in compared):
            compared = decided(compared, doubt(trial.example), got, torch32)
        return case_of(trial.sizes, trial.kind, compared, got, torch32), [c.case for c in compared], trial

    def _failed(self, trial: Trial, reason: str) -> tuple[Case, list[RunCase], Trial]:
        infinite = float("inf")
        case = Case(trial.sizes, trial.kind, False, infinite, infinite, 0.0, "float32", reason=reason)
        return case, [RunCase("", trial.sizes, trial.kind, "run", reason)], trial

    def _learn_noise(self, torch32: Outputs, torch64: Outputs64) -> Outputs64:
        """Measure PyTorch's own rounding and return the float64 run; None when it differs by more than rounding can."""
        if torch64 is None or len(torch64) != len(torch32.tensors):
            return None
        noise = relative_noise(torch32.tensors, torch64)
        if not believable(noise, torch32.tensors):
            self.referee.reason = f"no float64 run of every case: one differs from float32 by {max(noise):.1%}"
            return None
        self._noise = noise if self._noise is None else [max(a, b) for a, b in zip(self._noise, noise, strict=True)]
        return torch64

    def _outputs(
        self, session: Session, trial: Trial, got: Sequence[Any], torch32: Outputs, torch64: Any
    ) -> list[Compared]:
        base = RunCase("", trial.sizes, trial.kind)
        if len(got) != len(torch32.tensors):
            detail = f"the file has {len(got)} outputs, PyTorch {len(torch32.tensors)}"
            return [Compared(replace(base, problem="count", detail=detail), 0.0, "float32")]
        references = torch64 if torch64 is not None and len(torch64) == len(got) else [None] * len(got)
        noises: Sequence[float | None] = self._noise or [None] * len(got)
        return [
            compare_output(replace(base, output=name), value, expected, reference, noise)
            for name, value, expected, reference, noise in zip(
                session.outputs, got, torch32.tensors, references, noises, strict=True
            )
        ]

    def _false_axes(self, session: Session, plan: Plan, compared: Any, doubt: Any) -> dict[str, str]:
        """Return the axes that fail at other sizes while fresh values at the example's own sizes agree."""
        failed = [(case, trial) for case, _, trial in compared if not case.ok]
        if not plan.wanted or not failed or not compared[0][0].ok:
            return {}
        own = {axis.name: axis.size for axis in plan.wanted}
        at_home, _, _ = self._compare(session, self._fresh(plan, own, seed=9), doubt)
        if not at_home.ok:
            return {}
        guilty: dict[str, str] = {}
        for axis in plan.wanted:
            for size in _sizes_to_try(axis):
                case, _, _ = self._compare(session, self._fresh(plan, {**own, axis.name: size}, seed=size), doubt)
                if not case.ok:
                    guilty.setdefault(axis.name, f"the exported file fails at {axis.name} {size}: {case.reason}")
        together = {axis.name: f"the exported file fails at {dict(failed[0][0].sizes)}" for axis in plan.wanted}
        return guilty or together

    def _calibrate(self) -> None:
        """Ask whether PyTorch agrees with itself, and measure its rounding on the example.

        A model that draws random numbers differs from its own float64 run too, and a file that holds one of the numbers
        would pass for rounding.
        """
        self._calibrated = True
        if self._guard.always_rewinds:
            self.referee.reason = (
                "the model keeps state, so every run started from the state it has now, in float32 only"
            )
        elif not self.repeat.draws:
            self._reference = self._learn_noise(self._alone, self.referee.reference(self._example, needed=True))


def two_answers(repeat: Repeat) -> str:
    """Return why nothing can be compared with a model that draws."""
    if repeat.draws == "torch":
        return "the PyTorch model draws random numbers, and the file does not"
    return "the PyTorch model gives two answers for one input (OM304)"


def _sizes_to_try(axis: Wanted) -> tuple[int, ...]:
    if axis.places[0][1] == 0 or axis.name == "batch":
        return tuple(n for n in PROOF_BATCHES if n != axis.size)
    return (axis.export_size, axis.size)


def _feeds(example: Example) -> dict[str, Any]:
    return {leaf.name or "": to_numpy(leaf.value) for leaf in example.tensors}


def _has_nan(outputs: Outputs) -> bool:
    return any(t.is_floating_point() and bool(t.isnan().any()) for t in outputs.tensors)
