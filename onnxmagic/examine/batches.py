"""The user's own data as inputs of a file: a DataLoader, a list of tuples or dicts, an array.

A batch that is a dict goes by names, a tuple by position; what is more than the file has inputs, such as the labels of
a training set, is left out.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from onnxmagic.check.wording import code, enumerated, listed
from onnxmagic.errors import UsageMistake
from onnxmagic.export.sweep.rows import Rows
from onnxmagic.export.sweep.source import each_batch, is_array
from onnxmagic.graph.facts import Graph, Value

__all__ = ["feeds_of"]


def feeds_of(data: Any, graph: Graph, samples: int | None) -> Iterator[dict[str, Any]]:
    """Yield up to `samples` rows of `data`, None for all, in batches: arrays by input name, each when it is wanted.

    Raises
    ------
    UsageMistake
        There is no batch, or one does not fit the inputs of the file.
    """
    with _random_state():
        names = {value.name for value in graph.inputs}
        batches = (_feeds(batch, graph.inputs) for batch in each_batch(data, graph, names))
        empty = True
        for feeds in _enough(batches, graph, samples):
            empty = False
            yield feeds
    if empty:
        raise UsageMistake("data is empty; pass at least one batch.")


def _random_state() -> contextlib.AbstractContextManager[None]:
    """Keep a shuffling DataLoader from moving the notebook's random state; without torch there is none."""
    if "torch" not in sys.modules:
        return contextlib.nullcontext()
    from onnxmagic.export.process import random_state

    return random_state()


def _enough(feeds: Iterable[dict[str, Any]], graph: Graph, samples: int | None) -> Iterator[dict[str, Any]]:
    """Yield the batches until there are `samples` rows; the last is cut where the file takes another number."""
    rows, left = Rows.of(graph), samples
    for batch in feeds:
        size = rows.count(batch)
        yield batch if left is None or size <= left else rows.fewer(batch, left)
        left = None if left is None else left - size
        if left is not None and left <= 0:
            return


def _feeds(batch: Any, inputs: Sequence[Value]) -> dict[str, Any]:
    named: dict[str, Any]
    if isinstance(batch, Mapping):
        absent = [value.name for value in inputs if value.name not in batch]
        if absent:
            have = listed(batch, most=8)
            raise UsageMistake(f"A batch of data has {have}; the file wants {listed(absent)} too. Name them so.")
        named = {value.name: batch[value.name] for value in inputs}
    else:
        values = [batch] if is_array(batch) else list(batch)
        if len(values) < len(inputs):
            raise UsageMistake(
                f"A batch of data has {len(values)} parts, and the file {len(inputs)} inputs: "
                f"{enumerated([code(value.name) for value in inputs])}. Pass tuples of as many, or dicts."
            )
        named = {value.name: part for value, part in zip(inputs, values, strict=False)}
    return {value.name: _array(named[value.name], value) for value in inputs}


def _array(given: Any, value: Value) -> Any:
    tensor = given.detach().cpu() if hasattr(given, "detach") else given
    try:
        array = np.asarray(tensor)
        wanted = np.dtype(value.dtype)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageMistake(f"data for {code(value.name)} cannot be made an array of {value.dtype}: {error}") from None
    if array.dtype == object:
        raise UsageMistake(f"data for {code(value.name)} is no array: {type(given).__name__}.")
    if value.shape is not None and array.ndim != len(value.shape):
        raise UsageMistake(
            f"data for {code(value.name)} has {array.ndim} axes, the file wants {len(value.shape)}: "
            "pass whole batches, as a DataLoader gives them."
        )
    # Numbers that Python or numpy made have their widest type; the same numbers are meant.
    return array if array.dtype == wanted else array.astype(wanted)
