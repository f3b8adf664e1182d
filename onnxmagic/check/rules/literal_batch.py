"""# literal-batch: the PyTorch model itself takes one batch size only.

## What it finds

Models that refuse other batch sizes than the example's, or read them wrongly: `view(1, -1)`, a batch size kept as an
attribute, a hidden state made for one size.

## Why it hurts

The file can only do what the model does: one batch size for ever. A model that misreads, for example folds the batch
into the features, gives nonsense without an error.

## How to mend it

Take sizes from the input: `x.flatten(1)` or `x.view(x.shape[0], -1)` for `x.view(1, -1)`, `torch.zeros(x.shape[0], n)`
for a state. If one size is what you want, say so with `--static`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 2)

        def forward(self, x):
            return self.fc(x.view(1, -1))

    model = Net().eval()
    args = (torch.randn(1, 2, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 2)

        def forward(self, x):
            return self.fc(x.flatten(1))

    model = Net().eval()
    args = (torch.randn(1, 2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import AxisTrial, EagerEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import axis, sentence

RULE = Rule("OM203", "literal-batch", "warning", "eager")


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield a finding for every axis that the model refuses or misreads at other sizes."""
    for trial in evidence.trials:
        if trial.outcome not in {"refused", "misread"} or (evidence.static and not trial.asked):
            continue
        # An axis that was asked for cannot be had at all; otherwise one size may be what the person wants.
        fix = Fix("code", "x.flatten(1)  # sizes from the input, not literal ones")
        if not trial.asked:
            fix = Fix(
                "option", "take sizes from the input, as `x.flatten(1)` does; or say that one size is meant", "--static"
            )
        yield RULE.finding(_message(trial), where=trial.where, fix=fix)


def _message(trial: AxisTrial) -> str:
    if trial.outcome == "refused":
        start = f"The PyTorch model itself takes no other size along {axis(trial)}"
    else:
        start = f"The PyTorch model itself misreads other sizes along {axis(trial)}"
    return f"{start}, so that axis is fixed in the file: {sentence(trial.detail)}" if trial.detail else f"{start}."
