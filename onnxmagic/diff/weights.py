"""The weights of two models: which are the same, which changed and by how much.

Hashes first: a weight with the same hash is the same, whatever it is called, and nothing of it is read again. Values
are read only where hashes differ, or where there are none. What could not be read is said to be unread, never to be the
same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from onnxmagic.check.wording import code
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.result import WeightChange, WeightsDiff
from onnxmagic.diff.side import Side
from onnxmagic.diff.sketch import alike_as
from onnxmagic.diff.values import Values, opened
from onnxmagic.diff.weight_names import is_parameter, name_of, where_of
from onnxmagic.diff.weight_pairs import own_name, paired
from onnxmagic.diff.weight_reads import Read, WeightPair
from onnxmagic.diff.weight_steps import Incomparable
from onnxmagic.diff.weight_values import Distance, distance

__all__ = ["alike", "weights_diff"]


def alike(a: Side, b: Side) -> Callable[[int, int], float]:
    """Return how much a weight of `a` and one of `b` are alike, by their indices: 1 for the same up to a scale."""

    def compared(one: int, other: int) -> float:
        hashed = a.hash_of(one)
        if hashed is not None and hashed == b.hash_of(other):
            return 1.0
        shapes = a.stored[one].shape, b.stored[other].shape
        return alike_as(a.sketches.get(one, b""), b.sketches.get(other, b""), shapes)

    return compared


def weights_diff(
    a: Side, b: Side, matching: Matching, progress: Callable[[str], None] | None = None
) -> tuple[WeightsDiff, tuple[str, ...]]:
    """Compare the weights of two models, of which it is known which node is which.

    Returns
    -------
    WeightsDiff
        Its ``changed`` are the largest changes first.
    tuple of str
        What a reader must know besides, a sentence each.
    """
    found = paired(a, b, matching)
    if progress is not None:
        progress("compare weights")
    with ExitStack() as stack:
        comparison = _Comparison(a, b, stack)
        verdicts = [(pair, comparison.verdict(pair)) for pair in found.pairs]
    changed = [verdict for _, verdict in verdicts if isinstance(verdict, WeightChange)]
    kept = [pair for pair, verdict in verdicts if verdict is None and _counts(a, b, pair)]
    unread = [verdict for _, verdict in verdicts if isinstance(verdict, _Unread)]
    return WeightsDiff(
        changed=tuple(sorted(changed, key=lambda change: (bool(change.reason), -change.max_abs))),
        added=_names(b, found.added),
        removed=_names(a, found.removed),
        renamed=tuple(names for pair in kept if (names := _renamed(a, b, pair))),
        same=len(kept),
        unread=tuple((each.name, each.reason) for each in unread),
    ), tuple(_notes(unread))


@dataclass(frozen=True, slots=True)
class _Unread:
    """A weight whose values could not be had; ``model`` is the one that is to blame, ``place`` says how."""

    name: str
    model: str
    place: str

    @property
    def reason(self) -> str:
        return f"in {self.model} its values are {self.place}"


class _Comparison:
    """Pairs of weights, judged one after the other; the files are opened when the first of them has to be read."""

    def __init__(self, a: Side, b: Side, stack: ExitStack) -> None:
        self.a, self.b = a, b
        self._stack = stack

    def verdict(self, pair: WeightPair) -> WeightChange | _Unread | None:
        """Return how a pair differs; None where it does not."""
        if self._known_same(pair):
            return None
        blame = self._unreadable(pair)
        if blame is not None:
            return blame
        if not self._there(pair):
            return self._change(pair, reason="the file that had it is gone")
        try:
            if self._same_bytes(pair):
                return None
            found = distance(*self._values, pair)
        except Incomparable as error:
            return self._change(pair, reason=str(error))
        except OSError:
            return _Unread(self._name(pair), self.a.name, "no longer there: a file changed while it was read")
        return None if found.same else self._change(pair, found)

    def _known_same(self, pair: WeightPair) -> bool:
        hashed = self.a.hash_of(pair.a.weight)
        if hashed is None or hashed != self.b.hash_of(pair.b.weight):
            return False
        return self._scale(self.a, pair.a) == self._scale(self.b, pair.b)

    @staticmethod
    def _scale(side: Side, read: Read) -> object:
        """Return what makes real numbers of a weight's, to be held against another's."""
        kind = read.quantised
        if read.norm is not None:
            return object()
        if kind is None:
            return None
        hashes = [side.hash_of(index) if index >= 0 else b"" for index in (kind.scale, kind.zero)]
        return (*hashes, kind.axis, kind.block) if None not in hashes else object()

    def _unreadable(self, pair: WeightPair) -> _Unread | None:
        """Return which weight cannot be read, where nothing else tells that the two differ."""
        for side, values, read in zip((self.a, self.b), self._values, (pair.a, pair.b), strict=True):
            if side.hash_of(read.weight) is None and not values.readable(read.weight):
                return _Unread(self._name(pair), side.name, _place(side, read.weight))
        return None

    def _there(self, pair: WeightPair) -> bool:
        return all(values.readable(read.weight) for values, read in zip(self._values, (pair.a, pair.b), strict=True))

    def _same_bytes(self, pair: WeightPair) -> bool:
        """Whether two weights without hashes are stored alike, and are the same."""
        one, other = self.a.stored[pair.a.weight], self.b.stored[pair.b.weight]
        if self.a.hash_of(pair.a.weight) and self.b.hash_of(pair.b.weight):
            return False
        as_stored = all(read.quantised is None and read.norm is None for read in (pair.a, pair.b))
        if (one.dtype, one.shape) != (other.dtype, other.shape) or not as_stored:
            return False
        pieces = zip_longest(self._values[0].raw(pair.a.weight), self._values[1].raw(pair.b.weight))
        return all(x == y for x, y in pieces)

    def _change(self, pair: WeightPair, found: Distance | None = None, *, reason: str = "") -> WeightChange:
        nan = float("nan")
        before, after = self.a.stored[pair.a.weight], self.b.stored[pair.b.weight]
        return WeightChange(
            name=self._name(pair),
            before=before.name,
            after=after.name,
            shape=before.shape,
            dtypes=(before.dtype, after.dtype),
            seen_through=found.seen_through if found else (),
            max_abs=found.max_abs if found else nan,
            mean_abs=found.mean_abs if found else nan,
            cosine=found.cosine if found else nan,
            nan=found.nan if found else (0, 0),
            where=where_of(self.a, self.b, pair),
            reason=reason,
        )

    def _name(self, pair: WeightPair) -> str:
        return name_of(self.a, self.b, pair)

    @cached_property
    def _values(self) -> tuple[Values, Values]:
        return self._stack.enter_context(opened(self.a)), self._stack.enter_context(opened(self.b))


def _counts(a: Side, b: Side, pair: WeightPair) -> bool:
    return is_parameter(a, pair.a.weight) or is_parameter(b, pair.b.weight)


def _names(side: Side, indices: Iterable[int]) -> tuple[str, ...]:
    return tuple(own_name(side, index) or side.stored[index].name for index in indices if is_parameter(side, index))


def _renamed(a: Side, b: Side, pair: WeightPair) -> tuple[str, str] | None:
    names = a.stored[pair.a.weight].name, b.stored[pair.b.weight].name
    own = own_name(a, pair.a.weight), own_name(b, pair.b.weight)
    return None if names[0] == names[1] or (own[0] and own[0] == own[1]) else names


def _place(side: Side, index: int) -> str:
    weight = side.stored[index]
    if weight.external is not None:
        return f"in {code(weight.external)}, which is not there, damaged, or outside the model's folder"
    if weight.dtype == "string":
        return "text, which is not read here"
    return "damaged, or written as a sparse tensor" if side.source is not None else "gone with the file"


def _notes(unread: Iterable[_Unread]) -> Iterable[str]:
    """Yield one sentence for each place that could not be read."""
    for (model, place), count in Counter((each.model, each.place) for each in unread).items():
        values = "the values of 1 weight are" if count == 1 else f"the values of {count:,} weights are"
        yield f"In {model}, {values} {place}: nothing is claimed of them."
