"""# outputs-differ: the file does not compute what the model computes.

## What it finds

Outputs whose values differ from PyTorch's by more than rounding explains, on the example or on varied inputs, at any of
the sizes that were tried.

## Why it hurts

The file is wrong, and nothing else would have told: it loads, runs and gives numbers.

## How to mend it

The finding names the first value that differs although everything it is computed from agrees: its operator, its module
and your line. An operator that is translated wrongly (`avg_pool2d` ignores `divisor_override`, for example) has to be
written in another way. Where only the runtime's optimiser is wrong, the file is right, and a lower optimisation level
helps. Differences at some sizes only come from a size, or a branch, that `forward` fixed.

## Bad example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.avg_pool2d(x, 2, divisor_override=1)

    model = Net().eval()
    args = (torch.randn(2, 1, 4, 4),)

## Good example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.avg_pool2d(x, 2) * 4

    model = Net().eval()
    args = (torch.randn(2, 1, 4, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from onnxmagic.check.evidence import RunCase, RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.located import beginning, cure
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import at_sizes, listed

RULE = Rule("OM401", "outputs-differ", "error", "run")


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield one finding for all outputs whose values differ."""
    wrong = [case for case in evidence.cases if case.problem == "values"]
    if not wrong:
        return
    worst = max(wrong, key=lambda case: case.max_rel)
    outputs = list(dict.fromkeys(case.output for case in wrong))
    verb = "differ" if len(outputs) > 1 else "differs"
    amount = f", by up to {_amount(worst)}" if worst.max_abs else f": {worst.detail}" if worst.detail else ""
    said = f"{listed(outputs)} {verb} from PyTorch {at_sizes(wrong)}{amount}. {_share(wrong, evidence.cases)}"
    place = evidence.located
    yield RULE.finding(
        f"{said} {beginning(place, evidence.runtime)}" if place else said,
        where=place.where if place else None,
        fix=cure(place) if place else None,
        count=len(wrong),
    )


def _amount(case: RunCase) -> str:
    percent = f"{100 * case.max_rel:.2g} % of the largest value"
    return f"{case.max_abs:.2g} ({percent}{_rounding(case.ratio)})"


def _rounding(ratio: float | None) -> str:
    if not ratio or not isfinite(ratio):
        return ""
    times = f"{ratio:.0f}" if ratio <= 1000 else "more than 1,000"
    return f", {times} times PyTorch's own rounding"


def _share(wrong: list[RunCase], cases: tuple[RunCase, ...]) -> str:
    tried = [case for case in cases if case.problem != "run"]
    if len(wrong) == len(tried):
        return "It does so in every comparison."
    return f"{len(wrong)} of {len(tried)} comparisons fail, so look at what those sizes or inputs have in common."
