"""# branch-on-batch: one sample alone goes another way than in a batch.

## What it finds

Models that give a single sample another answer than the same sample in a batch, while all larger batches agree.

## Why it hurts

A graph holds one of the two ways. Whichever it is, the other kind of call is silently wrong.

## How to mend it

Take the `if` on the batch size out. A frequent cause is `x.squeeze()`, which drops a batch axis of size 1: name the
axis, `x.squeeze(-1)`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            if x.shape[0] == 1:
                return x * 2
            return x * 3

    model = Net().eval()
    args = (torch.randn(1, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * 3

    model = Net().eval()
    args = (torch.randn(1, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import EagerEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import axis

RULE = Rule("OM204", "branch-on-batch", "error", "eager")


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield a finding for every axis where size 1 is special."""
    for trial in evidence.trials:
        if trial.outcome == "branches":
            detail = f" ({trial.detail})" if trial.detail else ""
            yield RULE.finding(
                f"The model treats size 1 along {axis(trial)} otherwise than all other sizes{detail}. "
                "A file holds one of the two ways, so it is wrong for the other.",
                where=trial.where,
                fix=Fix("code", "no `if` on `x.shape[0]`; `x.squeeze(-1)` for `x.squeeze()`"),
            )
