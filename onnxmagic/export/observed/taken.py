"""A recorded call, taken apart: its leaves by the path a person would write.

Calls are compared leaf by leaf, so one argument has to have one path in all of them: ``model(x, mask)`` and
``model(x, mask=mask)`` are the same call, and ``model(x)`` is the same as ``model(x, None)`` where that is the default.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from onnxmagic.errors import UsageMistake
from onnxmagic.export.example import Example, call_path
from onnxmagic.record.calls import RecordedCall
from onnxmagic.record.copies import Uncopied

__all__ = ["Taken", "root", "take_apart"]

PLAIN = (int, float, complex, bool, str, type(None))
"""Defaults that may stand in for an argument that was not given."""

NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Taken:
    """A call and its leaves.

    ``leaves`` maps paths to values, in the order in which an ``Example`` of the call has them; ``written`` are the
    keywords in the order of the call, ``structure`` what puts the leaves together again.
    """

    call: RecordedCall
    leaves: Mapping[str, Any]
    written: tuple[str, ...]
    structure: pytree.TreeSpec

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every tensor, by path."""
        return {path: tuple(value.shape) for path, value in self.tensors.items()}

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The leaves that are tensors."""
        return {path: value for path, value in self.leaves.items() if isinstance(value, torch.Tensor)}

    def with_leaves(self, leaves: Mapping[str, Any]) -> Taken:
        """Return this call with other values at some of its paths."""
        return replace(self, leaves={**self.leaves, **{path: leaves[path] for path in self.leaves if path in leaves}})

    def example(self, model: torch.nn.Module, names: Sequence[str] = ()) -> Example:
        """Return the call as an example; its leaves pair with ``leaves``.

        Raises
        ------
        UsageMistake
            Its arguments cannot go into a graph.
        """
        args, kwargs = pytree.tree_unflatten(list(self.leaves.values()), self.structure)
        return Example.make(model, args, {name: kwargs[name] for name in self.written}, names)


def take_apart(model: torch.nn.Module, calls: Sequence[RecordedCall]) -> list[Taken]:
    """Return the calls taken apart; what some gave and others left to the default is given in all.

    Raises
    ------
    UsageMistake
        A call holds something that could not be recorded.
    """
    signature = inspect.signature(model.forward)
    roots = _roots(signature)
    given = {name for call in calls for name in (*map(roots, range(len(call.args))), *call.kwargs)}
    return [_taken(call, _with_defaults(call, signature, given, roots), signature) for call in calls]


def root(path: str) -> str:
    """Return the argument that a path leads into: ``batch`` of ``batch['mask']``."""
    return path.partition("[")[0].partition(".")[0]


def _roots(signature: inspect.Signature) -> Callable[[int], str]:
    """Return what names a positional argument."""
    return lambda position: call_path((pytree.SequenceKey(0), pytree.SequenceKey(position)), signature)


def _with_defaults(
    call: RecordedCall, signature: inspect.Signature, given: set[str], roots: Callable[[int], str]
) -> dict[str, Any]:
    own = {*map(roots, range(len(call.args))), *call.kwargs}
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if name in given - own and parameter.kind in NAMED and isinstance(parameter.default, PLAIN)
    }
    return {**call.kwargs, **defaults}


def _taken(call: RecordedCall, kwargs: dict[str, Any], signature: inspect.Signature) -> Taken:
    order = {name: n for n, name in enumerate(signature.parameters)}
    written = tuple(kwargs)
    kwargs = {name: kwargs[name] for name in sorted(kwargs, key=lambda name: order.get(name, len(order)))}
    keyed, structure = pytree.tree_flatten_with_path((tuple(call.args), kwargs))
    leaves = {call_path(keys, signature): value for keys, value in keyed}
    _check_recorded(call, leaves)
    return Taken(call, leaves, written, structure)


def _check_recorded(call: RecordedCall, leaves: Mapping[str, Any]) -> None:
    for path, value in leaves.items():
        if isinstance(value, Uncopied):
            raise UsageMistake(
                f"`{path}` of call {call.number} is a {value.kind}, which could not be copied while it was recorded. "
                f"Pass the tensors in it themselves, for example as a tuple or dict."
            )
