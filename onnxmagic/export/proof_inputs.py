"""The inputs of the proof: the example, fresh values at the other sizes of every dynamic axis, and recorded calls.

All axes change together, because a file that holds at each size alone may still fail where two of them vary. Where
fresh values do not suit the model (an index that must exist, a length that must fit), the example's own rows are
repeated instead: fewer values are tried then, and the case says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Literal

from onnxmagic.check.wording import code, enumerated
from onnxmagic.export.axes import Plan, Wanted
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.eager import Outputs, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.observed.observed import Replay
from onnxmagic.export.vary import fresh_values, resized

__all__ = ["PROOF_BATCHES", "ProofInputs", "Trial", "feeds_of", "sizes_to_try"]

PROOF_BATCHES = (1, 2, 4)
"""Batch sizes of the proof; none is the exported example's 3."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One input set for the file and for PyTorch; ``known`` is PyTorch's answer where it has run already."""

    example: Example
    sizes: Mapping[str, int]
    kind: Literal["example", "varied", "tiled", "recorded"]
    known: Outputs | None = None


@dataclass(frozen=True, slots=True)
class ProofInputs:
    """Makes the trials, and asks PyTorch about them; ``alone`` is its answer on the example itself."""

    example: Example
    alone: Outputs
    guard: Guard
    replays: tuple[Replay, ...] = ()

    def trials(self, plan: Plan) -> list[Trial]:
        """Return the example, then fresh values at the other sizes of every axis, all axes changing together."""
        own = {axis.name: axis.size for axis in plan.wanted}
        trials = [Trial(self.example, own, "example", self.alone)]
        free = [axis for axis in plan.wanted if not axis.sum_of]
        columns = [sizes_to_try(axis) for axis in free]
        for number, row in enumerate(zip_longest(*columns)):
            sizes = {
                axis.name: size if size is not None else column[-1]
                for axis, size, column in zip(free, row, columns, strict=True)
            }
            trials.append(self.fresh(plan, sizes, seed=number + 1))
        if len(trials) == 1:
            trials.append(self.fresh(plan, own, seed=1))
        return trials + self._recorded(plan)

    def _recorded(self, plan: Plan) -> list[Trial]:
        """Return the recorded calls that the file takes."""
        return [
            Trial(replay.example, _sizes(plan, replay.example), "recorded", replay.outputs)
            for replay in self.replays
            if not self._misfit(plan, replay)
        ]

    def left_out(self, plan: Plan) -> tuple[str, ...]:
        """Return which recorded calls the file does not take, a sentence for each axis that is why."""
        reasons: dict[str, list[int]] = {}
        for replay in self.replays:
            if place := self._misfit(plan, replay):
                reasons.setdefault(place, []).append(replay.number)
        return tuple(f"{calls(numbers)} not replayed: {place} stayed static." for place, numbers in reasons.items())

    def _misfit(self, plan: Plan, replay: Replay) -> str:
        """Return the first axis in which `replay` differs from the example, though the file has it static."""
        dynamic = plan.names()
        for own, other in zip(self.example.tensors, replay.example.tensors, strict=True):
            for axis, (size, wanted) in enumerate(zip(other.value.shape, own.value.shape, strict=True)):
                if size != wanted and (own.name or "", axis) not in dynamic:
                    return f"axis {axis} of {code(own.path)}"
        return ""

    def fresh(self, plan: Plan, sizes: Mapping[str, int], seed: int) -> Trial:
        """Return fresh values at `sizes`; the batch trial's own run where it was made at these sizes."""
        run, sizes = plan.run, plan.complete(sizes)
        if run is not None and not _has_nan(run.outputs) and dict(sizes) == {plan.trials[0].name: run.size}:
            return Trial(run.example, sizes, "varied", run.outputs)
        places = {place: sizes[axis.name] for axis in plan.wanted for place in axis.places}
        grown = resized(self.example, places)
        return Trial(fresh_values(grown, seed), sizes, "varied")

    def answered(self, trial: Trial) -> tuple[Trial, Outputs]:
        """Run PyTorch; where fresh values do not suit the model, on the example's own rows, repeated.

        Raises
        ------
        Exception
            Whatever the model raises on its own rows.
        """
        if trial.known is not None:
            return trial, trial.known
        if trial.kind == "recorded":
            return trial, run_model(trial.example, self.guard)
        with contextlib.suppress(
            Exception
        ):  # the model may not take these values; its own rows it takes, or raises below
            outputs = run_model(trial.example, self.guard)
            if _has_nan(self.alone) or not _has_nan(outputs):
                return trial, outputs
        places = {
            (leaf.name or "", axis): size
            for leaf in trial.example.tensors
            for axis, size in enumerate(leaf.value.shape)
        }
        tiled = Trial(resized(self.example, places), trial.sizes, "tiled")
        return tiled, run_model(tiled.example, self.guard)

    def with_answer(self, trial: Trial) -> Trial:
        """Run PyTorch ahead of the comparison, which reports what fails here."""
        try:
            trial, outputs = self.answered(trial)
        except Exception:  # noqa: BLE001  # the comparison meets it again, and says so
            return trial
        return replace(trial, known=outputs)


def sizes_to_try(axis: Wanted) -> tuple[int, ...]:
    """Return the sizes at which the file has to hold along `axis`."""
    if axis.name == "batch" or (axis.places[0][1] == 0 and not axis.seen):
        return tuple(n for n in PROOF_BATCHES if n != axis.size)
    return (axis.export_size, axis.size)


def calls(numbers: Sequence[int]) -> str:
    """Return the numbers of recorded calls as the start of a sentence: ``Calls 2 and 3 were``."""
    return f"Call {numbers[0]} was" if len(numbers) == 1 else f"Calls {enumerated([str(n) for n in numbers])} were"


def _sizes(plan: Plan, example: Example) -> dict[str, int]:
    shapes = {leaf.name: leaf.value.shape for leaf in example.tensors}
    return {axis.name: shapes[axis.places[0][0]][axis.places[0][1]] for axis in plan.wanted}


def feeds_of(example: Example) -> dict[str, Any]:
    """Return the tensors of `example` as arrays, by the names of the file's inputs."""
    return {leaf.name or "": to_numpy(leaf.value) for leaf in example.tensors}


def _has_nan(outputs: Outputs) -> bool:
    return any(t.is_floating_point() and bool(t.isnan().any()) for t in outputs.tensors)
