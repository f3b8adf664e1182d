"""# not-proved: the file was not compared with PyTorch.

## What it finds

Exports that could not be compared, or were not to be: `--no-prove`, no runtime installed, random outputs.

## Why it hurts

Nobody knows whether the file computes what the model computes.

## How to mend it

Leave out `--no-prove`; install `onnxruntime`; make noise an input of the model.

## Bad example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
    options = {"prove": False}

## Good example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import sentence

RULE = Rule("OM407", "not-proved", "warning", "run")


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield a finding with the reason why nothing was compared; a file that does not load has one already."""
    if evidence.not_proved and not evidence.load_error:
        yield RULE.finding(f"The file was not compared with PyTorch: {sentence(evidence.not_proved)}")
