"""Inputs for a file of which only the signature is known.

What they mean is not known: ids, pixels, lengths. Floats are drawn from the unit normal distribution, whole numbers are
0 or 1, which are ids in every vocabulary. Where a file refuses such inputs, that says nothing of the file, so whoever
uses them must ask first whether they suit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, Final, Literal

import numpy as np

from onnxmagic.graph.facts import Dim, Graph, Value

__all__ = ["Feeds", "Kind", "Places", "Sizes", "Unmakeable", "made_up", "places", "resized", "size_of"]

Feeds = dict[str, Any]
Sizes = Mapping[str, int]
Kind = Literal["normal", "uniform", "ones"]
Places = dict[str, tuple[tuple[str, int], ...]]
"""Axis name to (input, index); an axis without a name is called by its index, ``"?0"``."""

MOST_BYTES: Final = 256 * 2**20

_TERM: Final = re.compile(r"\s*(?:(\d{1,9})\s*\*\s*)?([A-Za-z_]\w*)\s*|\s*(\d{1,9})\s*")


class Unmakeable(Exception):
    """No input can be made up; the message is a clause that says for which, and why."""


def places(graph: Graph) -> Places:
    """Return the axes of the inputs that the file declares dynamic."""
    found: dict[str, list[tuple[str, int]]] = {}
    for value in graph.inputs:
        for index, dim in enumerate(value.shape or ()):
            name = _variable(dim, index)
            if name is not None:
                found.setdefault(name, []).append((value.name, index))
    return {name: tuple(where) for name, where in found.items()}


def size_of(dim: Dim, index: int, sizes: Sizes) -> int | None:
    """Return the size of an axis when the dynamic ones have `sizes`; None when that does not follow.

    Exporters write sums too, ``"past + sequence"``, and products, ``"2*n"``.
    """
    if isinstance(dim, int):
        return dim
    name = _variable(dim, index)
    if name is not None:
        return sizes.get(name)
    total = 0
    for factor, variable, constant in _terms(str(dim)):
        if variable and variable not in sizes:
            return None
        total += int(factor or 1) * sizes[variable] if variable else int(constant)
    return total


def made_up(graph: Graph, sizes: Sizes, kind: Kind = "normal", seed: int = 0) -> Feeds:
    """Return an array for every input of `graph`.

    Parameters
    ----------
    sizes : mapping of axis name to size
    kind : {"normal", "uniform", "ones"}
        Floats from the unit normal distribution and whole numbers 0 or 1; floats between 0 and 1 instead; or ones
        wherever there are whole numbers.

    Raises
    ------
    Unmakeable
        An input is no tensor, has no shape, is of a type that numpy lacks, or would be too large.
    """
    draw = np.random.default_rng(seed)
    shapes = {value.name: _shape(value, sizes) for value in graph.inputs}
    if sum(prod(shape) for shape in shapes.values()) * 8 > MOST_BYTES:
        raise Unmakeable(f"the inputs would take more than {MOST_BYTES // 2**20} MB")
    return {value.name: _array(value, shapes[value.name], kind, draw) for value in graph.inputs}


def resized(feeds: Feeds, where: Sequence[tuple[str, int]], size: int) -> Feeds:
    """Return `feeds` with the axes at `where` cut or repeated to `size`."""
    changed = dict(feeds)
    for name, index in where:
        array = changed[name]
        if 0 < array.shape[index] != size:
            changed[name] = np.take(array, np.arange(size) % array.shape[index], axis=index)
    return changed


def _variable(dim: Dim, index: int) -> str | None:
    """Return the name of the axis when it is one that can be chosen; None for a number or a sum."""
    if dim is None:
        return f"?{index}"
    if isinstance(dim, int):
        return None
    terms = _terms(dim)
    computed = len(terms) > 1 or any(factor or constant for factor, _, constant in terms)
    return None if computed else dim


def _terms(text: str) -> tuple[tuple[str, str, str], ...]:
    """Return the terms of a sum as (factor, name, constant); nothing when it is none."""
    matches = [_TERM.fullmatch(part) for part in text[:200].split("+")]
    found = tuple((m[1] or "", m[2] or "", m[3] or "") for m in matches if m is not None)
    return found if len(found) == len(matches) else ()


def _shape(value: Value, sizes: Sizes) -> tuple[int, ...]:
    if value.shape is None:
        raise Unmakeable(f"input `{value.name}` has no shape")
    known = list(_sizes(value, sizes))
    if min(known, default=0) < 0:
        raise Unmakeable(f"input `{value.name}` has an axis of unknown size")
    return tuple(known)


def _sizes(value: Value, sizes: Sizes) -> Iterator[int]:
    for index, dim in enumerate(value.shape or ()):
        size = size_of(dim, index, sizes)
        yield -1 if size is None else size


def _array(value: Value, shape: tuple[int, ...], kind: Kind, draw: np.random.Generator) -> Any:
    try:
        dtype = np.dtype(value.dtype)
    except TypeError:
        raise Unmakeable(f"input `{value.name}` is of type {value.dtype or 'unknown'}") from None
    if dtype.kind == "f":
        floats = draw.random(shape) if kind == "uniform" else draw.standard_normal(shape)
        return np.asarray(floats, dtype)
    if dtype.kind not in "biu":
        raise Unmakeable(f"input `{value.name}` is of type {value.dtype}")
    # A mask that hides everything asks another question.
    if kind == "ones" or "mask" in value.name.lower():
        return np.ones(shape, dtype)
    return np.asarray(draw.integers(0, 2, shape), dtype)
