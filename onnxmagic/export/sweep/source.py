"""Where batches come from: whatever a person has that gives one after another.

Nothing is taken before it is needed, so a generator goes on where the sweep stopped. What is one long array is cut
here: all of it at once would take the memory that a sweep promises not to take. No torch is needed for any of this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import numpy as np

from onnxmagic.errors import UsageMistake
from onnxmagic.graph.facts import Graph

__all__ = ["PIECE", "each_batch", "is_array", "known_total"]

PIECE: Final = 32
"""Rows of a batch that is cut from a long array."""


def each_batch(data: Any, graph: Graph, names: Collection[str]) -> Iterator[Any]:
    """Yield the batches of `data`; an array, or a dict of arrays by `names`, is one, or several when it is long.

    Raises
    ------
    UsageMistake
        It holds no batches.
    """
    if is_array(data) or (isinstance(data, Mapping) and set(data) & set(names)):
        yield from _cut(data, graph)
    elif isinstance(data, Iterable):
        yield from data
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        yield from (data[index] for index in range(len(data)))
    else:
        raise UsageMistake(f"data is a {type(data).__name__}; pass batches: a DataLoader, a list of tuples or dicts.")


def is_array(value: Any) -> bool:
    """Tell whether `value` is an array of numpy or a tensor."""
    return isinstance(value, np.ndarray) or (hasattr(value, "detach") and hasattr(value, "shape"))


def known_total(data: Any) -> int | None:
    """Return the rows of `data` where they can be known without reading it."""
    if is_array(data):
        return len(data) if data.ndim else None
    # A DataLoader over a dataset that knows its length; one over a stream raises, and so may a sampler of the user's.
    with suppress(Exception):
        return min(len(data.sampler), len(data) * int(data.batch_size))
    return None


def _cut(data: Any, graph: Graph) -> Iterator[Any]:
    length = _length(data, graph)
    if length <= PIECE:
        yield data
        return
    for start in range(0, length, PIECE):
        piece = slice(start, start + PIECE)
        if isinstance(data, Mapping):
            yield {name: value[piece] if is_array(value) else value for name, value in data.items()}
        else:
            yield data[piece]


def _length(data: Any, graph: Graph) -> int:
    """Return the rows along which `data` may be cut: all inputs have to call their first axis by one dynamic name."""
    names = {value.shape[0] if value.shape else None for value in graph.inputs}
    if len(names) != 1 or not isinstance(next(iter(names)), str):
        return 0
    arrays = [value for value in data.values() if is_array(value)] if isinstance(data, Mapping) else [data]
    lengths = {len(array) if array.ndim else 0 for array in arrays}
    return lengths.pop() if len(lengths) == 1 else 0
