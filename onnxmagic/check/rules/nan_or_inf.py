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

from onnxmagic.check.evidence import RunCase, RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.located import beginning, cure
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
        place = evidence.located if problem == "nan" else None
        yield RULE.finding(
            f"{listed(outputs)} {verb} NaN or infinity {at_sizes(cases)}, {beside}{detail}. "
            f"{beginning(place, evidence.runtime) if place else advice}",
            where=place.where if place else None,
            fix=cure(place) if place else None,
            count=len(cases),
        )
    yield from _alone([case for case in evidence.cases if case.problem == "nan-alone"])


def _alone(cases: list[RunCase]) -> Iterator[Finding]:
    """Yield a finding for a file that ran without a model: on made-up inputs NaN is a hint and no proof."""
    if not cases:
        return
    outputs = list(dict.fromkeys(case.output for case in cases))
    verb = "have" if len(outputs) > 1 else "has"
    made_up = cases[0].inputs == "made up"
    which = "made-up inputs, unit normal ones and ones between 0 and 1" if made_up else "your data"
    yield RULE.finding(
        f"{listed(outputs)} {verb} NaN on {which} ({cases[0].detail}). Look for weights that are NaN, and for a log, "
        "division or root that needs a stable form.",
        count=len(cases),
        severity="warning" if made_up else "error",
    )
