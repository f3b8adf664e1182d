"""A model in memory, made comparable: exported as the other one was, so that only the model itself can differ.

A file says at which opset it is and which axes vary; were the model exported by our own defaults instead, the diff
would tell of those and not of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onnxmagic.errors import UsageMistake
from onnxmagic.examine.subject import is_module
from onnxmagic.export import export
from onnxmagic.export.request import HIGHEST_OPSET, LOWEST_OPSET
from onnxmagic.export.result import Export
from onnxmagic.graph.facts import Graph

__all__ = ["ModelCall", "as_call", "exported", "is_call"]


@dataclass(frozen=True)
class ModelCall:
    """A model with the example that it is called with."""

    model: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


def is_call(target: Any) -> bool:
    """Return whether `target` is a model with its example: ``(model, (x,))``, ``(model, (x,), {"mask": m})``."""
    return isinstance(target, (tuple, list)) and len(target) > 0 and is_module(target[0])  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]  # the user's own


def as_call(target: Sequence[Any]) -> ModelCall:
    """Return the call that ``(model, args, kwargs)`` stands for.

    Raises
    ------
    UsageMistake
        The example is missing, or is no tuple with a dict behind it.
    """
    model, *rest = target
    args, kwargs = (rest[0] if rest else None), (rest[1] if len(rest) > 1 else {})
    if not isinstance(args, (tuple, list)) or not isinstance(kwargs, Mapping) or len(rest) > 2:
        raise UsageMistake('A model is passed with its example, (model, (x,)) or (model, (x,), {"mask": m}).')
    return ModelCall(model, args, kwargs)  # pyright: ignore[reportUnknownArgumentType]  # the user's own


def exported(
    call: ModelCall,
    name: str | None,
    like: Graph | None,
    cells: Callable[[str], int | None] | None,
    progress: Callable[[str], None] | None,
) -> Export:
    """Return the model exported into memory, without a proof; where that is possible as `like` was.

    Raises
    ------
    UsageMistake
        The example does not fit the model.
    ExportError
    """
    common: dict[str, Any] = {"prove": False, "name": name, "cells": cells, "progress": progress}
    wanted = _as(like) if like is not None else {}
    if "dynamic" in wanted:
        try:
            return export(call.model, call.args, call.kwargs, **wanted, **common)
        except UsageMistake:  # an input of the other is called like no argument of the model
            del wanted["dynamic"]
    return export(call.model, call.args, call.kwargs, **wanted, **common)


def _as(graph: Graph) -> dict[str, Any]:
    """Return the keywords of ``export`` that make a file like `graph`."""
    wanted: dict[str, Any] = {}
    if LOWEST_OPSET <= graph.opset <= HIGHEST_OPSET:
        wanted["opset"] = graph.opset
    axes = {
        value.name: {index: dim for index, dim in enumerate(value.shape or ()) if _is_name(dim)}
        for value in graph.inputs
    }
    axes = {name: named for name, named in axes.items() if named}
    if axes:
        wanted["dynamic"] = axes
    elif all(value.shape is not None and all(isinstance(dim, int) for dim in value.shape) for value in graph.inputs):
        wanted["static"] = True
    return wanted


def _is_name(dim: object) -> bool:
    return isinstance(dim, str) and dim.isidentifier()
