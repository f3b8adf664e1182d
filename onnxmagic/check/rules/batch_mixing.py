"""# batch-mixing: a sample's answer depends on the others in its batch.

## What it finds

Models that give a sample another answer when the other samples in its batch change. The PyTorch model itself is run to
see it.

## Why it hurts

In the notebook batches are drawn from one data set; a server batches whatever comes in, or one at a time. The same
request then gets different answers, depending on its neighbours.

## How to mend it

Usual causes: a norm without running statistics (`track_running_stats=False`), a softmax or a mean over axis 0. Use
running statistics, and reduce over axes of the sample. If the model mixes on purpose, ignore this rule.

## Bad example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=0)).eval()
    args = (torch.randn(3, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=-1)).eval()
    args = (torch.randn(3, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import EagerEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import axis

RULE = Rule("OM105", "batch-mixing", "warning", "eager")


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield a finding for every axis whose entries influence one another."""
    for trial in evidence.trials:
        if trial.outcome == "mixes":
            detail = f" ({trial.detail})" if trial.detail else ""
            yield RULE.finding(
                f"A sample's answer depends on the other samples along {axis(trial)}{detail}. "
                "Alone or beside strangers, the same sample gets another answer.",
                where=trial.where,
                fix=Fix("code", "reduce over dim=-1 instead of dim=0; give norms track_running_stats=True"),
            )
