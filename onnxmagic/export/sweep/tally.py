"""What a sweep adds up, in a few numbers: however many samples there are, this does not grow.

Errors are counted in half-decade bins, which are fine enough for a person and coarse enough to be few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from onnxmagic.export.sweep.result import Bin, Sample
from onnxmagic.export.sweep.sides import Measured

__all__ = ["Tally"]

_EDGES: Final = np.array([float(f"1e{n // 2}") * (10**0.5 if n % 2 else 1.0) for n in range(-90, 81)])


@dataclass
class Tally:
    """Counts of all batches so far, and the worst sample among them."""

    samples: int = 0
    batches: int = 0
    wrong: int = 0
    max_abs: float = 0.0
    tolerance: float = 0.0
    worst: Sample | None = None
    zeros: int = 0
    infinite: int = 0
    counts: Any = field(default_factory=lambda: np.zeros(len(_EDGES) + 1, np.int64))
    matching: list[int | None] | None = None

    @property
    def beaten(self) -> float:
        """The error that a sample must exceed to be the worst."""
        return self.worst.max_abs if self.worst is not None else -1.0

    def add(self, measured: Measured, worst: Sample | None) -> None:
        """Add a batch, and the sample of it that is worse than any before, if there is one."""
        errors = measured.errors
        finite = errors[np.isfinite(errors)]
        positive = finite[finite > 0]
        self.counts += np.bincount(np.searchsorted(_EDGES, positive, side="right"), minlength=len(self.counts))
        self.zeros += len(finite) - len(positive)
        self.infinite += len(errors) - len(finite)
        self.samples += len(errors)
        self.batches += 1
        self.wrong += measured.wrong
        self.max_abs = max(self.max_abs, float(errors.max(initial=0.0)))
        if measured.case.ratio is None:
            self.tolerance = max(self.tolerance, measured.case.tolerance)
        self._match(measured.matching)
        if worst is not None:
            self.worst = worst

    def agreement(self) -> float | None:
        """Return the share of samples with the same top class, of the output in which it is smallest."""
        known = [count for count in self.matching or () if count is not None]
        return min(known) / self.samples if known and self.samples else None

    def bins(self) -> tuple[Bin, ...]:
        """Return the distribution, from the first bin with a sample to the last."""
        filled = np.flatnonzero(self.counts)
        between = range(int(filled[0]), int(filled[-1]) + 1) if len(filled) else range(0)
        bins = [Bin(*_ends(index), int(self.counts[index])) for index in between]
        zero = [Bin(0.0, 0.0, self.zeros)] if self.zeros else []
        infinite = [Bin(float("inf"), float("inf"), self.infinite)] if self.infinite else []
        return (*zero, *bins, *infinite)

    def quantile(self, share: float) -> float:
        """Return an error that this share of the samples does not exceed: the upper end of a bin."""
        left = share * self.samples
        for one in self.bins():
            left -= one.count
            if left <= 0:
                return min(one.high, self.max_abs)
        return self.max_abs

    def _match(self, counts: Sequence[int | None]) -> None:
        if self.matching is None:
            self.matching = list(counts)
            return
        pairs = zip(self.matching, [*counts, *[None] * len(self.matching)], strict=False)
        # Where the file gave nothing to compare, no class was the same.
        self.matching = [None if before is None else before + (now or 0) for before, now in pairs]


def _ends(index: int) -> tuple[float, float]:
    low = float(_EDGES[index - 1]) if index else 0.0
    return low, float(_EDGES[index]) if index < len(_EDGES) else float("inf")
