"""What a sweep over the user's data gave. Constant in size, however many samples there were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["Bin", "Sample", "Sweep"]


@dataclass(frozen=True, slots=True)
class Bin:
    """Samples whose largest absolute error is at least ``low`` and below ``high``; exactly 0 has a bin of its own."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the data, kept whole because it was the worst.

    Attributes
    ----------
    index : int
        Its place in the data, from 0: the row, counted over all batches.
    batch : int
        The batch that held it, from 0.
    max_abs : float
        Its largest absolute difference to PyTorch, over all outputs.
    inputs, expected, got : mapping of name to numpy.ndarray
        What went in, what PyTorch gave and what the file gave; one row each where outputs have rows, else the batch.
    """

    index: int
    batch: int
    max_abs: float
    inputs: Mapping[str, Any] = field(repr=False)
    expected: Mapping[str, Any] = field(repr=False)
    got: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sweep:
    """The file against PyTorch on the user's own data.

    Attributes
    ----------
    samples : int
        Rows that were compared; a batch counts as one where its outputs have no rows.
    batches : int
    wrong : int
        Samples beyond the tolerance; ``samples - wrong`` agree.
    asked : int or None
        Samples that were asked for; None for all of the data.
    stopped : str
        Why it ended before that: ``"interrupted"``, or what failed; empty where it went to its end.
    seconds : float
    errors : tuple of Bin
        Distribution of the samples' largest absolute errors; half-decade bins, empty ones at the ends left out.
    median, p99, max_abs : float
        Of the same errors; the first two from the bins, upper ends, so never better than measured.
    tolerance : float
        The largest absolute error that was allowed, where it was one number for all; 0.0 where a ratio decided.
    agreement : float or None
        Share of samples whose top class is the same; None where there is no output of shape (rows, classes).
    worst : Sample or None
    workers : str
        Who ran it: ``"this kernel"``, ``"4 processes"``, the executor's class.
    left_out : str
        What of every batch belonged neither to the model nor to the file, as a label does.
    """

    samples: int
    batches: int
    wrong: int = 0
    asked: int | None = None
    stopped: str = ""
    seconds: float = 0.0
    errors: tuple[Bin, ...] = ()
    median: float = 0.0
    p99: float = 0.0
    max_abs: float = 0.0
    tolerance: float = 0.0
    agreement: float | None = None
    worst: Sample | None = None
    workers: str = "this kernel"
    left_out: str = ""

    @property
    def ok(self) -> bool:
        """Samples were compared and all of them agreed."""
        return self.samples > 0 and self.wrong == 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; of the worst sample only which one it is, as its values may be large."""
        worst = self.worst
        kept = ("index", "batch", "max_abs")
        return {
            "ok": self.ok,
            **asdict(replace(self, worst=None)),
            "worst": {name: getattr(worst, name) for name in kept} if worst is not None else None,
        }
