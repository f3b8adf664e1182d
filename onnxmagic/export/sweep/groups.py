"""The batches of a sweep as cases of the report: one for all batches of the same sizes, in which the worst speaks.

A ragged loader may have as many sizes as batches, so what comes after the first ones shares a case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from onnxmagic.check.evidence import RunCase
from onnxmagic.export.result import Case
from onnxmagic.export.sweep.sides import Measured

__all__ = ["Groups"]

MOST: Final = 32
"""Sizes that have a case of their own."""


@dataclass(frozen=True, slots=True)
class _Group:
    case: Case
    runs: tuple[RunCase, ...]

    def joined(self, measured: Measured) -> _Group:
        case = measured.case
        worse = _badness(case) > _badness(self.case)
        agreements = [c.agreement for c in (case, self.case) if c.agreement is not None]
        chosen = replace(
            case if worse else self.case,
            agreement=min(agreements, default=None),
            count=self.case.count + 1,
        )
        return _Group(chosen, measured.runs if worse else self.runs)


@dataclass
class Groups:
    """The worst batch of every size gathers here."""

    _groups: dict[Any, _Group] = field(default_factory=dict[Any, _Group])
    _shared: int = 0

    def add(self, measured: Measured) -> None:
        """Add a batch."""
        key: Any = tuple(sorted(measured.case.sizes.items()))
        if key not in self._groups and len(self._groups) >= MOST:
            key = None
            self._shared += 1
        before = self._groups.get(key)
        self._groups[key] = _Group(measured.case, measured.runs) if before is None else before.joined(measured)

    @property
    def cases(self) -> tuple[Case, ...]:
        """One case for all batches of the same sizes."""
        return tuple(group.case for group in self._groups.values())

    @property
    def runs(self) -> tuple[RunCase, ...]:
        """The comparisons of the batches that speak."""
        return tuple(run for group in self._groups.values() for run in group.runs)

    @property
    def said(self) -> str:
        """What a reader of the cases has to know, a sentence; empty where each case is of its own sizes."""
        if not self._shared:
            return ""
        return f"The last case of your data stands for {self._shared:,} batches of several other sizes."


def _badness(case: Case) -> tuple[bool, float, float]:
    return not case.ok, case.ratio or 0.0, case.max_rel
