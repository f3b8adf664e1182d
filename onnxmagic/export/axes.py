"""Which axes may vary, and with which example the model is exported.

What the exporter cannot know shows when the model runs at another size (``trials.py``). What passes is declared dynamic
and exported from an example of 3, because an example of 1 is specialised silently (pytorch issue 148886). What does not
is left static with the reason, so that no axis is declared that is not true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onnxmagic.check.evidence import AxisTrial
from onnxmagic.export.example import Example
from onnxmagic.export.trials import Place, Run, Tester, batch_candidates

__all__ = ["EXPORT_BATCH", "Plan", "Wanted", "choose_axes", "static_axes"]

EXPORT_BATCH = 3
"""Batch size of the exported example: not 1 or 2, which torch specialises or code tests for."""

USABLE = ("accepted", "mixes", "untried")
"""Outcomes after which the axis is declared dynamic; the proof on the file has the last word."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An axis that may vary: its name, its places, the example's size and the size to export with.

    ``seen`` is whether recorded calls differed in it. ``sum_of`` are the axes whose sizes add up to its own in every
    call, ``rest`` what those of them add that stayed static.
    """

    name: str
    places: tuple[Place, ...]
    size: int
    export_size: int
    asked: bool = False
    seen: bool = False
    sum_of: tuple[str, ...] = ()
    rest: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What the trials decided: the axes to declare, and every trial with its outcome.

    ``run`` is the run of the batch trial, with PyTorch's answer, so that the proof need not repeat it.
    """

    wanted: tuple[Wanted, ...]
    trials: tuple[AxisTrial, ...]
    run: Run | None = None

    def names(self) -> dict[Place, str]:
        """Return the name of every place that is declared dynamic."""
        return {place: axis.name for axis in self.wanted for place in axis.places}

    def without(self, names: Sequence[str]) -> Plan:
        """Return the plan with these axes left static."""
        lost = {axis.name: axis.size for axis in self.wanted if axis.name in names}
        kept = (axis for axis in self.wanted if axis.name not in names)
        return replace(self, wanted=tuple(_less(axis, lost) for axis in kept))

    def complete(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Return `sizes` with those that follow from others: the length of a mask over past and present tokens."""
        sums = {axis.name: axis for axis in self.wanted if axis.sum_of}
        added = {name: axis.rest + sum(sizes[part] for part in axis.sum_of) for name, axis in sums.items()}
        return {**sizes, **added}


def choose_axes(
    example: Example,
    tester: Tester,
    asked: Mapping[str, tuple[Place, ...]],
    *,
    auto: bool,
    candidates: Sequence[tuple[Place, ...]] | None = None,
) -> Plan:
    """Try the batch axis if `auto`, then the axes that were asked for, and return what may be declared dynamic.

    `candidates` are the places that may be the batch axis, where more is known of them than the example tells.
    """
    trials: list[AxisTrial] = []
    wanted: list[Wanted] = []
    run = None
    if auto:
        trial, run = _batch_trial(tester, asked, batch_candidates(example) if candidates is None else candidates)
        if trial is not None:
            trials.append(trial)
            if trial.outcome in USABLE:
                wanted.append(_wanted(example, trial, EXPORT_BATCH))
    taken = {place for axis in wanted for place in axis.places}
    for name, places in asked.items():
        rest = tuple(place for place in places if place not in taken)
        if rest:
            trial, size = tester.try_asked(name, rest, taken, avoid={axis.export_size for axis in wanted})
            trials.append(trial)
            if trial.outcome in USABLE:
                wanted.append(_wanted(example, trial, size))
                taken.update(trial.places)
    return Plan(tuple(wanted), tuple(trials), run)


def static_axes(example: Example, plan: Plan) -> tuple[Place, ...]:
    """Return the places the batch axis would have had, for a report on an export that was asked to be static."""
    candidates = batch_candidates(example)
    taken = set(plan.names())
    return tuple(place for place in candidates[0] if place not in taken) if candidates else ()


def _less(axis: Wanted, lost: Mapping[str, int]) -> Wanted:
    gone = [part for part in axis.sum_of if part in lost]
    left = tuple(part for part in axis.sum_of if part not in lost)
    # Of an axis that nothing is left of, the size is fixed by the others: it varies by itself again, or not at all.
    return replace(axis, sum_of=left, rest=axis.rest + sum(lost[part] for part in gone) if left else 0)


def _wanted(example: Example, trial: AxisTrial, export_size: int) -> Wanted:
    by_name = {leaf.name: leaf.value for leaf in example.tensors}
    name, axis = trial.places[0]
    return Wanted(trial.name, trial.places, by_name[name].shape[axis], export_size, trial.asked)


def _batch_trial(
    tester: Tester, asked: Mapping[str, tuple[Place, ...]], candidates: Sequence[tuple[Place, ...]]
) -> tuple[AxisTrial | None, Run | None]:
    """Try the candidates for the batch axis in turn; the first that is accepted wins, else the first with a meaning."""
    outcomes: list[tuple[AxisTrial, Run | None]] = []
    for places in candidates:
        name = next((n for n, group in asked.items() if set(group) & set(places)), "batch")
        trial, run = tester.try_rows(name, places, asked=name in asked)
        if trial.outcome == "accepted":
            return trial, run
        outcomes.append((trial, run))
    mixing = [outcome for outcome in outcomes if outcome[0].outcome == "mixes"]
    return (mixing or outcomes or [(None, None)])[0]
