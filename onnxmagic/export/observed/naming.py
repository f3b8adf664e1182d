"""What a varying axis is called.

Names are the field's where the inputs say what they are (``sequence``, ``past_sequence``, ``height``), and else the
input's own with the number of the axis, so that a name never says more than is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnxmagic.export.example import identifier, unique
from onnxmagic.export.trials import Place

__all__ = ["Group", "Seen", "Vector", "name_groups"]

Vector = tuple["int | None", ...]
"""The sizes of one axis, call by call; None where the call had no such tensor."""

DECODER = re.compile(r"decoder_")
ENCODER = re.compile(r"encoder_")
CROSS = "['encoder']"
CACHE = re.compile(r"(past|cache|kv)(_|\b)|\w*_(cache|past)(_|\b)", re.IGNORECASE)
TEXT = re.compile(r"(input_ids|position_ids|inputs_embeds|token_type_ids|tokens?|ids|text)$")
MASK = re.compile(r"\w*mask", re.IGNORECASE)
AUDIO = "input_values"
TOTAL, PAST = "total_sequence", "past_sequence"


@dataclass(frozen=True, slots=True)
class Seen:
    """An input of the file, as the calls had it.

    ``name`` is the input's name, ``path`` how a person writes it, ``shapes`` one for each call, None where the call had
    no such tensor.
    """

    name: str
    path: str
    floating: bool
    shapes: tuple[tuple[int, ...] | None, ...]

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return next((len(shape) for shape in self.shapes if shape is not None), 0)


@dataclass(frozen=True, slots=True)
class Group:
    """Places that had the same size in every call, and that size."""

    places: tuple[Place, ...]
    vector: Vector


def name_groups(
    inputs: Sequence[Seen], groups: Sequence[Group], sums: Mapping[int, tuple[int, int]]
) -> tuple[str, ...]:
    """Return a name for each group, legal and unique; `sums` are the groups that are the sum of two others.

    A name that two groups would have goes to the first, the others get their input's.
    """
    batch = _batch(groups)
    leaves = {leaf.name: leaf for leaf in inputs}
    members = [[(leaves[name], axis) for name, axis in group.places] for group in groups]
    caches = {n for n, places in enumerate(members) if any(_is_cache(leaf, axis) for leaf, axis in places)}
    names: list[str] = []
    for n, group in enumerate(groups):
        total = bool(caches & set(sums.get(n, ())))
        total = total or (_is_mask(members[n]) and any(_follows(group, groups[c]) for c in caches - {n}))
        name = "batch" if n == batch else TOTAL if total else _meant(members[n])
        names.append(name if name and name not in names else _plain(group))
    return unique(names)


def _batch(groups: Sequence[Group]) -> int | None:
    """Return the number of the group with the most tensors' first axes; the first such."""
    rows = [sum(axis == 0 for _, axis in group.places) for group in groups]
    return rows.index(max(rows)) if any(rows) else None


def _meant(places: Sequence[tuple[Seen, int]]) -> str:
    """Return what the axis most likely is, or nothing."""
    if any(_is_text(leaf, axis) for leaf, axis in places):
        return "sequence"
    if any(axis == 1 and DECODER.match(leaf.path) and leaf.rank == 2 for leaf, axis in places):
        return "decoder_sequence"
    if any(_is_encoded(leaf, axis) for leaf, axis in places):
        return "encoder_sequence"
    if any(_is_cache(leaf, axis) for leaf, axis in places):
        return PAST
    if any(axis == 1 and leaf.path == AUDIO for leaf, axis in places):
        return "samples"
    return _side(places)


def _is_text(leaf: Seen, axis: int) -> bool:
    """Tell whether an axis counts tokens; whole numbers in rows are text more often than anything else."""
    if axis != 1 or DECODER.match(leaf.path) or ENCODER.match(leaf.path) or MASK.match(leaf.path):
        return False
    return bool(TEXT.search(leaf.path)) or (leaf.rank == 2 and not leaf.floating)


def _is_cache(leaf: Seen, axis: int) -> bool:
    """Tell whether an axis counts what a cache holds of its own text."""
    return axis > 0 and leaf.rank >= 3 and CACHE.match(leaf.path) is not None and CROSS not in leaf.path


def _is_encoded(leaf: Seen, axis: int) -> bool:
    """Tell whether an axis counts what an encoder gave, which a cache may hold too."""
    return (axis == 1 and ENCODER.match(leaf.path) is not None) or (axis > 0 and CROSS in leaf.path)


def _is_mask(places: Sequence[tuple[Seen, int]]) -> bool:
    return all(axis > 0 and MASK.match(leaf.path) for leaf, axis in places)


def _follows(group: Group, other: Group) -> bool:
    """Tell whether `group` was longer than `other` by the same in every call: the cache and one new token."""
    both = zip(group.vector, other.vector, strict=True)
    return len({a - b for a, b in both if a is not None and b is not None}) == 1


def _side(leaves: Sequence[tuple[Seen, int]]) -> str:
    images = {axis for leaf, axis in leaves if leaf.rank == 4 and leaf.floating and not MASK.match(leaf.path)}
    if images == {2, 3}:
        return "side"
    return {2: "height", 3: "width"}.get(next(iter(images)), "") if len(images) == 1 else ""


def _plain(group: Group) -> str:
    name, axis = group.places[0]
    return identifier(f"{name}_rows" if axis == 0 else f"{name}_{axis}")
