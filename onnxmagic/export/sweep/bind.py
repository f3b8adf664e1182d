"""A batch of the user's data as a call of the PyTorch model and as inputs of the file, the same tensors for both.

The file's inputs decide what belongs to the call: a training set brings its labels along, and neither the model in
production nor the file wants them. What is left out is told, because a person may have meant it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from onnxmagic.check.wording import code, enumerated, listed
from onnxmagic.errors import UsageMistake
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.example import Example, graph_name, human_path
from onnxmagic.export.sweep.source import is_array
from onnxmagic.graph.facts import Graph, Value

__all__ = ["Binder", "Bound"]


@dataclass(frozen=True, slots=True)
class Bound:
    """The call, its tensors by the names of the file's inputs, and what of the batch belongs to neither.

    ``names`` says for each tensor of the call which input of the file it is, None for one that was baked in; ``sizes``
    are those of the axes that the file declares dynamic.
    """

    example: Example
    names: tuple[str | None, ...]
    feeds: dict[str, Any]
    sizes: dict[str, int]
    dropped: str = ""


class Binder:
    """Binds batch after batch; what one has shown of the call is not asked again for the next.

    Parameters
    ----------
    graph : Graph
        The file.
    model : torch.nn.Module
    """

    def __init__(self, graph: Graph, model: torch.nn.Module) -> None:
        self._graph = graph
        self._model = model
        self._parameters = inspect.signature(model.forward).parameters
        self._inputs = [value.name for value in graph.inputs]
        self._order = {name: position for position, name in enumerate(self._parameters)}
        self._device = next((p.device for p in model.parameters()), torch.device("cpu"))
        self._last: Example | None = None

    @property
    def names(self) -> set[str]:
        """The names by which a dict of arrays is one batch."""
        return {*self._inputs, *self._parameters}

    def bind(self, batch: Any) -> Bound:
        """Return `batch` as a call of the model and as inputs of the file.

        A dict goes by names, a tuple or list by position, a lone tensor or array is the one input.

        Raises
        ------
        UsageMistake
            It does not fit the model, or the file.
        """
        args, kwargs, dropped = self._call(batch)
        kwargs = dict(sorted(kwargs.items(), key=lambda item: self._order.get(item[0], len(self._order))))
        leaves, structure = pytree.tree_flatten((args, kwargs))
        return self.bound(self._example([self._tensor(leaf) for leaf in leaves], structure), dropped)

    def bound(self, example: Example, dropped: str = "") -> Bound:
        """Return the call `example` with its tensors as the file's inputs are typed.

        Raises
        ------
        UsageMistake
            It does not fit the file.
        """
        values = _values(example, self._graph)
        tensors = [_typed(leaf.value, value) for leaf, value in zip(example.tensors, values, strict=True)]
        names = tuple(value.name if value is not None else None for value in values)
        feeds = {name: to_numpy(tensor) for name, tensor in zip(names, tensors, strict=True) if name is not None}
        if any(typed is not leaf.value for typed, leaf in zip(tensors, example.tensors, strict=True)):
            example = example.with_tensors(tensors)
        return Bound(example, names, feeds, _sizes(feeds, self._graph), dropped)

    def _example(self, leaves: list[Any], structure: pytree.TreeSpec) -> Example:
        if self._last is not None and structure == self._last.structure and _same_kinds(leaves, self._last):
            return self._last.with_tensors([leaf for leaf in leaves if isinstance(leaf, torch.Tensor)])
        args, kwargs = pytree.tree_unflatten(leaves, structure)
        try:
            self._last = Example.make(self._model, args, kwargs)
        except UsageMistake as error:
            raise UsageMistake(f"A batch of data does not fit the model. {error}") from None
        return self._last

    def _call(self, batch: Any) -> tuple[tuple[Any, ...], dict[str, Any], str]:
        if isinstance(batch, Mapping):
            return self._by_names(dict(batch))
        if is_array(batch):
            return (batch,), {}, ""
        if not isinstance(batch, (tuple, list)):
            kind = type(batch).__name__
            raise UsageMistake(f"A batch of data is a {kind}; pass a tensor, a tuple or a dict of tensors.")
        parts: list[Any] = list(batch)
        wanted = len(self._inputs)
        taken = next((n for n in range(len(parts) + 1) if _tensors_in(parts[:n]) == wanted), None)
        if taken is None:
            raise UsageMistake(
                f"A batch of data has {_tensors_in(parts)} tensors; the file has {wanted} inputs, "
                f"{enumerated([code(name) for name in self._inputs])}. "
                "Pass tuples with these first, or dicts by forward's names."
            )
        return tuple(parts[:taken]), {}, _rest(len(parts) - taken)

    def _by_names(self, batch: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any], str]:
        inputs = self._inputs
        if not set(batch) & set(self._parameters) and set(inputs) <= set(batch):  # named like the file's inputs alone
            return tuple(batch[name] for name in inputs), {}, _left_out(name for name in batch if name not in inputs)
        open_ended = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in self._parameters.values())
        kept = {name: value for name, value in batch.items() if self._belongs(name, value)}
        if not kept and open_ended:
            kept = batch
        return (), kept, _left_out(name for name in batch if name not in kept)

    def _belongs(self, name: str, value: Any) -> bool:
        """Tell whether an argument is one of the file's inputs, or forward cannot do without it."""
        parameter = self._parameters.get(name)
        keyed, _ = pytree.tree_flatten_with_path(value)
        if {graph_name(human_path(name, keys)) for keys, _ in keyed} & set(self._inputs):
            return True
        return parameter is not None and (parameter.default is inspect.Parameter.empty or not _tensors_in([value]))

    def _tensor(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            # What is read-only, as a memory map is, is copied: PyTorch would warn of it.
            value = torch.from_numpy(np.require(value, requirements=("C", "W")))
        return value.to(self._device) if isinstance(value, torch.Tensor) else value


def _same_kinds(leaves: Sequence[Any], example: Example) -> bool:
    """Tell whether `leaves` are tensors where the leaves of `example` are, and the same values where they are not."""
    return len(leaves) == len(example.leaves) and all(
        isinstance(now, torch.Tensor)
        if before.name is not None
        else type(now) is type(before.value) and now == before.value
        for now, before in zip(leaves, example.leaves, strict=True)
    )


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
    return sum(isinstance(leaf, (torch.Tensor, np.ndarray)) for leaf in pytree.tree_leaves(parts))


def _typed(tensor: torch.Tensor, value: Value | None) -> torch.Tensor:
    """Return `tensor` as the file's input is typed, where only the width of its numbers differs."""
    wanted = getattr(torch, value.dtype, None) if value is not None else None
    if not isinstance(wanted, torch.dtype) or wanted is tensor.dtype:
        return tensor
    same_kind = wanted.is_floating_point == tensor.is_floating_point()
    plain = wanted is not torch.bool and tensor.dtype is not torch.bool
    return tensor.to(wanted) if same_kind and plain else tensor


def _values(example: Example, graph: Graph) -> list[Value | None]:
    """Return the inputs that the tensors are: by name, or by position where the names are a stranger's."""
    by_name = {value.name: value for value in graph.inputs}
    if set(by_name) <= {leaf.name for leaf in example.tensors}:
        return [by_name.get(leaf.name or "") for leaf in example.tensors]
    if len(example.tensors) != len(graph.inputs):
        have, want = listed(leaf.path for leaf in example.tensors), listed(by_name)
        raise UsageMistake(f"The call has the tensors {have}, the file the inputs {want}; pass dicts by these names.")
    return list(graph.inputs)


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
