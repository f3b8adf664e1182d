"""Inputs found in the notebook: a tensor that is called as a parameter of ``forward`` is taken for it.

Names are all there is to go by, so only what is sure is taken: tensors, by their very names. Everything else is told,
with what could be meant: a guess would export a model on somebody else's numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onnxmagic.errors import UsageMistake
from onnxmagic.modules import call_of

if TYPE_CHECKING:
    import torch

__all__ = ["Found", "find_inputs"]

MOST = 3
"""How many tensors a message offers: more would be a list of the notebook."""


@dataclass(frozen=True, slots=True)
class Found:
    """The arguments of a call that nobody wrote; ``taken`` says of each where it came from."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    taken: tuple[str, ...] = ()


def find_inputs(model: torch.nn.Module, name: str, namespace: Mapping[str, Any]) -> Found:
    """Return the inputs of `model`, which the user calls `name`, that the variables in `namespace` are.

    Parameters with a default that are not found are left out, and so are targets of a training that have one.

    Raises
    ------
    UsageMistake
        One is missing; with what was found and what could be meant.
    """
    from onnxmagic.export.inputs import inputs_of, kind_of

    inputs = inputs_of(model)
    tensors = _tensors(namespace)
    found = {p.name: tensors[p.name] for p in inputs.parameters if p.name in tensors and p.name not in inputs.targets}
    missing = [p.name for p in inputs.parameters if p.default is p.empty and p.name not in found]
    if missing or not found:
        wanted = missing or [p.name for p in inputs.parameters]
        raise UsageMistake(_Missing(model, name, namespace, tensors, found).message(wanted, needed=bool(missing)))
    args, kwargs = inputs.call(found)
    taken = [f"`{n}` was taken from the notebook's variable `{n}`: {kind_of(value)}." for n, value in found.items()]
    left = [n for n in inputs.targets if n in tensors]
    taken += [f"The notebook's `{n}` was left out: it is a target for the training." for n in left]
    return Found(args, kwargs, tuple(taken))


def _tensors(namespace: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    import torch

    return {n: v for n, v in namespace.items() if isinstance(v, torch.Tensor) and not n.startswith("_")}


@dataclass(frozen=True, slots=True)
class _Missing:
    """What there is to say where an input was not found."""

    model: torch.nn.Module
    name: str
    namespace: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    found: Mapping[str, torch.Tensor]

    def message(self, wanted: list[str], *, needed: bool) -> str:
        if not wanted:
            return f"forward of `{self.name}` names no parameters, so none can be found. {self._write({})}"
        meant = {parameter: self._meant(parameter) for parameter in wanted[:MOST]} if needed else {}
        sentences = [
            self._opening(wanted, needed=needed),
            *filter(None, (self._no_tensor(parameter) for parameter in wanted)),
            f"Found: {self._described(list(self.found))}." if self.found else "",
            *(f"`{parameter}` could be {self._described(names)}." for parameter, names in meant.items() if names),
            self._write({parameter: names[0] for parameter, names in meant.items() if names}),
        ]
        return " ".join(filter(None, sentences))

    def _opening(self, wanted: list[str], *, needed: bool) -> str:
        listed = ", ".join(f"`{each}`" for each in wanted[:8]) + (" ..." if len(wanted) > 8 else "")
        if needed:
            return f"`{self.name}` needs {listed}, and the notebook has no tensor of that name."
        return f"`{self.name}` takes {listed}, and the notebook has no tensor of these names."

    def _no_tensor(self, parameter: str) -> str:
        value = self.namespace.get(parameter)
        if value is None:
            return ""
        kind = type(value)
        if kind.__module__.partition(".")[0] == "numpy":
            return f"`{parameter}` is a numpy {kind.__name__}: {parameter} = torch.as_tensor({parameter}) makes it one."
        return f"`{parameter}` is of type {kind.__name__}."

    def _meant(self, parameter: str) -> list[str]:
        """Return tensors that may be meant by `parameter`: of a like name, or else the newest."""
        from difflib import get_close_matches

        free = [name for name in reversed(list(self.tensors)) if name not in self.found]
        lower = {name.lower(): name for name in free}
        near = [lower[name] for name in get_close_matches(parameter.lower(), lower, n=MOST)]
        held = [name for name in free if _is_like(parameter.lower(), name.lower())]
        return list(dict.fromkeys([*near, *held]))[:MOST] or free[:MOST]

    def _described(self, names: list[str]) -> str:
        from onnxmagic.export.inputs import kind_of

        return " or ".join(f"`{name}` ({kind_of(self.tensors[name])})" for name in names)

    def _write(self, meant: Mapping[str, str]) -> str:
        loader = next(iter(_loaders(self.namespace)), "val_loader")
        call = _call(self.name, self.model, {**{name: name for name in self.found}, **meant})
        return f"Write the call: %onnx_export {call}, or say where a batch comes from: --like {loader}."


def _is_like(parameter: str, name: str) -> bool:
    # A single letter is in every other name.
    if min(len(parameter), len(name)) < 3:
        return (
            name.startswith(f"{parameter}_") or name.endswith(f"_{parameter}") or name.rstrip("0123456789") == parameter
        )
    return parameter in name or name in parameter


def _loaders(namespace: Mapping[str, Any]) -> list[str]:
    from torch.utils.data import DataLoader

    return [name for name, value in namespace.items() if isinstance(value, DataLoader) and not name.startswith("_")]


def _call(source: str, model: torch.nn.Module, values: Mapping[str, str]) -> str:
    """Return the call with `values` for the parameters that have one."""
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return call_of(source, model)
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    written: list[str] = []
    for p in parameters:
        needed, value = p.default is p.empty, values.get(p.name)
        if p.kind in by_position and needed:
            written.append(value or "...")
        elif value is not None or (needed and p.kind is p.KEYWORD_ONLY):
            written.append(f"{p.name}={value or '...'}")
    return f"{source}({', '.join(written) or '...'})"
