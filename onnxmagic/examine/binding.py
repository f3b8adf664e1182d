"""A batch of the user's data as a call of the PyTorch model and as inputs of the file, the same tensors for both.

The file's inputs decide what belongs to the call: a training set brings its labels along, and neither the model in
production nor the file wants them. What is left out is told, because a person may have meant it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch  # noqa: TID253  # this file is imported when there is a PyTorch model
from torch.utils import _pytree as pytree  # noqa: TID253  # as above

from onnxmagic.check.wording import code, enumerated, listed
from onnxmagic.errors import UsageMistake
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.example import Example, Leaf, human_path, identifier
from onnxmagic.graph.facts import Graph, Value

__all__ = ["Bound", "bind", "each_batch"]


@dataclass(frozen=True, slots=True)
class Bound:
    """The call, its tensors by the names of the file's inputs, and what of the batch belongs to neither.

    ``sizes`` are those of the axes that the file declares dynamic.
    """

    example: Example
    feeds: dict[str, Any]
    sizes: dict[str, int]
    dropped: str = ""


def each_batch(data: Any, graph: Graph, model: torch.nn.Module) -> Iterator[Any]:
    """Yield the batches of `data`; an array, or a dict by the names of inputs, is one batch.

    Raises
    ------
    UsageMistake
        It holds no batches.
    """
    names = {value.name for value in graph.inputs} | set(inspect.signature(model.forward).parameters)
    if _is_array(data) or (isinstance(data, Mapping) and set(data) & names):
        yield data
    elif isinstance(data, Iterable):
        yield from data
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        yield from (data[index] for index in range(len(data)))
    else:
        raise UsageMistake(f"data is a {type(data).__name__}; pass batches: a DataLoader, a list of tuples or dicts.")


def bind(batch: Any, graph: Graph, model: torch.nn.Module) -> Bound:
    """Return `batch` as a call of `model` and as inputs of the file.

    A dict goes by names, a tuple or list by position, a lone tensor or array is the one input.

    Raises
    ------
    UsageMistake
        It does not fit the model, or the file.
    """
    args, kwargs, dropped = _call(batch, graph, model)
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    args, kwargs = pytree.tree_map(lambda value: _tensor(value, device), (args, kwargs))
    try:
        example = Example.make(model, args, kwargs)
    except UsageMistake as error:
        raise UsageMistake(f"A batch of data does not fit the model. {error}") from None
    example = _typed(example, graph)
    feeds = _feeds(example, graph)
    return Bound(example, feeds, _sizes(feeds, graph), dropped)


def _call(batch: Any, graph: Graph, model: torch.nn.Module) -> tuple[tuple[Any, ...], dict[str, Any], str]:
    if isinstance(batch, Mapping):
        return _by_names(dict(batch), graph, model)
    if _is_array(batch):
        return (batch,), {}, ""
    if not isinstance(batch, (tuple, list)):
        raise UsageMistake(f"A batch of data is a {type(batch).__name__}; pass a tensor, a tuple or a dict of tensors.")
    parts: list[Any] = list(batch)
    taken = next((n for n in range(len(parts) + 1) if _tensors_in(parts[:n]) == len(graph.inputs)), None)
    if taken is None:
        inputs = enumerated([code(value.name) for value in graph.inputs])
        raise UsageMistake(
            f"A batch of data has {_tensors_in(parts)} tensors; the file has {len(graph.inputs)} inputs, {inputs}. "
            "Pass tuples with these first, or dicts by forward's names."
        )
    return tuple(parts[:taken]), {}, _rest(len(parts) - taken)


def _by_names(
    batch: dict[str, Any], graph: Graph, model: torch.nn.Module
) -> tuple[tuple[Any, ...], dict[str, Any], str]:
    parameters = inspect.signature(model.forward).parameters
    inputs = [value.name for value in graph.inputs]
    if not set(batch) & set(parameters) and set(inputs) <= set(batch):  # named like the file's inputs alone
        return tuple(batch[name] for name in inputs), {}, _left_out(name for name in batch if name not in inputs)
    open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    kept = {name: value for name, value in batch.items() if _belongs(name, value, inputs, parameters.get(name))}
    if not kept and open_ended:
        kept = batch
    return (), kept, _left_out(name for name in batch if name not in kept)


def _belongs(name: str, value: Any, inputs: Sequence[str], parameter: inspect.Parameter | None) -> bool:
    """Tell whether an argument is one of the file's inputs, or forward cannot do without it."""
    keyed, _ = pytree.tree_flatten_with_path(value)
    if {identifier(human_path(name, keys)) for keys, _ in keyed} & set(inputs):
        return True
    return parameter is not None and (parameter.default is inspect.Parameter.empty or not _tensors_in([value]))


def _left_out(names: Iterable[str]) -> str:
    left = list(names)
    return f"{listed(left)} of every batch {'were' if len(left) > 1 else 'was'} left out" if left else ""


def _rest(count: int) -> str:
    if count == 0:
        return ""
    if count == 1:
        return "the last part of every batch was left out, as a label is"
    return f"the last {count} parts of every batch were left out, as labels are"


def _tensors_in(parts: list[Any]) -> int:
    return sum(_is_array(leaf) for leaf in pytree.tree_leaves(parts))


def _is_array(value: Any) -> bool:
    return isinstance(value, (torch.Tensor, np.ndarray))


def _tensor(value: Any, device: torch.device) -> Any:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _typed(example: Example, graph: Graph) -> Example:
    """Return `example` with its numbers as the file's inputs are typed, where only the width differs."""
    tensors: list[torch.Tensor] = []
    for leaf, value in _pairs(example, graph):
        wanted = getattr(torch, value.dtype, None) if value is not None else None
        tensor: torch.Tensor = leaf.value
        same_kind = isinstance(wanted, torch.dtype) and wanted.is_floating_point == tensor.is_floating_point()
        plain = wanted is not torch.bool and tensor.dtype is not torch.bool
        tensors.append(tensor.to(wanted) if isinstance(wanted, torch.dtype) and same_kind and plain else tensor)
    return example.with_tensors(tensors)


def _pairs(example: Example, graph: Graph) -> list[tuple[Leaf, Value | None]]:
    """Return the tensors with the inputs that they are: by name, or by position where the names are a stranger's."""
    by_name = {value.name: value for value in graph.inputs}
    if set(by_name) <= {leaf.name for leaf in example.tensors}:
        return [(leaf, by_name.get(leaf.name or "")) for leaf in example.tensors]
    if len(example.tensors) != len(graph.inputs):
        have, want = listed(leaf.path for leaf in example.tensors), listed(by_name)
        raise UsageMistake(f"The call has the tensors {have}, the file the inputs {want}; pass dicts by these names.")
    return list(zip(example.tensors, graph.inputs, strict=True))


def _feeds(example: Example, graph: Graph) -> dict[str, Any]:
    return {value.name: to_numpy(leaf.value) for leaf, value in _pairs(example, graph) if value is not None}


def _sizes(feeds: Mapping[str, Any], graph: Graph) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for value in graph.inputs:
        shape = feeds[value.name].shape
        if value.shape is not None and len(value.shape) != len(shape):
            raise UsageMistake(
                f"{code(value.name)} has {len(shape)} axes in data and {len(value.shape)} in the file; pass whole "
                "batches, as a DataLoader gives them."
            )
        for dim, size in zip(value.shape or (), shape, strict=False):
            if isinstance(dim, str):
                sizes.setdefault(dim, size)
    return sizes
