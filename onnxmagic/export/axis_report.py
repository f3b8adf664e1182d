"""What the result says of each axis: only what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnxmagic.check.evidence import AxisTrial
from onnxmagic.export.axes import Plan, Wanted
from onnxmagic.export.prove import Proof
from onnxmagic.export.result import Axis, Parity
from onnxmagic.export.trials import Place

__all__ = ["axes_of", "refused_axes"]


def axes_of(plan: Plan, reasons: Mapping[str, str], proof: Proof, static: Sequence[Place]) -> tuple[Axis, ...]:
    """Return the axes of the result: declared ones with the sizes they held at, others with the reason."""
    result = [axis for wanted in plan.wanted for axis in _declared(wanted, proof.parity)]
    result += [Axis(name, index, axis, "refused", reason=why) for name, index, axis, why in _refused(plan, reasons)]
    result += [Axis(name, index, "batch", "static", reason="as asked") for name, index in static]
    return tuple(result)


def refused_axes(plan: Plan, reasons: Mapping[str, str]) -> tuple[tuple[str, int, str], ...]:
    """Return input, index and reason of the axes that PyTorch accepts and that had to stay static all the same."""
    accepted = {trial.name for trial in plan.trials if trial.outcome in ("accepted", "mixes", "untried")}
    return tuple((name, index, why) for name, index, axis, why in _refused(plan, reasons) if axis in accepted)


def _declared(wanted: Wanted, parity: Parity) -> list[Axis]:
    held = sorted({case.sizes[wanted.name] for case in parity.cases if case.ok and wanted.name in case.sizes})
    proved = parity.ok and len(held) > 1
    status = "proved" if proved else "declared"
    reason = "" if proved else parity.reason or "the file does not agree with PyTorch"
    return [Axis(name, index, wanted.name, status, tuple(held), reason) for name, index in wanted.places]


def _refused(plan: Plan, reasons: Mapping[str, str]) -> list[tuple[str, int, str, str]]:
    declared = {axis.name for axis in plan.wanted}
    return [
        (name, index, trial.name, reasons.get(trial.name) or _why(trial))
        for trial in plan.trials
        if trial.name not in declared
        for name, index in trial.places
    ]


def _why(trial: AxisTrial) -> str:
    return {
        "refused": f"the PyTorch model itself refuses other sizes: {trial.detail}",
        "misread": f"the PyTorch model misreads other sizes: {trial.detail}",
        "branches": f"size 1 and larger sizes take different ways in the model: {trial.detail}",
    }.get(trial.outcome, trial.detail)
