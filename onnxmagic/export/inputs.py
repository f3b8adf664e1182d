"""What a model can be given, and which part of a batch is which argument.

A batch that is a dict goes by the names of forward's parameters, a tuple by position. What is more than the model
needs, such as the labels of a training set, is left out and told, because a person may have meant it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from onnxmagic.check.wording import code, listed
from onnxmagic.errors import UsageMistake
from onnxmagic.export.unwrapped import unwrapped

__all__ = ["Inputs", "arguments", "holds_tensor", "inputs_of", "is_array", "kind_of", "positions", "wanted"]

TARGETS = ("labels", "label", "label_ids", "targets", "target")
"""Parameters that, where they may be left out, are for the loss: an exported model has no use for them."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a model can be given: its forward's named parameters, and whether it takes others too."""

    parameters: tuple[inspect.Parameter, ...]
    more_positions: bool = False
    more_names: bool = False

    @property
    def needed(self) -> list[str]:
        """The parameters without a default."""
        return [p.name for p in self.parameters if p.default is p.empty]

    @property
    def positions(self) -> list[str]:
        """The parameters that can be given by position."""
        return [p.name for p in self.parameters if p.kind is not p.KEYWORD_ONLY]

    @property
    def targets(self) -> list[str]:
        """The parameters that are for the training alone."""
        return [p.name for p in self.parameters if p.default is not p.empty and p.name in TARGETS]

    def call(self, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return `values`, by name, as arguments: by position as far as none is missing, then by name."""
        args: list[Any] = []
        for name in self.positions:
            if name not in values:
                break
            args.append(values[name])
        rest = {name: value for name, value in values.items() if name not in self.positions[: len(args)]}
        return tuple(args), rest

    def named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments by the names of their parameters."""
        names = [*self.positions, *(f"part {number}" for number in range(len(self.positions) + 1, len(args) + 1))]
        return {**dict(zip(names, args, strict=False)), **kwargs}


def inputs_of(model: torch.nn.Module) -> Inputs:
    """Return what `model` takes; wrappers around it, which take everything, are looked through."""
    module, _ = unwrapped(model)
    parameters = inspect.signature(module.forward).parameters.values()
    kinds = {p.kind for p in parameters}
    named = tuple(p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
    return Inputs(named, inspect.Parameter.VAR_POSITIONAL in kinds, inspect.Parameter.VAR_KEYWORD in kinds)


def kind_of(value: Any) -> str:
    """Return dtype and shape of a tensor, ``float32[1, 3, 224, 224]``, and of all else the class."""
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    return type(value).__name__


def arguments(batch: Any, inputs: Inputs, model: str) -> tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]:
    """Return what `batch` gives `model` by position and by name, and what is said of the rest, a sentence each.

    Raises
    ------
    UsageMistake
        Something is missing, or there is no tensor.
    """
    if isinstance(batch, Mapping):
        return _by_name(batch, inputs, model)
    parts = list(batch) if isinstance(batch, (tuple, list)) else [batch]
    if not parts or not holds_tensor(parts):
        kind = type(batch).__name__
        raise UsageMistake(f"A batch of like is a {kind} without tensors; pass tensors, a tuple or a dict of them.")
    count = positions(parts, inputs)
    if len(parts) < len(missing := inputs.needed) and not inputs.more_positions:
        lacking = listed(missing[len(parts) :], most=8)
        have = "one part" if len(parts) == 1 else f"{len(parts)} parts"
        raise UsageMistake(
            f"A batch of like has {have}, and {model} needs {listed(missing, most=8)}: {lacking} is missing. Pass a "
            "tuple of them, or a dict with these names."
        )
    return tuple(parts[:count]), {}, tuple(_rest(parts[count:], count, inputs))


def positions(parts: Sequence[Any], inputs: Inputs) -> int:
    """Return how many of the parts are inputs: those the model cannot do without, since labels stand behind them."""
    if inputs.more_positions:
        return len(parts)
    needed = [name for name in inputs.needed if name in inputs.positions]
    return min(len(parts), max(1, len(needed)))


def _rest(parts: Sequence[Any], start: int, inputs: Inputs) -> Iterable[str]:
    for number, part in enumerate(parts, start + 1):
        said = f"Part {number} of the batch ({kind_of(part)}) was left out, as a label is"
        name = inputs.positions[number - 1] if number <= len(inputs.positions) else ""
        yield f"{said}; if it is {code(name)}, write the call." if name else f"{said}."


def _by_name(
    batch: Mapping[Any, Any], inputs: Inputs, model: str
) -> tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]:
    kept = {name: batch[name] for name in wanted(batch, inputs)}
    missing = [name for name in inputs.needed if name not in kept]
    if missing or not holds_tensor(kept.values()):
        needs = f"needs {listed(missing, most=8)}" if missing else "has a parameter for none of them"
        raise UsageMistake(
            f"A batch of like has {listed(batch, most=8)}, and {model} {needs}. Name them as forward's parameters, or "
            "write the call."
        )
    args, kwargs = inputs.call(kept)
    return args, kwargs, tuple(_unused([name for name in batch if name not in kept], inputs))


def wanted(batch: Mapping[Any, Any], inputs: Inputs) -> list[str]:
    """Return the names in `batch` that are arguments."""
    known = [p.name for p in inputs.parameters if p.name in batch and p.name not in inputs.targets]
    if known or not inputs.more_names:
        return known
    return [name for name in batch if isinstance(name, str) and name not in TARGETS]


def _unused(names: Sequence[Any], inputs: Inputs) -> Iterable[str]:
    targets = [name for name in names if name in inputs.targets]
    others = [name for name in names if name not in targets]
    if targets:
        yield f"{listed(targets)} of the batch was left out: it is for the training; to keep it, write the call."
    if others:
        was, of = ("was", "parameter for it") if len(others) == 1 else ("were", "parameters for them")
        yield f"{listed(others, most=8)} of the batch {was} left out: the model has no {of}."


def holds_tensor(values: Iterable[Any]) -> bool:
    """Return whether there is a tensor or array in any of `values`."""
    return any(is_array(leaf) for value in values for leaf in pytree.tree_leaves(value))


def is_array(value: Any) -> bool:
    """Return whether `value` is a tensor or an array."""
    return isinstance(value, (torch.Tensor, np.ndarray))
