"""# baked-random: a random number or the time is fixed in the file.

## What it finds

A model that gives two answers for one input, though its state and torch's random numbers were the same: it draws from
Python's `random`, from numpy, from a generator of its own, or depends on the time.

## Why it hurts

The exporter runs `forward` once and writes down the number that was drawn then. The file gives the same "random" answer
for ever, and there is no answer of PyTorch to compare it with.

## How to mend it

Draw with torch (`torch.rand`), which a graph can do. Better, make the noise an input of the model, so that whoever
calls the file decides. Randomness that belongs to training: `if self.training:`.

## Bad example

    import random
    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * random.random()

    model = Net().eval()
    args = (torch.randn(2, 4),)

## Good example

    import random
    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * random.random() if self.training else x

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import EagerEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule

RULE = Rule("OM304", "baked-random", "warning", "eager")

_SAID = {
    "python": "It draws from Python's `random`",
    "numpy": "It draws from `numpy.random`",
    "own": "It draws from a random generator of its own",
    "unknown": "Neither its state nor random numbers explain that: it may depend on the time, or on something outside",
}


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield one finding for a model whose answer depends on what a graph cannot draw."""
    repeat = evidence.repeat
    # Torch's own random numbers become operators of the graph, which other rules speak of.
    if repeat is None or repeat.draws not in _SAID:
        return
    noise = Fix("code", "def forward(self, x, noise): ...")
    yield RULE.finding(
        f"The PyTorch model gives two answers for one input. {_SAID[repeat.draws]}; the file holds for ever "
        "what it was at the export.",
        where=repeat.where,
        fix=noise if repeat.draws != "unknown" else None,
    )
