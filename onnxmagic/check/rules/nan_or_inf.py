"""# nan-or-inf: the file's answer holds NaN or infinity.

## What it finds

NaN or infinity in an output of the file where PyTorch has a number, or in both.

## Why it hurts

One NaN spoils everything that is computed from it, and most comparisons with NaN look like "no difference".

## How to mend it

Where only the file has it, an intermediate value overflowed or a logarithm met zero: the file does the steps one by one
where PyTorch has a stable formula (`logsigmoid(-100)`). Write the stable form, `-softplus(-x)`. Where PyTorch has it
too, the model or the example is the cause.

## Bad example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.logsigmoid(x)

    model = Net().eval()
    args = (torch.linspace(-200.0, -100.0, 8).reshape(2, 4),)

## Good example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return -F.softplus(-x)

    model = Net().eval()
    args = (torch.linspace(-200.0, -100.0, 8).reshape(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import at_sizes, listed

RULE = Rule("OM402", "nan-or-inf", "error", "run")


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield one finding for what only the file has, one for what PyTorch has too."""
    for problem, beside, advice in (
        ("nan", "where PyTorch has numbers", "Look for a log, exp, division or large power that needs a stable form."),
        ("nan-both", "and so has PyTorch", "The model or the example is the cause, not the export."),
    ):
        cases = [case for case in evidence.cases if case.problem == problem]
        if not cases:
            continue
        outputs = list(dict.fromkeys(case.output for case in cases))
        verb = "have" if len(outputs) > 1 else "has"
        detail = f" ({cases[0].detail})" if cases[0].detail else ""
        yield RULE.finding(
            f"{listed(outputs)} {verb} NaN or infinity {at_sizes(cases)}, {beside}{detail}. {advice}", count=len(cases)
        )
