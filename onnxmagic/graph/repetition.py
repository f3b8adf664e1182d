"""Runs of a sequence in which the same piece stands again and again, the longest pieces first.

Twenty-four layers of a transformer are one piece of sixty operators, twenty-four times. Where a piece stands again, it
does so at some distance; so the distances at which anything long recurs are found first (by giving every stretch of
2, 4, 8, … items a number, as for a suffix array), and only those few are tried as the length of a piece. All of it is
arithmetic on whole arrays: 50,000 items take a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

__all__ = ["SHORTEST", "VALUE", "Run", "runs"]

SHORTEST: Final = 4
"""A piece of fewer items is not worth a box."""

VALUE: Final = 10
"""What a cut costs per value that crosses it; less than that are preferences between equals."""

_CANDIDATES: Final = 24
"""So many distances are tried per length of stretch; a network has two or three."""

_MOST_RUNS: Final = 2000
_TWICE: Final = 2


class Run(NamedTuple):
    """`times` pieces of `period` items each, from `first` on."""

    first: int
    period: int
    times: int

    @property
    def end(self) -> int:
        """Where the last piece ends."""
        return self.first + self.period * self.times


def runs(labels: Numbers, crossing: Numbers) -> list[Run]:
    """Return the runs in `labels` that do not overlap, in order.

    Parameters
    ----------
    labels : array of int
        Equal numbers are equal items.
    crossing : array of int
        What it costs to cut before each item. A run may often begin at any of several items, as ``abcabcab`` has
        ``abc`` and ``bca`` and ``cab`` twice: it begins where the cuts between its pieces are cheapest.
    """
    import numpy as np

    free = np.ones(len(labels), dtype=bool)
    chosen: list[Run] = []
    for period in sorted(set(_periods(labels)), reverse=True):
        for start, end in _stretches(labels[period:] == labels[:-period], period):
            for low, high in _free(free, start, end + period, 2 * period):
                if _is_repetitive(labels[low : low + period]):
                    continue
                run = _placed(crossing, low, high, period)
                chosen.append(run)
                free[run.first : run.end] = False
        if len(chosen) > _MOST_RUNS:
            break
    return sorted(chosen)


def _periods(labels: Numbers) -> Iterator[int]:
    """Yield the distances at which long stretches recur."""
    import numpy as np

    names, length = labels, 1
    while 2 * length <= len(labels):
        if length > 1:
            order = np.argsort(names, kind="stable")
            same = names[order[1:]] == names[order[:-1]]
            distances = np.diff(order)[same]
            # A stretch longer than a quarter of the piece holds enough of it to recur at the piece's length.
            counts = np.bincount(distances[(distances >= length) & (distances < 4 * length)])
            best = np.argsort(counts, kind="stable")[::-1][:_CANDIDATES]
            yield from (int(d) for d in best if counts[d] and SHORTEST <= d <= len(labels) // 2)
        pairs = names[:-length] * (int(names.max()) + 1) + names[length:]
        names = np.unique(pairs, return_inverse=True)[1]
        length *= 2


def _stretches(equal: Any, shortest: int) -> list[tuple[int, int]]:
    """Return where `equal` is true for at least `shortest` items."""
    import numpy as np

    gaps = np.flatnonzero(~equal)
    edges = np.concatenate(([-1], gaps, [len(equal)]))
    long = np.flatnonzero(np.diff(edges) > shortest)
    return [(int(edges[i]) + 1, int(edges[i + 1])) for i in long]


def _free(free: Any, start: int, end: int, shortest: int) -> list[tuple[int, int]]:
    """Return the parts of `start` to `end` that no run has taken yet and that are not too short."""
    return [(start + low, start + high) for low, high in _stretches(free[start:end], shortest)]


def _is_repetitive(piece: Numbers) -> bool:
    """Return whether `piece` is itself a shorter piece several times: then that one is the run's."""
    size = len(piece)
    return any(size % part == 0 and bool((piece[part:] == piece[:-part]).all()) for part in range(1, size // 2 + 1))


def _placed(crossing: Numbers, low: int, high: int, period: int) -> Run:
    """Return the run between `low` and `high`, begun where its cuts are cheapest, the earliest of those."""
    import numpy as np

    size = high - low
    offsets = np.arange(period)
    counts = (size - offsets) // period
    # The cuts between pieces: where the first begins there is nothing to choose at the start of a graph.
    mean = np.resize(crossing[low:high], (size // period, period))[1:].mean(axis=0)
    # A start that loses a piece must be cheaper for it by more than half a value, and leave at least two.
    lost = np.where(counts == counts[0], 0, VALUE * 0.6) + np.where(counts < _TWICE, np.inf, 0)
    best = int(np.argmin(mean + lost))
    return Run(low + best, period, int(counts[best]))
