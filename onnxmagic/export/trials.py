"""Other sizes, tried on the PyTorch model itself, before any export.

A batch of 1 written into the code, a branch on the batch size, statistics over the batch: no exporter reports them, but
they show when the model runs with several rows. So it runs with fresh rows and the example's first row last, and that
row must come out as it does alone. Last, because a recurrent network answers its first step alike in any company.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from onnxmagic.check.evidence import AxisTrial
from onnxmagic.export.eager import Outputs, one_line, run_model, where_failed
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.rows import Agreement, Row, compare_rows
from onnxmagic.export.vary import fresh_values, resized

__all__ = ["Place", "Run", "Tester", "batch_candidates"]

SEQUENCE_FIRST = ("LSTM", "GRU", "RNN", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer")

Place = tuple[str, int]
"""An input's name and an axis of it."""

Cells = Callable[[str], "int | None"] | None


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the PyTorch model: its inputs, its size along the tried axis, its outputs."""

    example: Example
    size: int
    outputs: Outputs


@dataclass(frozen=True, slots=True)
class Tester:
    """The model at other sizes; ``alone`` is what it gave on the example itself."""

    example: Example
    alone: Outputs
    guard: Guard
    cells: Cells

    def try_rows(self, name: str, places: tuple[Place, ...], *, asked: bool) -> tuple[AxisTrial, Run | None]:
        """Try whether rows along an axis are independent; also return the run with several rows, when there is one."""
        size = _size(self.example, places)
        trial = AxisTrial(name, places, "untried", asked, sizes=(size,))
        run = None
        try:
            run = self._rows(places, 4 if size != 4 else 2)
            verdict, sizes = self._verdict(places, size, run)
            verdict = self._excused(places, size, verdict)
        except Exception as error:  # noqa: BLE001  # whatever the model raises is its refusal
            where = where_failed(error, self.cells)
            return replace(trial, outcome="refused", detail=one_line(error), where=where), run
        if verdict is None:
            return replace(trial, detail="the model gives two answers for one input"), None
        return replace(trial, outcome=verdict.as_outcome(), sizes=sizes, detail=verdict.detail), run

    def try_asked(
        self, name: str, places: tuple[Place, ...], taken: set[Place], avoid: set[int]
    ) -> tuple[AxisTrial, int]:
        """Try an asked-for axis alone, then together with every other axis of the same size.

        Also return the size to export with, never one of `avoid`.
        """
        size = _size(self.example, places)
        first = AxisTrial(name, places, "refused", asked=True, sizes=(size,))
        for group in dict.fromkeys((places, _tied(self.example, places, taken))):
            for other in _other_sizes(size, avoid):
                try:
                    run_model(resized(self.example, dict.fromkeys(group, other)), self.guard)
                except Exception as error:  # noqa: BLE001  # whatever the model raises is its refusal
                    if not first.detail:
                        first = replace(first, detail=one_line(error), where=where_failed(error, self.cells))
                    continue
                return AxisTrial(name, group, "accepted", asked=True, sizes=(size, other)), other
        return first, size

    def _rows(self, places: Sequence[Place], size: int) -> Run:
        """Run `size` rows: fresh ones, and the example's first row last."""
        fresh = fresh_values(resized(self.example, dict.fromkeys(places, size)), seed=size)
        tensors = [
            _with_last_row(other.value, leaf.value, [axis for name, axis in places if name == leaf.name])
            for leaf, other in zip(self.example.tensors, fresh.tensors, strict=True)
        ]
        example = self.example.with_tensors(tensors)
        return Run(example, size, run_model(example, self.guard))

    def _verdict(self, places: tuple[Place, ...], size: int, run: Run) -> tuple[Agreement, tuple[int, ...]]:
        several = Row(run.outputs, run.size, run.size - 1)
        verdict = compare_rows(Row(self.alone, size, 0), several)
        if size > 1:
            single = compare_rows(Row(self._rows(places, 1).outputs, 1, 0), several)
            return _merge(verdict, single), tuple(sorted({1, size, run.size}))
        if verdict.outcome == "differs":
            two = Row(self._rows(places, 2).outputs, 2, 1)
            if compare_rows(two, several).outcome == "agrees":
                verdict = replace(verdict, outcome="branches")
            return verdict, (1, 2, run.size)
        return verdict, (1, run.size)

    def _excused(self, places: tuple[Place, ...], size: int, verdict: Agreement) -> Agreement | None:
        """Look twice at a bad verdict: None for a random model; good where values alone decide the output's size."""
        if verdict.outcome in ("differs", "branches"):
            again = Row(run_model(self.example, self.guard), size, 0)
            same = compare_rows(Row(self.alone, size, 0), again).outcome == "agrees"
            return verdict if same else None
        if verdict.outcome == "shape":
            tiled = run_model(resized(self.example, dict.fromkeys(places, size * 3)), self.guard)
            return compare_rows(Row(self.alone, size, 0), Row(tiled, size * 3, 0))
        return verdict


