"""The proof: the file, run in a real runtime, against the user's own module.

The file runs on the user's example (twice: one that draws random numbers proves nothing, see ``loading``) and on fresh
values at other sizes of every dynamic axis; PyTorch runs the same, and each output is compared.
An axis whose sizes disagree is given back to the pipeline, which exports it static: the file must not claim it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from onnxmagic.check.evidence import MaskedRow, Repeat, RunCase, RunEvidence
from onnxmagic.export.axes import Plan
from onnxmagic.export.beside import beside
from onnxmagic.export.comparison import Comparison, Verdict
from onnxmagic.export.eager import run_model
from onnxmagic.export.guard import Guard
from onnxmagic.export.judge import grouped
from onnxmagic.export.loading import Loaded, load, may_draw
from onnxmagic.export.locate import Failing
from onnxmagic.export.masked import masked_rows, say_masked
from onnxmagic.export.proof_inputs import ProofInputs, Trial, feeds_of, sizes_to_try
from onnxmagic.export.referee import Referee
from onnxmagic.export.result import Parity
from onnxmagic.export.twice import asked_again
from onnxmagic.runtime.ort import plain_reason
from onnxmagic.runtime.protocol import NotLoadable, Runtime, Session

__all__ = ["Proof", "Prove", "Prover", "not_proved", "two_answers"]


@dataclass(frozen=True, slots=True)
class Proof:
    """The parity for the result, the evidence for the rules, and the names of axes that do not hold.

    ``failing`` is the first case with wrong values, for whoever looks where they begin; ``left_out`` says which
    recorded calls were not replayed, and why.
    """

    parity: Parity
    evidence: RunEvidence
    false_axes: Mapping[str, str]
    failing: Failing | None = None
    left_out: tuple[str, ...] = ()


Prove = Callable[[Plan, Any], Proof]


class Prover:
    """Proves one model; used again when the model had to be exported another time.

    Parameters
    ----------
    inputs : ProofInputs
        The user's example, and what the model gave on it.
    repeat : Repeat, optional
        What a second run showed, where the model has been asked again already.
    """

    def __init__(
        self,
        inputs: ProofInputs,
        guard: Guard,
        runtime: Runtime,
        *,
        repeat: Repeat | None = None,
        cells: Callable[[str], int | None] | None = None,
    ) -> None:
        self._inputs = inputs
        self._guard = guard
        self._runtime = runtime
        self.referee = Referee(inputs.example, guard)
        self._comparison = Comparison(inputs, self.referee)
        self._calibrated = False
        self._repeat = repeat
        self._cells = cells
        self._asked: Plan | None = None
        self._trials: list[Trial] = []

    @property
    def repeat(self) -> Repeat:
        """What a second run of the model on the example showed."""
        if self._repeat is None:
            self._repeat = asked_again(self._inputs.example, self._inputs.alone, self._guard, self._cells)
        return self._repeat

    def ask(self, plan: Plan) -> None:
        """Ask PyTorch what the proof will need; no file is needed for it. Without, ``proving`` asks."""
        if plan == self._asked or self._runtime.missing():
            return
        if not self._calibrated:
            self._calibrate()
        self._asked = plan
        self._trials = []
        if not self.repeat.draws:
            self._trials = [self._inputs.with_answer(trial) for trial in self._inputs.trials(plan)]

    @contextlib.contextmanager
    def proving(self, path: Path, model: onnx.ModelProto) -> Generator[Prove]:
        """Start to load the file at `path`, which holds `model`, and yield what compares it with PyTorch.

        It is called with the plan and with ``doubt``, which runs the second leg: ``doubt(example) -> SecondLeg``.
        """
        if self._runtime.missing():
            yield lambda _plan, _doubt: self._nothing(f"not tried: {self._runtime.missing()}", name="ONNX Runtime")
            return
        feeds = feeds_of(self._inputs.example)
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
        verdicts = [self._comparison.compared(file.session, example, self._inputs.alone, file.answer, doubt)]
        verdicts += [self._comparison.compare(file.session, trial, doubt) for trial in others]
        false_axes = self._false_axes(file.session, plan, verdicts, doubt)
        cases = grouped([verdict.case for verdict in verdicts])
        runs = tuple(run for verdict in verdicts for run in verdict.runs)
        masked_row = self._masked_row(file.session) if all(case.ok for case in cases) else None
        evidence = RunEvidence(self._runtime.name, runs, deterministic=True, masked_row=masked_row)
        parity = Parity(self._runtime.name, cases, True, self.referee.reason)
        failing = self._comparison.failing(file.session, verdicts)
        return Proof(parity, evidence, false_axes, failing, self._inputs.left_out(plan))

    def _masked_row(self, session: Session) -> MaskedRow | None:
        """Ask both about a row that is masked wholly; the example has none, so it is no part of the proof."""
        for name, example in masked_rows(self._inputs.example):
            try:
                torch32 = run_model(example, self._guard)
                got = session.run(feeds_of(example))
            except Exception:  # noqa: BLE001, S112  # who does not take such a mask gives no wrong answer to it
                continue
            said = say_masked(name, session.outputs, torch32, got)
            if said is not None:
                return said
        return None

    def _false_axes(self, session: Session, plan: Plan, verdicts: Sequence[Verdict], doubt: Any) -> dict[str, str]:
        """Return the axes that fail at other sizes while fresh values at the example's own sizes agree."""
        failed = [verdict.case for verdict in verdicts if not verdict.case.ok]
        if not plan.wanted or not failed or not verdicts[0].case.ok:
            return {}

        def case_at(sizes: Mapping[str, int], seed: int) -> Any:
            return self._comparison.compare(session, self._inputs.fresh(plan, sizes, seed), doubt).case

        own = {axis.name: axis.size for axis in plan.wanted}
        if not case_at(own, seed=9).ok:
            return {}
        guilty: dict[str, str] = {}
        for axis in (axis for axis in plan.wanted if not axis.sum_of):
            for size in sizes_to_try(axis):
                case = case_at({**own, axis.name: size}, seed=size)
                if not case.ok:
                    guilty.setdefault(axis.name, f"the exported file fails at {axis.name} {size}: {case.reason}")
        together = {axis.name: f"the exported file fails at {dict(failed[0].sizes)}" for axis in plan.wanted}
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
            self._comparison.calibrate()


def not_proved() -> Proof:
    """Return what is known of a file that nobody wanted to be proved."""
    reason = "--no-prove"
    return Proof(
        Parity("ONNX Runtime", reason=f"not tried: {reason}"), RunEvidence("ONNX Runtime", not_proved=reason), {}
    )


def two_answers(repeat: Repeat) -> str:
    """Return why nothing can be compared with a model that draws."""
    if repeat.draws == "torch":
        return "the PyTorch model draws random numbers, and the file does not"
    return "the PyTorch model gives two answers for one input (OM304)"
