"""# data-dependent-branch: Python decides on the values of a tensor.

## What it finds

An `if`, a `while` or a size in `forward` that depends on what is in a tensor; the export stops there.

## Why it hurts

A graph is made once, for all inputs. Python can go one way only, so the file would be right for inputs like the example
and wrong for the others.

## How to mend it

`torch.where(condition, a, b)` when both sides are cheap, `torch.cond(condition, true_fn, false_fn, (x,))` when only one
should be computed.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            if x.sum() > 0:
                return x * 2
            return x - 1

    model = Net().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return torch.where(x.sum(-1, keepdim=True) > 0, x * 2, x - 1)

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import CaptureEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code

RULE = Rule("OM301", "data-dependent-branch", "error", "capture")


def find(evidence: CaptureEvidence) -> Iterator[Finding]:
    """Yield the finding for the condition that stopped the capture."""
    if not evidence.data_dependent:
        return
    source = evidence.where.source
    # torch's own text (`Eq(u0, 1)`) names nothing that the person wrote; their line says more.
    what = code(source) if source else f"A condition ({code(evidence.data_dependent)})"
    yield RULE.finding(
        f"{what} depends on the values in a tensor, and a graph cannot decide in Python. "
        "Use `torch.where` when both sides are cheap, `torch.cond` otherwise.",
        where=evidence.where,
        fix=Fix("code", "torch.where(condition, a, b)"),
    )
