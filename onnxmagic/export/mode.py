"""Eval mode for the time of the export.

``model.eval()`` is called, as a user would, because a model may do more there than set flags (merge adapters, freeze
statistics). Then every flag is set by hand, because ``eval`` may be overridden and because it does not reach modules
kept in a plain list. The ``Guard`` around the pipeline restores each flag one by one.
"""

from __future__ import annotations

import contextlib

import torch

from onnxmagic.export.guard import Guard
from onnxmagic.export.modules import all_modules

__all__ = ["set_eval"]


def set_eval(model: torch.nn.Module, guard: Guard) -> None:
    """Put `model` and everything below it into eval mode."""
    if any(module.training for module in model.modules()):
        with contextlib.suppress(Exception), guard.watching():
            model.eval()
    for module in all_modules(model):
        module.training = False
