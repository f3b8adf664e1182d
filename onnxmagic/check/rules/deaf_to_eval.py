"""# deaf-to-eval: a part of the model does not listen to eval().

## What it finds

Modules in a plain Python list, tuple or dict, which PyTorch does not know of, and modules whose own `eval` or `train`
leaves something in training mode.

## Why it hurts

`model.eval()` is what everybody calls before using a model, and it changes nothing there: dropout goes on. What is in a
plain list is neither moved by `.to()` nor saved by `state_dict()` either.

## How to mend it

Keep modules in `nn.ModuleList` or `nn.ModuleDict`, and let an own `train` or `eval` call `super()`. For the export all
flags are set to eval mode and then put back.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drops = [nn.Dropout(0.5), nn.Dropout(0.5)]

        def forward(self, x):
            for drop in self.drops:
                x = drop(x)
            return x * 2

    model = Net().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drops = nn.ModuleList([nn.Dropout(0.5), nn.Dropout(0.5)])

        def forward(self, x):
            for drop in self.drops:
                x = drop(x)
            return x * 2

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.mode import depends_on_mode, hidden_modules
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed, module_name

if TYPE_CHECKING:
    from torch import nn

RULE = Rule("OM103", "deaf-to-eval", "warning", "model")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for modules in plain containers, and one for each module that overrides ``eval`` badly."""
    if evidence.keep_train:
        return
    hidden = [
        path
        for path, module in hidden_modules(evidence.model)
        if any(m.training and depends_on_mode(m) for m in module.modules())
    ]
    if hidden:
        be, them = ("are", "them") if len(hidden) > 1 else ("is", "it")
        yield RULE.finding(
            f"{listed(hidden)} {be} kept in a plain list or dict, so `model.eval()` does not reach {them}. "
            "Put in eval mode for the export, and back.",
            fix=Fix("code", "self.layers = nn.ModuleList([...])"),
            count=len(hidden),
        )
    for path, module, deaf in _overriding(evidence.model):
        yield RULE.finding(
            f"The `eval()` of {module_name(path, type(module).__name__)} leaves {listed(deaf)} in training mode. "
            "Put in eval mode for the export, and back.",
            where=Where(module=path),
            fix=Fix("code", "def eval(self): return super().eval()"),
            count=len(deaf),
        )


def _overriding(model: nn.Module) -> Iterator[tuple[str, nn.Module, list[str]]]:
    """Yield modules with an own ``eval`` or ``train`` that does not do it, with what it leaves in training mode."""
    from torch import nn

    covered: set[int] = set()
    for path, module in model.named_modules():
        own = type(module).eval is not nn.Module.eval or type(module).train is not nn.Module.train
        if not own or id(module) in covered:
            continue
        deaf = [name for name in _still_training(module) if id(module.get_submodule(name)) not in covered]
        if deaf:
            covered |= {id(m) for m in module.modules()}
            yield path, module, [name or type(module).__name__ for name in deaf]


def _still_training(module: nn.Module) -> list[str]:
    """Return what shows training mode after ``module.eval()``; every flag is put back."""
    flags = [(m, m.training) for m in module.modules()]
    try:
        # Freezing statistics by overriding train() is common and sound, so nothing less than the call tells.
        with contextlib.suppress(Exception):
            module.eval()
        return [name for name, m in module.named_modules() if m.training and depends_on_mode(m)]
    finally:
        for m, flag in flags:
            m.training = flag