def batch_candidates(example: Example) -> list[tuple[Place, ...]]:
    """Return groups of places that may be the batch axis, the likeliest first."""
    tensors = [(leaf.name or "", leaf.value) for leaf in example.tensors if leaf.value.ndim]
    candidates = [_most_common(tensors, 0, 1), _most_common(tensors, 0, 2)]
    if any(
        type(m).__name__ in SEQUENCE_FIRST and getattr(m, "batch_first", True) is False for m in example.model.modules()
    ):
        candidates.append(_most_common(tensors, 1, 2))
    return [places for i, places in enumerate(candidates) if places and places not in candidates[:i]]


def _most_common(tensors: Sequence[tuple[str, torch.Tensor]], axis: int, rank: int) -> tuple[Place, ...]:
    sizes = [(name, t.shape[axis]) for name, t in tensors if t.ndim >= rank and t.ndim > axis and t.shape[axis] > 0]
    if not sizes:
        return ()
    size = Counter(size for _, size in sizes).most_common(1)[0][0]
    return tuple((name, axis) for name, n in sizes if n == size)


def _size(example: Example, places: Sequence[Place]) -> int:
    name, axis = places[0]
    return next(leaf.value.shape[axis] for leaf in example.tensors if leaf.name == name)


def _with_last_row(fresh: torch.Tensor, own: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
    """Return `fresh` with the first slice of `own` as its last one; a tensor without the axis keeps its own values."""
    if not axes:
        return own
    axis, count = axes[0], fresh.shape[axes[0]]
    return torch.cat([fresh.narrow(axis, 0, count - 1), own.narrow(axis, 0, 1)], axis)


def _merge(several: Agreement, single: Agreement) -> Agreement:
    """Tell a branch on batch 1 (only the single row differs) from rows that depend on each other (all differ)."""
    if several.outcome == "agrees" and single.outcome == "differs":
        return replace(single, outcome="branches")
    return several if several.outcome != "agrees" else single


def _tied(example: Example, places: tuple[Place, ...], taken: set[Place]) -> tuple[Place, ...]:
    """Return `places` with every other free axis of the same size, the first axes left out."""
    size = _size(example, places)
    return tuple(
        (leaf.name or "", axis)
        for leaf in example.tensors
        for axis, n in enumerate(leaf.value.shape)
        if n == size and ((leaf.name or "", axis) in places or ((leaf.name or "", axis) not in taken and axis > 0))
    )


def _other_sizes(size: int, avoid: set[int]) -> list[int]:
    """Return sizes to try: near ones first, then the strides networks are made of; never 0, 1 or another axis's."""
    steps = [size + 1, size + 2, size + 4, size + 8, size + 16, size + 32, size * 2, size // 2]
    return [n for i, n in enumerate(steps) if n > 1 and n != size and n not in avoid and n not in steps[:i]]
