"""Which input of one model is which input of the other, and the same for outputs.

A program that calls a model knows them by name, so equal names are one. One whose name is gone may only have been
renamed: then the nodes that read it tell, as far as they are matched, and where they do not its place in the signature.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import Origin, Origins
from onnxmagic.graph.facts import Value

__all__ = ["Ports", "ports"]


@dataclass(frozen=True, slots=True)
class Ports:
    """Places in the signature of the second model by those of the first."""

    inputs: Mapping[int, int]
    outputs: Mapping[int, int]


def ports(a: Origins, b: Origins, matching: Matching) -> Ports:
    """Return which input and output is which."""
    inputs, outputs = (a.side.graph.inputs, b.side.graph.inputs), (a.side.graph.outputs, b.side.graph.outputs)
    return Ports(_paired(*inputs, _readers(a, b, matching)), _paired(*outputs, _makers(a, b, matching)))


def _readers(a: Origins, b: Origins, matching: Matching) -> Iterable[tuple[int, int]]:
    """Yield the inputs that two matched nodes read at the same place."""
    for pair in matching.pairs:
        for x, y in zip(a.outline.reads[pair.a], b.outline.reads[pair.b], strict=False):
            first, second = a.of(x), b.of(y)
            if first.kind == second.kind == "input":
                yield first.number, second.number


def _makers(a: Origins, b: Origins, matching: Matching) -> Iterable[tuple[int, int]]:
    """Yield the outputs that come from the same place of two matched nodes."""
    made: dict[Origin, list[int]] = {}
    for place, origin in enumerate(b.outputs):
        made.setdefault(origin, []).append(place)
    for place, origin in enumerate(a.outputs):
        partner = matching.of_a.get(origin.number) if origin.kind == "node" else None
        if partner is not None:
            yield from ((place, other) for other in made.get(Origin("node", partner, origin.slot), []))


def _paired(a: Sequence[Value], b: Sequence[Value], votes: Iterable[tuple[int, int]]) -> dict[int, int]:
    named = {value.name: place for place, value in enumerate(b)}
    pairs = {place: named.pop(value.name) for place, value in enumerate(a) if value.name in named}
    if len(pairs) < min(len(a), len(b)):
        count = Counter((x, y) for x, y in votes if x not in pairs and y in named.values())
        # Of two that were voted for as often the one of the nearer place, whichever model is the first.
        _take(pairs, sorted(count, key=lambda pair: (-count[pair], abs(pair[0] - pair[1]), min(pair))))
        rest = zip(_others(a, pairs), _others(b, pairs.values()), strict=False)
        _take(pairs, ((x, y) for x, y in list(rest) if _kind(a[x]) == _kind(b[y])))
    return dict(sorted(pairs.items()))


def _take(pairs: dict[int, int], wanted: Iterable[tuple[int, int]]) -> None:
    """Add those pairs of which neither is in another."""
    taken = set(pairs.values())
    for x, y in wanted:
        if x not in pairs and y not in taken:
            pairs[x] = y
            taken.add(y)


def _others(values: Sequence[Value], paired: Iterable[int]) -> list[int]:
    known = set(paired)
    return [place for place in range(len(values)) if place not in known]


def _kind(value: Value) -> tuple[str, int | None]:
    return value.dtype, None if value.shape is None else len(value.shape)
