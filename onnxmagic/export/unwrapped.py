"""The module that is meant, out of what was handed over.

``torch.compile`` and ``DataParallel`` put a wrapper around a module, which would leave its name on every weight. What
is no module at all gets a message that fits it: a class, a function, a state_dict each have another way out.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from onnxmagic.errors import UsageMistake

__all__ = ["unwrapped"]

MOST_WRAPPERS = 8
"""Wrappers in wrappers that are taken off; more would be a module that pretends to hold itself."""


def unwrapped(model: Any) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Return the module inside wrappers that only change how it is run, and the wrappers' classes, outermost first.

    Raises
    ------
    UsageMistake
        It is no module; with what to do instead.
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise UsageMistake("This is a ScriptModule; export the module it was scripted or traced from.")
    wrappers: list[str] = []
    for _ in range(MOST_WRAPPERS):
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            inner = model.module
        if not isinstance(inner, torch.nn.Module):
            break
        wrappers.append(type(model).__name__)
        model = inner
    if isinstance(model, torch.nn.Module):
        return model, tuple(wrappers)
    raise UsageMistake(_no_module(model))


def _no_module(thing: Any) -> str:
    if inspect.isclass(thing):
        return f"{thing.__name__} is a class; make a module of it first: {thing.__name__}(...)."
    if isinstance(thing, Mapping):
        return "This is a dict, perhaps a state_dict; load it into a module and export that: model.load_state_dict(d)."
    if callable(thing):
        name = getattr(thing, "__name__", type(thing).__name__)
        return f"{name} is a function, not a torch.nn.Module; put it into the forward of a module."
    return (
        f"This is of type {type(thing).__name__}, not a torch.nn.Module; pass the model and the arguments: model, (x,)."
    )
