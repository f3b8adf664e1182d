"""A file compared with a PyTorch model, batch by batch, on the user's own data.

The same referee as in an export's proof: a float64 run of the model on the first batch tells how much PyTorch itself
rounds; the file may be a few times worse. Only one batch is held at a time. Batches of the same sizes are one case, in
which the worst batch speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch  # noqa: TID253  # this file is imported when there is a PyTorch model

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import RunCase, RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.wording import sentence
from onnxmagic.errors import UsageMistake
from onnxmagic.examine.astray import first_module
from onnxmagic.examine.binding import Bound, bind, each_batch
from onnxmagic.export.compare import Compared as ComparedOutput
from onnxmagic.export.compare import compare_output
from onnxmagic.export.eager import Outputs, one_line, run_model, same_outputs
from onnxmagic.export.guard import Guard
from onnxmagic.export.judge import case_of, decided
from onnxmagic.export.loading import DRAWING, Loaded, load
from onnxmagic.export.mode import set_eval
from onnxmagic.export.referee import Referee, believable, relative_noise
from onnxmagic.export.result import Case, Parity
from onnxmagic.export.second_leg import SecondLeg
from onnxmagic.graph.facts import Graph
from onnxmagic.runtime.protocol import NotLoadable, Runtime

__all__ = ["Compared", "compare"]

NO_SECOND_OPINION = SecondLeg("untried", "no second opinion in float64 for a file")

Kind = Literal["data", "made up"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison showed: the parity, the evidence and its findings, what was left out (a sentence each)."""

    parity: Parity
    findings: tuple[Finding, ...]
    untried: tuple[str, ...]
    evidence: RunEvidence


def compare(  # noqa: PLR0917  # what there is to say about one comparison
    path: Path,
    graph: Graph,
    against: Any,
    data: Any,
    samples: int,
    runtime: Runtime,
    progress: Callable[[str], None] | None = None,
    *,
    kind: Kind = "data",
) -> Compared:
    """Run the file at `path` and the model `against` on the same batches and compare their outputs.

    Parameters
    ----------
    against : torch.nn.Module
        Runs in eval mode, without gradients; afterwards it is as it was.
    data : iterable
        See ``binding``.
    samples : int
        Batches taken from `data`.
    kind : {"data", "made up"}
        What the batches are, for the report.

    Raises
    ------
    UsageMistake
        `against` is no module, there is no batch, or one fits neither the model nor the file.
    """
    if not isinstance(against, torch.nn.Module):
        raise UsageMistake(f"against is a {type(against).__name__}; it must be the torch.nn.Module of the file.")
    if runtime.missing():
        return _nothing(runtime, runtime.missing())
    with Guard(against) as guard:  # also gives the random state back, which a shuffling loader moves
        set_eval(against, guard)
        batches = islice(each_batch(data, graph, against), samples)
        first = next(batches, None)
        if first is None:
            raise UsageMistake("data is empty; pass at least one batch.")
        bound = bind(first, graph, against)
        return _Comparison(path, graph, against, guard, runtime, progress, kind).all(bound, batches)


