"""# train-mode: part of the model is in training mode.

## What it finds

Modules that behave otherwise in training mode (dropout, norms with running statistics, recurrent networks with dropout,
any module whose `forward` asks `self.training`) and whose flag is on when the model is exported.

## Why it hurts

An exporter writes down what the model does at that moment. With dropout left on, the file answers every question anew
and worse. PyTorch warns only if the model's own flag is on, not when one submodule's is.

## How to mend it

Nothing to do: every module is put in eval mode for the export, and each flag is then put back. `--train` keeps the mode
the model is in.

## Bad example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.mode import depends_on_mode, is_random_in_training
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import module_name

RULE = Rule("OM101", "train-mode", "warning", "model")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for all modules that are in training mode and show it."""
    guilty = [(p, m) for p, m in evidence.model.named_modules() if m.training and depends_on_mode(m)]
    if not guilty:
        return
    # The worst one is named: random answers are worse than statistics that are a little off.
    path, worst = next((g for g in guilty if is_random_in_training(g[1])), guilty[0])
    others = {0: "", 1: " and one other module"}.get(len(guilty) - 1, f" and {len(guilty) - 1} other modules")
    who = module_name(path, type(worst).__name__) + others
    where = Where(module=path)
    if evidence.keep_train:
        message = f"{who} {'are' if others else 'is'} exported in training mode, as asked: answers may be random."
        yield RULE.finding(
            message, where=where, count=len(guilty), fix=Fix("option", "leave out `--train` to export in eval mode")
        )
        return
    message = f"{who} {'were' if others else 'was'} in training mode. Exported in eval; your model is as you left it."
    yield RULE.finding(message, where=where, count=len(guilty), fix=Fix("auto", "keep training mode with", "--train"))
