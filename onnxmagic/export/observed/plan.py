"""Which axes of recorded calls may vary, and with which sizes the model is exported.

That PyTorch takes the sizes that were seen is known: it did. But none of the calls need be one to export from: a
decoder was called with five tokens and no past, and with one token and five past ones, and torch specialises sizes of 0
and 1 without a word. So sizes are put together that no call had, and tried on the PyTorch model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from onnxmagic.check.evidence import AxisTrial
from onnxmagic.export.axes import EXPORT_BATCH, Plan, Wanted, choose_axes
from onnxmagic.export.eager import run_model
from onnxmagic.export.example import Example
from onnxmagic.export.observed.observed import Observed
from onnxmagic.export.trials import Place, Tester, batch_candidates
from onnxmagic.export.vary import resized

__all__ = ["plan_observed"]

MOST_TRIES = 8
"""Sets of sizes that are tried on the PyTorch model before each axis is tried alone."""

Sizes = Mapping[str, int]


def plan_observed(observed: Observed, tester: Tester, asked: Mapping[str, tuple[Place, ...]], *, auto: bool) -> Plan:
    """Return the axes that may be declared dynamic: those that were seen to vary, the batch, and those asked for."""
    groups = {name: places for name, places in observed.groups.items() if name != "batch"} if auto else {}
    seen = {place for places in groups.values() for place in places}
    asked = {name: tuple(p for p in places if p not in seen) for name, places in asked.items()}
    asked = {name: places for name, places in asked.items() if places}
    plan = choose_axes(observed.example, tester, asked, auto=auto, candidates=_batch(observed, seen))
    if not groups:
        return plan
    export = {axis.name: axis.export_size for axis in plan.wanted}
    places = {place: axis.export_size for axis in plan.wanted for place in axis.places}
    for sizes in islice(_assignments(observed, groups, taken=set(export.values())), MOST_TRIES):
        if _runs(tester, {**places, **{place: sizes[name] for name in groups for place in groups[name]}}):
            return _joined(observed, plan, groups, sizes)
    return choose_axes(observed.example, tester, {**groups, **asked}, auto=auto, candidates=_batch(observed, seen))


def _batch(observed: Observed, seen: set[Place]) -> list[tuple[Place, ...]]:
    """Return what may be the batch axis: the one that was seen to vary, else the likeliest that has no other name."""
    if "batch" in observed.groups:
        return [observed.groups["batch"]]
    free = [tuple(place for place in places if place not in seen) for places in batch_candidates(observed.example)]
    return [places for places in free if places]


def _joined(observed: Observed, plan: Plan, groups: Mapping[str, tuple[Place, ...]], sizes: Sizes) -> Plan:
    wanted = list(plan.wanted)
    trials = list(plan.trials)
    for name, places in groups.items():
        parts = tuple(part for part in observed.sums.get(name, ()) if part in groups)
        wanted.append(Wanted(name, places, _size(observed.example, places[0]), sizes[name], sum_of=parts, seen=True))
        known = tuple(sorted({*observed.sizes.get(name, ()), sizes[name]}))
        trials.append(AxisTrial(name, places, "accepted", asked=True, sizes=known))
    return replace(plan, wanted=tuple(wanted), trials=tuple(trials))


def _assignments(observed: Observed, groups: Mapping[str, tuple[Place, ...]], taken: set[int]) -> Iterator[Sizes]:
    """Yield sizes to export with, none of them 0 or 1, or another's: those seen first, then larger ones."""
    free = [name for name in groups if not _parts(observed, groups, name)]
    for extra in (0, 1, 3, 7):
        sizes: dict[str, int] = {}
        for name in free:
            sizes[name] = next(
                size for size in _candidates(observed, name, extra) if size not in {*sizes.values(), *taken}
            )
        yield _completed(observed, groups, sizes)
    for replay in observed.replays:
        own = {name: _size(replay.example, places[0]) for name, places in groups.items()}
        if min(own.values()) > 1:
            yield own


def _candidates(observed: Observed, name: str, extra: int) -> Iterator[int]:
    seen = [size for size in observed.sizes.get(name, ()) if size > 1]
    if not extra:
        yield from reversed(seen)
    largest = max([*seen, EXPORT_BATCH])
    yield from range(largest + 1 + extra, largest + 100 + extra)


def _completed(observed: Observed, groups: Mapping[str, tuple[Place, ...]], sizes: dict[str, int]) -> Sizes:
    for name in groups:
        if parts := _parts(observed, groups, name):
            sizes[name] = sum(sizes[part] for part in parts)
    return sizes


def _parts(observed: Observed, groups: Mapping[str, tuple[Place, ...]], name: str) -> tuple[str, ...]:
    parts = observed.sums.get(name, ())
    return parts if all(part in groups for part in parts) else ()


def _runs(tester: Tester, places: Mapping[Place, int]) -> bool:
    try:
        run_model(resized(tester.example, places), tester.guard)
    except Exception:  # noqa: BLE001  # whatever the model raises is its refusal
        return False
    return True


def _size(example: Example, place: Place) -> int:
    name, axis = place
    return next(leaf.value.shape[axis] for leaf in example.tensors if leaf.name == name)