@dataclass
class _Comparison:
    """One comparison under way; the worst batch of every size gathers here."""

    path: Path
    graph: Graph
    model: torch.nn.Module
    guard: Guard
    runtime: Runtime
    progress: Callable[[str], None] | None
    kind: Kind
    worst: dict[tuple[tuple[str, int], ...], _Worst] = field(default_factory=dict[Any, Any])
    noise: list[float] | None = None
    failing: Bound | None = None

    def all(self, first: Bound, rest: Iterator[Any]) -> Compared:
        try:
            known = run_model(first.example, self.guard)
            if not same_outputs(known, run_model(first.example, self.guard)):
                return _nothing(self.runtime, "the PyTorch model gives two answers for one input")
        except Exception as error:
            raise UsageMistake(f"The model fails on the first batch of data: {one_line(error)}") from error
        self.referee = Referee(first.example, self.guard)
        reference = self._learn_noise(first, known)
        try:
            file = load(self.runtime, self.path, first.feeds, plainly=_may_draw(self.graph))
        except NotLoadable as error:
            return _nothing(self.runtime, "the runtime does not load the file", load_error=str(error))
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises is its refusal to run
            case = RunCase("", first.sizes, self.kind, "run", one_line(error))
            return _nothing(self.runtime, f"the file does not run: {one_line(error)}", cases=(case,))
        if file.unstable:
            reason = f"{', '.join(file.unstable)}: random, so nothing can be compared"
            return _nothing(self.runtime, reason, nondeterministic=file.unstable, deterministic=False)
        self._note(first, self._judge(file, first, known, file.answer, reference), known, file.answer)
        for number, batch in enumerate(rest, 2):
            if self.progress is not None:
                self.progress(f"batch {number}")
            self._compare(file, bind(batch, self.graph, self.model))
        return self._done(first.dropped)

    def _compare(self, file: Loaded, bound: Bound) -> None:
        try:
            expected = run_model(bound.example, self.guard)
        except Exception as error:
            raise UsageMistake(f"The model fails on a batch of data: {one_line(error)}") from error
        try:
            got = file.session.run(bound.feeds)
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises is its refusal to run
            self._refused(bound, one_line(error))
            return
        self._note(bound, self._judge(file, bound, expected, got, None), expected, got)

    def _learn_noise(self, first: Bound, known: Outputs) -> tuple[torch.Tensor, ...] | None:
        reference = self.referee.reference(first.example, needed=True)
        if reference is None or len(reference) != len(known.tensors):
            return None
        noise = relative_noise(known.tensors, reference)
        if not believable(noise, known.tensors):
            return None
        self.noise = noise
        return reference

    def _judge(
        self, file: Loaded, bound: Bound, expected: Outputs, got: Sequence[Any], reference: Any
    ) -> list[ComparedOutput]:
        compared = self._outputs(file, bound, expected, got, reference)
        suspicious = [c for c in compared if c.case.problem == "values" and c.case.ratio is not None]
        if suspicious and reference is None:
            # Judged by the first batch's rounding; this batch may round worse, which its own float64 run tells.
            reference = self.referee.reference(bound.example, needed=True)
            compared = self._outputs(file, bound, expected, got, reference)
        return decided(compared, NO_SECOND_OPINION, got, expected) if len(got) == len(expected.tensors) else compared

    def _outputs(
        self, file: Loaded, bound: Bound, expected: Outputs, got: Sequence[Any], reference: Any
    ) -> list[ComparedOutput]:
        base = RunCase("", bound.sizes, self.kind)
        count = len(expected.tensors)
        if len(got) != count:
            detail = f"the file has {len(got)} outputs, PyTorch {count}"
            return [ComparedOutput(replace(base, problem="count", detail=detail), 0.0, "float32")]
        exact: Sequence[Any] = reference if reference is not None and len(reference) == count else [None] * count
        noise: Sequence[float | None] = self.noise or [None] * count
        return [
            compare_output(replace(base, output=name), value, tensor, wide, rounding)
            for name, value, tensor, wide, rounding in zip(
                file.session.outputs, got, expected.tensors, exact, noise, strict=True
            )
        ]

    def _note(self, bound: Bound, compared: Sequence[ComparedOutput], expected: Outputs, got: Sequence[Any]) -> None:
        case = case_of(bound.sizes, self.kind, compared, got, expected)
        if self.failing is None and any(each.case.problem in ("values", "nan") for each in compared):
            self.failing = bound
        self._keep(bound, case, [each.case for each in compared])

    def _refused(self, bound: Bound, reason: str) -> None:
        infinite = float("inf")
        case = Case(
            bound.sizes, self.kind, False, infinite, infinite, 0.0, "float32", reason=f"it does not run: {reason}"
        )
        self._keep(bound, case, [RunCase("", bound.sizes, self.kind, "run", reason)])

    def _keep(self, bound: Bound, case: Case, runs: list[RunCase]) -> None:
        key = tuple(sorted(bound.sizes.items()))
        before = self.worst.get(key)
        self.worst[key] = _Worst(case, runs) if before is None else before.joined(case, runs)

    def _done(self, dropped: str) -> Compared:
        groups = list(self.worst.values())
        runs = tuple(run for group in groups for run in group.runs)
        place = None
        if self.failing is not None:
            with self.guard.watching():
                place = first_module(self.path, self.graph, self.failing, self.runtime)
        evidence = RunEvidence(self.runtime.name, runs, deterministic=True, located=place)
        cases = tuple(group.told() for group in groups)
        parity = Parity(self.runtime.name, cases, True, self.referee.reason)
        untried = (sentence(f"{dropped[0].upper()}{dropped[1:]}"),) if dropped else ()
        return Compared(parity, catalogue.run(evidence), untried, evidence)


@dataclass(frozen=True, slots=True)
class _Worst:
    """The worst of the batches of one size, and how many there were."""

    case: Case
    runs: list[RunCase]
    batches: int = 1

    def joined(self, case: Case, runs: list[RunCase]) -> _Worst:
        worse = _badness(case) > _badness(self.case)
        agreements = [c.agreement for c in (case, self.case) if c.agreement is not None]
        chosen = replace(case if worse else self.case, agreement=min(agreements, default=None))
        return _Worst(chosen, runs if worse else self.runs, self.batches + 1)

    def told(self) -> Case:
        """Return the case with the number of its batches."""
        if self.batches == 1:
            return self.case
        reason = f"the worst of {self.batches} batches"
        return replace(self.case, reason=f"{reason}: {self.case.reason}" if self.case.reason else reason)


def _badness(case: Case) -> tuple[bool, float, float]:
    return not case.ok, case.ratio or 0.0, case.max_rel


def _may_draw(graph: Graph) -> bool:
    return any(node.op_type in DRAWING or node.domain not in ("", "ai.onnx") for node in graph.walk())


def _nothing(runtime: Runtime, reason: str, **evidence: Any) -> Compared:
    run = RunEvidence(runtime.name, not_proved=reason, **evidence)
    parity = Parity(runtime.name, deterministic=evidence.get("deterministic"), reason=reason)
    return Compared(parity, catalogue.run(run), (), run)
