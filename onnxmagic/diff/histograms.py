"""How the values of one weight were distributed before, and how they are now, on the same bins.

Read when somebody asks: a page holds no weights, and the files may be somewhere else by then. One that changed since it
was compared is not read: its figures would belong to neither of the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from onnxmagic.check.wording import code
from onnxmagic.diff.digest import of_blocks
from onnxmagic.diff.result import Diff
from onnxmagic.diff.side import Side
from onnxmagic.diff.values import Values, opened
from onnxmagic.diff.weight_names import name_of
from onnxmagic.diff.weight_pairs import paired
from onnxmagic.diff.weight_reads import Read, WeightPair
from onnxmagic.diff.weight_steps import Incomparable
from onnxmagic.diff.weight_values import real_pieces
from onnxmagic.errors import UsageMistake, ValueUnavailable

__all__ = ["Histograms", "histogram"]

_BINS: Final = 40


@dataclass(frozen=True, slots=True)
class Histograms:
    """How many values lie between two neighbours of ``edges``, in the first and in the second model."""

    name: str
    edges: tuple[float, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


def histogram(diff: Diff, name: str) -> Histograms:
    """Return how the finite values of a weight that both models have are distributed.

    Raises
    ------
    UsageMistake
        There is no such weight.
    ValueUnavailable
        A file is gone, or has changed since it was compared.
    """
    a, b = diff.a, diff.b
    pairs = paired(a, b, diff.matching).pairs
    pair = next((pair for pair in pairs if name in _names(a, b, pair)), None)
    if pair is None:
        raise UsageMistake(
            f"There is no weight {code(name)} in both models; diff.weights.changed has those that changed."
        )
    with opened(a) as ours, opened(b) as theirs:
        for side, values, read in ((a, ours, pair.a), (b, theirs, pair.b)):
            _check(side, values, read)
        try:
            return _histograms(name_of(a, b, pair), (ours, pair.a), (theirs, pair.b))
        except (Incomparable, OSError) as error:
            raise ValueUnavailable(f"The values of {code(name)} cannot be read: {error}.") from None


def _names(a: Side, b: Side, pair: WeightPair) -> tuple[str, ...]:
    return name_of(a, b, pair), a.stored[pair.a.weight].name, b.stored[pair.b.weight].name


def _check(side: Side, values: Values, read: Read) -> None:
    weight = side.stored[read.weight]
    if side.source is None:
        raise ValueUnavailable(f"The values of {code(weight.name)} are gone with the file that was replaced.")
    if not values.readable(read.weight):
        raise ValueUnavailable(f"In {side.name} the values of {code(weight.name)} cannot be read.")
    hashed = side.hash_of(read.weight)
    if hashed and hashed != of_blocks(weight.dtype, weight.shape, values.raw(read.weight), weight.nbytes):
        raise ValueUnavailable(f"{side.name} has changed since it was compared; compare again.")


def _histograms(name: str, before: tuple[Values, Read], after: tuple[Values, Read]) -> Histograms:
    ends = [(float(part.min()), float(part.max())) for one in (before, after) for part in _finite(one) if part.size]
    low, high = min((end[0] for end in ends), default=0.0), max((end[1] for end in ends), default=0.0)
    if not math.isfinite(high - low):
        raise Incomparable("they are too far apart for bins")
    if low == high:  # one bar of some width, as every value is the same
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    return Histograms(name, tuple(map(float, edges)), _counts(before, low, high), _counts(after, low, high))


def _counts(one: tuple[Values, Read], low: float, high: float) -> tuple[int, ...]:
    parts = [np.histogram(part, _BINS, (low, high))[0] for part in _finite(one)]
    return tuple(map(int, np.sum(parts, axis=0))) if parts else (0,) * _BINS


def _finite(one: tuple[Values, Read]) -> Iterator[npt.NDArray[Any]]:
    for part in real_pieces(*one):
        yield part[np.isfinite(part)]
