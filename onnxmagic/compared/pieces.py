"""Values in groups that fit into memory together: what a run gives away, it holds until its end.

Sizes follow from the shapes that either file declares and from the inputs. Where neither tells, they are taken to be
large until a run has shown otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, Final

from onnxmagic.diff.side import Side
from onnxmagic.diff.twins import Twin
from onnxmagic.examine.inputs import size_of
from onnxmagic.graph.facts import Value

__all__ = ["AT_ONCE", "LARGEST", "Groups"]

AT_ONCE: Final = 250_000_000
"""Bytes of values that one of the two gives away in one run; both are held to be compared."""

LARGEST: Final = 2 * AT_ONCE
"""Bytes of one value above which it is left out."""

UNKNOWN: Final = AT_ONCE // 16
TIMES_INPUT: Final = 8
"""A value whose size nobody tells is taken to have this much, and this many times the largest input, at least."""

_WIDEST: Final = 8


class Groups:
    """Cuts values into groups, in their order, one when it is asked for.

    Attributes
    ----------
    too_large : list of Twin
        Those that were left out.
    """

    def __init__(self, a: Side, b: Side, feeds: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
        self.too_large: list[Twin] = []
        self._sides = (a, b)
        self._known = [_values(side) for side in (a, b)]
        self._sizes = [_sizes(side, fed) for side, fed in zip((a, b), feeds, strict=True)]
        self._unknown = max(UNKNOWN, *(TIMES_INPUT * array.nbytes for array in feeds[0].values()), 0)
        self._seen = 0

    def of(self, twins: Sequence[Twin]) -> Iterator[tuple[Twin, ...]]:
        """Yield the groups; between two of them ``learn`` may tell how large values were."""
        group: list[Twin] = []
        total = 0
        for twin in twins:
            nbytes = self.nbytes(twin)
            if nbytes is not None and nbytes > LARGEST:
                self.too_large.append(twin)
                continue
            taken = self._unknown if nbytes is None else nbytes
            if group and total + taken > AT_ONCE:
                yield tuple(group)
                group, total = [], 0
                taken = self._unknown if nbytes is None else nbytes
            group.append(twin)
            total += taken
        if group:
            yield tuple(group)

    def learn(self, twin: Twin, nbytes: int) -> None:
        """Note how large a value was; one whose size nobody could tell says what to expect of the others."""
        if self.nbytes(twin) is None:
            self._seen = max(self._seen, nbytes)
            self._unknown = max(2 * self._seen, 4096)

    def nbytes(self, twin: Twin) -> int | None:
        """Return the bytes of a value in the one of the two where it is larger; None where neither file tells."""
        told = [
            nbytes
            for name, known, sizes in zip((twin.a, twin.b), self._known, self._sizes, strict=True)
            if (nbytes := _nbytes(known.get(name), sizes)) is not None
        ]
        return max(told, default=None)


def _values(side: Side) -> dict[str, Value]:
    return {**side.graph.values, **{value.name: value for value in side.graph.outputs}}


def _sizes(side: Side, feeds: Mapping[str, Any]) -> dict[str, int]:
    """Return the sizes of the named axes."""
    found: dict[str, int] = {}
    for value in side.graph.inputs:
        for dim, size in zip(value.shape or (), feeds[value.name].shape, strict=False):
            if isinstance(dim, str):
                found.setdefault(dim, size)
    return found


def _nbytes(value: Value | None, sizes: Mapping[str, int]) -> int | None:
    if value is None or value.shape is None:
        return None
    dims = [None if dim is None else size_of(dim, index, sizes) for index, dim in enumerate(value.shape)]
    known = [dim for dim in dims if dim is not None]
    width = {"float16": 2, "float32": 4}.get(value.dtype, _WIDEST)
    return prod(known) * width if len(known) == len(dims) else None
