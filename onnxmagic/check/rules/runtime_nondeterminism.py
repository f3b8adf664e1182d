"""# runtime-nondeterminism: the file gives two answers to one input.

## What it finds

Outputs that differ between two runs of the same file on the same input, with the runtime's optimisation off.

## Why it hurts

Nobody can reproduce an answer, and no comparison with PyTorch is possible.

## How to mend it

Something in the model draws random numbers: `randn_like` (a VAE's sampling), `multinomial`, a dropout that is on. Make
the noise an input, or return the mean.

## Bad example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 2), nn.Dropout(0.5))
    args = (torch.randn(2, 4),)
    options = {"train": True}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, noise):
            return x + noise

    model = Net().eval()
    args = (torch.randn(2, 4), torch.randn(2, 4))
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed

RULE = Rule("OM405", "runtime-nondeterminism", "warning", "run", follows={"OM102": "", "OM104": ""})


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield one finding for all outputs that are random."""
    outputs = evidence.nondeterministic
    if outputs:
        verb = "are" if len(outputs) > 1 else "is"
        yield RULE.finding(
            f"{listed(outputs)} {verb} random: two runs of the file on one input differ. "
            "Make the noise an input, or return the mean.",
            count=len(outputs),
            fix=Fix("code", "def forward(self, x, noise): ..."),
        )
