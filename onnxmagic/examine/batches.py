"""The user's own data as inputs of a file: a DataLoader, a list of tuples or dicts, an array.

A batch that is a dict goes by names, a tuple by position; what is more than the file has inputs, such as the labels of
a training set, is left out.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from onnxmagic.check.wording import code, enumerated, listed
from onnxmagic.errors import UsageMistake
from onnxmagic.graph.facts import Graph, Value

__all__ = ["feeds_of"]


def feeds_of(data: Any, graph: Graph, samples: int) -> list[dict[str, Any]]:
    """Return up to `samples` batches of `data` as arrays by input name.

    Raises
    ------
    UsageMistake
        There is no batch, or one does not fit the inputs of the file.
    """
    with _random_state():
        feeds = [_feeds(batch, graph.inputs) for batch in islice(_batches(data, graph), samples)]
    if not feeds:
        raise UsageMistake("data is empty; pass at least one batch.")
    return feeds


def _random_state() -> contextlib.AbstractContextManager[None]:
    """Keep a shuffling DataLoader from moving the notebook's random state; without torch there is none."""
    if "torch" not in sys.modules:
        return contextlib.nullcontext()
    from onnxmagic.export.process import random_state

    return random_state()


def _batches(data: Any, graph: Graph) -> Iterator[Any]:
    """Yield the batches; an array, or a dict of arrays by the inputs' names, is one batch."""
    names = {value.name for value in graph.inputs}
    if _is_array(data) or (isinstance(data, Mapping) and names <= set(data)):
        yield data
    elif isinstance(data, Iterable):
        yield from data
    else:
        yield from (data[index] for index in range(len(data)))


def _feeds(batch: Any, inputs: Sequence[Value]) -> dict[str, Any]:
    named: dict[str, Any]
    if isinstance(batch, Mapping):
        absent = [value.name for value in inputs if value.name not in batch]
        if absent:
            have = listed(batch, most=8)
            raise UsageMistake(f"A batch of data has {have}; the file wants {listed(absent)} too. Name them so.")
        named = {value.name: batch[value.name] for value in inputs}
    else:
        values = [batch] if _is_array(batch) else list(batch)
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


def _is_array(thing: Any) -> bool:
    return isinstance(thing, np.ndarray) or (hasattr(thing, "detach") and hasattr(thing, "shape"))
