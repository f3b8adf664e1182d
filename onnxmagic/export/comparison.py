"""One trial after the other: the file's answer held against PyTorch's, with what is known of PyTorch's own rounding.

What rounding may do is learnt as it goes: from the example first, then from every case that a float64 run could be
afforded for. So a later case is judged by all that was measured before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from onnxmagic.check.evidence import RunCase
from onnxmagic.export.compare import Compared, agreement, compare_output
from onnxmagic.export.eager import Outputs
from onnxmagic.export.judge import case_of, decided
from onnxmagic.export.locate import Failing
from onnxmagic.export.proof_inputs import ProofInputs, Trial, feeds_of
from onnxmagic.export.referee import Referee, believable, relative_noise
from onnxmagic.export.result import Case
from onnxmagic.runtime.ort import plain_reason
from onnxmagic.runtime.protocol import Session

__all__ = ["Comparison", "Verdict"]

PLACED = ("values", "nan", "shape", "dtype")
"""Problems that begin at some value of the file, which can be looked for."""

OTHERWISE = "PyTorch itself no longer gives what was recorded; compared with what it gives now"
"""Said of a recorded call that the model answers otherwise since, as it does after a training step."""

Outputs64 = tuple[torch.Tensor, ...] | None
"""The outputs of a float64 run, where there was one that can be believed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One trial, compared: the report's case, what the rules get of it, and the trial as it was made in the end."""

    case: Case
    runs: list[RunCase]
    trial: Trial


class Comparison:
    """Compares the file with PyTorch; ``referee`` says what a float64 run of the model gives."""

    def __init__(self, inputs: ProofInputs, referee: Referee) -> None:
        self.inputs = inputs
        self.referee = referee
        self._noise: list[float] | None = None
        self._reference: Outputs64 = None

    def calibrate(self) -> None:
        """Measure PyTorch's rounding on the example."""
        exact = self.referee.reference(self.inputs.example, needed=True)
        self._reference = self._learn_noise(self.inputs.alone, exact)

    def compare(self, session: Session, trial: Trial, doubt: Any) -> Verdict:
        """Run both on `trial` and compare; `doubt` runs the second leg."""
        try:
            trial, torch32 = self.inputs.answered(trial)
        except Exception as error:  # noqa: BLE001  # PyTorch accepted this size before; say so rather than stop
            return _failed(trial, f"PyTorch itself fails here: {error}")
        try:
            got = session.run(feeds_of(trial.example))
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises is its refusal to run
            return _failed(trial, f"the runtime refuses to run: {plain_reason(error)}")
        verdict = self.compared(session, trial, torch32, got, doubt)
        return verdict if verdict.case.ok or trial.kind != "recorded" else self._again(session, verdict, got, doubt)

    def _again(self, session: Session, verdict: Verdict, got: Sequence[Any], doubt: Any) -> Verdict:
        """Ask PyTorch now, where the file does not give what was recorded: the weights may be others since."""
        try:
            trial, now = self.inputs.answered(replace(verdict.trial, known=None))
        except Exception:  # noqa: BLE001  # then what was recorded is all that there is
            return verdict
        fresh = self.compared(session, replace(trial, known=now), now, got, doubt)
        if not fresh.case.ok:
            return verdict
        said = "; ".join(filter(None, (fresh.case.reason, OTHERWISE)))
        return replace(fresh, case=replace(fresh.case, reason=said))

    def compared(self, session: Session, trial: Trial, torch32: Outputs, got: Sequence[Any], doubt: Any) -> Verdict:
        """Compare the two answers to `trial`."""
        if trial.kind == "example":
            torch64 = self._reference
        else:
            torch64 = self._learn_noise(torch32, self.referee.reference(trial.example, needed=False))
        compared = self._outputs(session, trial, got, torch32, torch64)
        if any(c.doubtful for c in compared):
            compared = decided(compared, doubt(trial.example), got, torch32)
        shares = [agreement(g, t) for g, t in zip(got, torch32.tensors, strict=False)]
        case = case_of(trial.sizes, trial.kind, compared, shares)
        return Verdict(case, [c.case for c in compared], trial)

    def failing(self, session: Session, verdicts: Sequence[Verdict]) -> Failing | None:
        """Return the first trial with wrong values, with what tells whether an answer to it is right."""
        for verdict in verdicts:
            trial = verdict.trial
            if trial.known is not None and any(run.problem in PLACED for run in verdict.runs):
                torch64 = self._reference if trial.kind == "example" else None
                return Failing(trial.example, trial.known, partial(self._agrees, session, trial, trial.known, torch64))
        return None

    def _agrees(self, session: Session, trial: Trial, torch32: Outputs, torch64: Outputs64, got: Sequence[Any]) -> bool:
        return not any(c.case.problem for c in self._outputs(session, trial, got, torch32, torch64))

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


def _failed(trial: Trial, reason: str) -> Verdict:
    infinite = float("inf")
    case = Case(trial.sizes, trial.kind, False, infinite, infinite, 0.0, "float32", reason=reason)
    return Verdict(case, [RunCase("", trial.sizes, trial.kind, "run", reason)], trial)
