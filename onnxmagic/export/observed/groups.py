"""Which axes differed between calls, and which differed together.

Data only, no model: two axes that had the same size in every call are one axis with one name, which is how a person
thinks of a batch or a sequence, and what keeps an exported file from asking for a mask of another length than its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from onnxmagic.export.observed.naming import PAST, Group, Seen, Vector, name_groups
from onnxmagic.export.trials import Place

__all__ = ["Axes", "find_axes"]


@dataclass(frozen=True, slots=True)
class Axes:
    """Names of the axes that differed: their places, which is a sum of which, and the sizes seen."""

    groups: Mapping[str, tuple[Place, ...]] = field(default_factory=dict[str, tuple[Place, ...]])
    sums: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])


def find_axes(inputs: Sequence[Seen]) -> Axes:
    """Return the axes of `inputs` that differed between calls."""
    groups = [part for group in _together(inputs) for part in _split(group)]
    sums = _sums(groups)
    names = name_groups(inputs, groups, sums)
    return Axes(
        {names[n]: group.places for n, group in enumerate(groups)},
        {names[total]: _parts(names, parts) for total, parts in sums.items()},
        {names[n]: tuple(sorted(_values(group.vector))) for n, group in enumerate(groups)},
    )


def _parts(names: Sequence[str], parts: tuple[int, int]) -> tuple[str, ...]:
    """Return the names of what is added, what is remembered before what is new."""
    return tuple(sorted((names[part] for part in parts), key=lambda name: name != PAST))


def _values(vector: Vector) -> set[int]:
    return {size for size in vector if size is not None}


def _together(inputs: Sequence[Seen]) -> list[Group]:
    """Return the places that differed, those of equal sizes in one group."""
    groups: list[Group] = []
    for place, vector in _vectors(inputs).items():
        if len(_values(vector)) < 2:
            continue
        for n, group in enumerate(groups):
            if _same(group.vector, vector):
                whole = tuple(a if a is not None else b for a, b in zip(group.vector, vector, strict=True))
                groups[n] = Group((*group.places, place), whole)
                break
        else:
            groups.append(Group((place,), vector))
    return groups


def _vectors(inputs: Sequence[Seen]) -> dict[Place, Vector]:
    """Return the sizes of every axis, a number for each call and None where the call had no such tensor."""
    return {
        (leaf.name, axis): tuple(shape[axis] if shape is not None else None for shape in leaf.shapes)
        for leaf in inputs
        for axis in range(leaf.rank)
    }


def _same(a: Vector, b: Vector) -> bool:
    """Tell whether two axes are one: equal wherever both were there, and that at two sizes at least.

    Equality at a single size is what any two axes of size 8 have.
    """
    both = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    return all(x == y for x, y in both) and len(set(both)) >= 2


def _split(group: Group) -> list[Group]:
    """Take rows and another axis of one tensor apart: a batch as long as its texts in each call is a coincidence."""
    rows = [place for place in group.places if place[1] == 0]
    others = [place for place in group.places if place[1] != 0]
    if not {name for name, _ in rows} & {name for name, _ in others}:
        return [group]
    return [Group(tuple(rows), group.vector), Group(tuple(others), group.vector)]


def _sums(groups: Sequence[Group]) -> dict[int, tuple[int, int]]:
    """Return the groups whose size was the sum of two others' in every call, by number.

    Rows are left out: nobody adds a batch to a sequence, so such an equality is chance.
    """
    lengths = [n for n, group in enumerate(groups) if any(axis for _, axis in group.places)]
    found: dict[int, tuple[int, int]] = {}
    for total in lengths:
        pairs = combinations([n for n in lengths if n != total and n not in found], 2)
        pair = next((pair for pair in pairs if _adds_up(groups, total, pair)), None)
        if pair is not None:
            found[total] = pair
    return found


def _adds_up(groups: Sequence[Group], total: int, parts: tuple[int, int]) -> bool:
    rows = zip(groups[total].vector, groups[parts[0]].vector, groups[parts[1]].vector, strict=True)
    whole = [(t, a, b) for t, a, b in rows if t is not None and a is not None and b is not None]
    return len(set(whole)) >= 2 and all(t == a + b for t, a, b in whole)
