"""# optimizer-avoided: the file was exported without torch's optimiser, which failed on it.

## What it finds

Models on which the exporter's optimiser stops with an error, for example `chunk` or `split` along a dynamic axis, or of
which it makes something that computes other values, for example of `index_put` with `accumulate=True`.

## Why it hurts

Not much: the file is right, with more nodes than it could have. Some runtimes lack operators that the optimiser would
have removed (`SplitToSequence`).

## How to mend it

Nothing to do: the export was tried again without the optimiser. Slicing instead of `chunk` avoids it.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            first, second = x.chunk(2, dim=1)
            return torch.cat([second, first], dim=1)

    model = Net().eval()
    args = (torch.randn(2, 6),)
    options = {"dynamic": {"x": {1: "width"}}}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return torch.cat([x[:, 1:], x[:, :1]], dim=1)

    model = Net().eval()
    args = (torch.randn(2, 6),)
    options = {"dynamic": {"x": {1: "width"}}}
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import CaptureEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import sentence

RULE = Rule("OM312", "optimizer-avoided", "info", "capture")


def find(evidence: CaptureEvidence) -> Iterator[Finding]:
    """Yield a finding when the optimiser gave up."""
    if evidence.optimizer_error:
        yield RULE.finding(
            "torch's optimiser failed on this model, so the file was made without it: "
            f"{sentence(evidence.optimizer_error)}",
            where=evidence.where,
            fix=Fix("auto", "exported without the optimiser"),
        )
