"""Before the export: the one moment whose rules get the module itself, so torch is named for its types only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

__all__ = ["Argument", "ModelEvidence"]


@dataclass(frozen=True, slots=True)
class Argument:
    """One leaf of the call's arguments.

    ``path`` is how a person writes it (``"x"``, ``"batch['mask']"``, ``"states[0]"``); ``input`` the name of the graph
    input, None for what is baked; ``value`` the tensor, number, flag, string or None.
    """

    path: str
    input: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class ModelEvidence:
    """Before the export, before any flag is touched: the module and its arguments.

    Attributes
    ----------
    model : torch.nn.Module
        What is exported, wrappers around it removed.
    arguments : tuple of Argument
    keep_train : bool
        The user asked to keep training mode.
    runs : bool or None
        Whether the model ran on the example in PyTorch; None when that was not tried.
    wrappers : tuple of str
        Classes that were wrapped around the model and taken off, the outermost first.
    asked_names : tuple of (str, str)
        Argument path of each tensor, in the order of the call, and the input name that was asked for it; empty when
        none was.
    """

    model: torch.nn.Module
    arguments: tuple[Argument, ...]
    keep_train: bool = False
    runs: bool | None = None
    wrappers: tuple[str, ...] = ()
    asked_names: tuple[tuple[str, str], ...] = ()
