"""One batch of the user's data as the example: from a DataLoader, a dataset, any iterable, or a batch itself.

Taking it moves no random state; of an iterator it takes one element, and there is no way to give that back. Which part
of the batch is which argument is ``inputs``'s.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils.data import Dataset, IterableDataset, default_collate

from onnxmagic.check.wording import code, enumerated, listed, sentence
from onnxmagic.errors import UsageMistake
from onnxmagic.export.inputs import Inputs, arguments, holds_tensor, inputs_of, is_array, kind_of, positions, wanted
from onnxmagic.export.process import random_state
from onnxmagic.export.unwrapped import unwrapped

__all__ = ["example_like"]

ITEMS = 2
"""Items of a dataset that are made a batch: one alone has an axis of size 1, which tells the exporter nothing."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """One batch, and the words for where it came from."""

    value: Any
    origin: str


def example_like(model: torch.nn.Module, source: Any) -> tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]:
    """Return the arguments that one batch of `source` gives `model`, and what is to be said of them, a sentence each.

    Parameters
    ----------
    model : torch.nn.Module
    source : DataLoader, Dataset, iterable, or a batch
        A batch is a tensor, an array, a tuple or list that begins with one, or a dict with names of forward's
        parameters. Items of a dataset are made a batch.

    Raises
    ------
    UsageMistake
        It holds no batch, or one that does not fit. What the user's own data set raises is passed on.
    """
    inputs = inputs_of(model)
    with random_state(), _generators(source):
        batch = _one_batch(source, inputs)
    args, kwargs, said = arguments(batch.value, inputs, type(unwrapped(model)[0]).__name__)
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    args, kwargs = pytree.tree_map(lambda value: _tensor(value, device), (args, kwargs))
    named = inputs.named(args, kwargs)
    held = enumerated([f"{code(name)} {kind_of(value)}" for name, value in named.items()])
    return args, kwargs, (f"The example is {batch.origin}: {held}.", *said)


@contextlib.contextmanager
def _generators(source: Any) -> Generator[None]:
    """Give a loader's own random generators back as they were; torch's global one is not among them."""
    sampler = getattr(source, "sampler", None)
    holders = (source, sampler, getattr(getattr(source, "batch_sampler", None), "sampler", None))
    held = [getattr(holder, "generator", None) for holder in holders]
    states = [(each, each.get_state()) for each in held if isinstance(each, torch.Generator)]
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)


def _one_batch(source: Any, inputs: Inputs) -> _Batch:
    kind = type(source).__name__
    if _is_batch(source, inputs):
        return _Batch(source, "the batch that was given")
    if isinstance(source, Mapping):
        takes = listed([p.name for p in inputs.parameters], most=8)
        raise UsageMistake(
            f"like is a dict of {listed(source, most=8)}, and the model takes {takes}: name its tensors so, or pass "
            "the part of it that holds batches."
        )
    if isinstance(source, IterableDataset):
        return _stacked(_first(source, ITEMS), kind, inputs)
    if isinstance(source, Dataset) or _is_sequence(source):
        # Not by iteration: a dataset need not raise IndexError at its end.
        length: int = len(source) if hasattr(type(source), "__len__") else 1  # type: ignore[arg-type]  # torch's class promises none
        return _stacked([source[index] for index in range(min(ITEMS, length))], kind, inputs)
    if isinstance(source, (str, bytes)) or not (isinstance(source, Iterable) or hasattr(source, "__getitem__")):
        raise UsageMistake(f"like is a {kind}; pass a DataLoader, a dataset, any iterable of batches, or one batch.")
    first = _first(source, 1)
    if not first:
        spent = " or has been used up; make it anew" if hasattr(source, "__next__") else ""
        raise UsageMistake(f"like is a {kind} that is empty{spent}: there is no batch in it.")
    return _Batch(first[0], f"the first batch of the {kind}" if kind != "DataLoader" else "one batch of the DataLoader")


def _is_batch(source: Any, inputs: Inputs) -> bool:
    if isinstance(source, Mapping):
        return any(p.name in source for p in inputs.parameters) or (inputs.more_names and holds_tensor(source.values()))
    if isinstance(source, (tuple, list)):
        return bool(source) and is_array(source[0])
    return is_array(source)


def _is_sequence(source: Any) -> bool:
    """Return whether `source` gives its items by number, as a dataset of another library does; a list has batches."""
    return not isinstance(source, (tuple, list, str, bytes)) and all(
        hasattr(type(source), name) for name in ("__getitem__", "__len__")
    )


def _first(source: Any, count: int) -> list[Any]:
    return list(islice(iter(source), count))


def _stacked(items: list[Any], kind: str, inputs: Inputs) -> _Batch:
    """Return items of a dataset as a batch, of the parts that the model takes: the others may not be stackable."""
    if not items:
        raise UsageMistake(f"like is a {kind} that is empty: there is no item in it.")
    parts = [_numbers(_stackable(item, inputs)) for item in items]
    try:
        batch, count = default_collate(parts), len(parts)
    except (RuntimeError, TypeError):  # of different sizes, or with a None in one of them
        batch, count = _alone(parts[0], kind), 1
    first = "the first item" if count == 1 else f"the first {count} items"
    origin = f"{first} of the {kind}, stacked to a batch" if count > 1 else f"{first} of the {kind} as a batch of 1"
    return _Batch(_with_rest(batch, items[0]), origin)


def _alone(part: Any, kind: str) -> Any:
    try:
        return default_collate([part])
    except (RuntimeError, TypeError) as error:
        raise UsageMistake(
            f"An item of the {kind} cannot be made a batch: {sentence(str(error))} Pass a DataLoader of it."
        ) from None


def _stackable(item: Any, inputs: Inputs) -> Any:
    if isinstance(item, Mapping):
        return {name: item[name] for name in wanted(item, inputs)}
    if isinstance(item, (tuple, list)):
        return tuple(item[: positions(item, inputs)])
    return item


def _with_rest(batch: Any, item: Any) -> Any:
    """Return `batch` with the parts of `item` that were not stacked, for them to be told as left out."""
    if isinstance(item, Mapping):
        return {**dict.fromkeys(item), **batch}
    if isinstance(item, (tuple, list)):
        return [*batch, *item[len(batch) :]]
    return batch


def _numbers(item: Any) -> Any:
    """Return `item` with lists of numbers, as a tokenizer gives them, as tensors: they are one value each."""
    if isinstance(item, dict):
        return {name: _numbers_alone(value) for name, value in item.items()}
    if isinstance(item, tuple):
        return tuple(_numbers_alone(value) for value in item)
    return _numbers_alone(item)


def _numbers_alone(value: Any) -> Any:
    if isinstance(value, list):
        try:
            return torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError):  # no numbers, or not of one length
            return value
    return value


def _tensor(value: Any, device: torch.device) -> Any:
    if isinstance(value, np.ndarray):
        try:
            value = torch.tensor(value)  # a copy: the array may be read-only, or a piece of a file
        except TypeError as error:
            raise UsageMistake(f"An array of {value.dtype} cannot be made a tensor: {error}.") from None
    return value.to(device) if isinstance(value, torch.Tensor) else value
