"""The inputs of the proof: the example, and fresh values at the other sizes of every dynamic axis.

All axes change together, because a file that holds at each size alone may still fail where two of them vary. Where
fresh values do not suit the model (an index that must exist, a length that must fit), the example's own rows are
repeated instead: fewer values are tried then, and the case says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Literal

from onnxmagic.export.axes import Plan, Wanted
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.eager import Outputs, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.vary import fresh_values, resized

__all__ = ["PROOF_BATCHES", "ProofInputs", "Trial", "feeds_of", "sizes_to_try"]

PROOF_BATCHES = (1, 2, 4)
"""Batch sizes of the proof; none is the exported example's 3."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One input set for the file and for PyTorch; ``known`` is PyTorch's answer where it has run already."""

    example: Example
    sizes: Mapping[str, int]
    kind: Literal["example", "varied", "tiled"]
    known: Outputs | None = None


@dataclass(frozen=True, slots=True)
class ProofInputs:
    """Makes the trials, and asks PyTorch about them; ``alone`` is its answer on the example itself."""

    example: Example
    alone: Outputs
    guard: Guard

    def trials(self, plan: Plan) -> list[Trial]:
        """Return the example, then fresh values at the other sizes of every axis, all axes changing together."""
        own = {axis.name: axis.size for axis in plan.wanted}
        trials = [Trial(self.example, own, "example", self.alone)]
        columns = [sizes_to_try(axis) for axis in plan.wanted]
        for number, row in enumerate(zip_longest(*columns)):
            sizes = {
                axis.name: size if size is not None else column[-1]
                for axis, size, column in zip(plan.wanted, row, columns, strict=True)
            }
            trials.append(self.fresh(plan, sizes, seed=number + 1))
        if len(trials) == 1:
            trials.append(self.fresh(plan, own, seed=1))
        return trials

    def fresh(self, plan: Plan, sizes: Mapping[str, int], seed: int) -> Trial:
        """Return fresh values at `sizes`; the batch trial's own run where it was made at these sizes."""
        run = plan.run
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
    if axis.places[0][1] == 0 or axis.name == "batch":
        return tuple(n for n in PROOF_BATCHES if n != axis.size)
    return (axis.export_size, axis.size)


def feeds_of(example: Example) -> dict[str, Any]:
    """Return the tensors of `example` as arrays, by the names of the file's inputs."""
    return {leaf.name or "": to_numpy(leaf.value) for leaf in example.tensors}


def _has_nan(outputs: Outputs) -> bool:
    return any(t.is_floating_point() and bool(t.isnan().any()) for t in outputs.tensors)
