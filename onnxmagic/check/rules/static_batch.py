"""# static-batch: an axis is fixed in the file though the model accepts other sizes.

## What it finds

An axis, mostly the batch, that the PyTorch model takes at any size and that the exporter nevertheless fixed.

## Why it hurts

The file refuses every batch but the example's: "Got invalid dimensions for input". It shows when somebody else first
serves two requests at once.

## How to mend it

Usual causes: a Python loop over the batch, or `int(x.shape[0])`. Write the computation on the whole batch. If one size
is what you want, say so with `--static`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return torch.stack([self.fc(row) for row in x])

    model = Net().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(x)

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, sentence

RULE = Rule("OM201", "static-batch", "warning", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for all axes with the same reason."""
    if evidence.asked_static:
        return
    reasons: dict[str, list[str]] = {}
    for name, index, reason in evidence.refused_axes:
        reasons.setdefault(reason, []).append(f"axis {index} of {code(name)}")
    for reason, axes in reasons.items():
        yield RULE.finding(
            f"The file takes no other size along {' and '.join(axes)}, though the PyTorch model does: "
            f"{sentence(reason)}",
            count=len(axes),
            fix=Fix("option", "one size is what you want", "--static"),
        )
