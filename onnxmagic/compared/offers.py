"""Inputs on which both models may run, the best first: the user's own, the example of an export, made-up ones.

One set of arrays goes to both. So where one model takes any size along an axis and the other has frozen it, the frozen
size is the one to use, and an example of another size is none for this pair.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from onnxmagic.compared.ready import Feeds, Ready, Runnable
from onnxmagic.examine.batches import feeds_of
from onnxmagic.graph.facts import Dim, Graph, Value

__all__ = ["Offer", "offers"]


@dataclass(frozen=True, slots=True)
class Offer:
    """Inputs by the names of the first model; ``batches`` yields them, and may raise what ``Ready.made_up`` raises."""

    on: Literal["your data", "your example", "made-up inputs"]
    graph: Graph
    batches: Callable[[], Generator[Feeds]]


def offers(
    models: tuple[Runnable, Runnable],
    runners: tuple[Ready, Ready],
    names: Mapping[str, str],
    data: Any,
    samples: int | None,
) -> Iterator[Offer]:
    """Yield what both may be run on; with `data`, nothing else.

    Parameters
    ----------
    names : mapping
        Inputs of the second by those of the first.
    """
    first, second = models[0].side.graph, models[1].side.graph
    back = {its: name for name, its in names.items()}
    narrow = _narrowed(first, second, names)
    if data is not None:
        yield Offer("your data", narrow, partial(_all, data, narrow, samples))
        return
    for example in (models[0].example, _renamed(models[1].example, back)):
        if _fits(example, narrow.inputs):
            yield Offer("your example", narrow, partial(_one, example))
    yield Offer("made-up inputs", narrow, lambda: _one(runners[0].made_up(narrow)))
    # What the first takes the second may refuse, for reasons that no signature tells.
    theirs = _narrowed(second, first, back)
    yield Offer("made-up inputs", narrow, lambda: _one(_renamed(runners[1].made_up(theirs), back)))


def _one(feeds: Feeds) -> Generator[Feeds]:
    yield feeds


def _all(data: Any, graph: Graph, samples: int | None) -> Generator[Feeds]:
    yield from feeds_of(data, graph, samples)


def _narrowed(graph: Graph, other: Graph, names: Mapping[str, str]) -> Graph:
    """Return `graph` with the sizes that `other` has fixed; one of an axis's name is that of all axes so named."""
    theirs = {value.name: value for value in other.inputs}
    fixed: dict[str, int] = {}
    inputs: list[Value] = []
    for value in graph.inputs:
        shape = theirs[names[value.name]].shape
        if value.shape is None or shape is None:
            inputs.append(value if value.shape is not None else replace(value, shape=shape))
            continue
        pairs = list(zip(value.shape, shape, strict=True))
        fixed.update({dim: size for dim, size in pairs if isinstance(dim, str) and isinstance(size, int)})
        inputs.append(replace(value, shape=tuple(size if isinstance(size, int) else dim for dim, size in pairs)))
    filled = (tuple(_filled(value, fixed) for value in values) for values in (inputs, graph.outputs))
    return replace(graph, inputs=next(filled), outputs=next(filled))


def _filled(value: Value, fixed: Mapping[str, int]) -> Value:
    if value.shape is None:
        return value
    shape: tuple[Dim, ...] = tuple(fixed.get(dim, dim) if isinstance(dim, str) else dim for dim in value.shape)
    return replace(value, shape=shape)


def _renamed(feeds: Feeds, names: Mapping[str, str]) -> Feeds:
    return {names[name]: array for name, array in feeds.items() if name in names}


def _fits(feeds: Feeds, inputs: Iterable[Value]) -> bool:
    return bool(feeds) and all(value.name in feeds and _suits(feeds[value.name], value) for value in inputs)


def _suits(array: Any, value: Value) -> bool:
    if not isinstance(array, np.ndarray) or (value.dtype and str(array.dtype) != value.dtype):
        return False
    shape = value.shape if value.shape is not None else (None,) * array.ndim
    if len(shape) != array.ndim:
        return False
    return all(not isinstance(dim, int) or dim == size for dim, size in zip(shape, array.shape, strict=True))
