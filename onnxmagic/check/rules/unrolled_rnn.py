"""# unrolled-rnn: a loop over time became one copy of its step for every moment.

## What it finds

A sequence that the graph cuts into single moments, each of which goes through the same operators and the same weights,
after the one before it. torch's exporter writes `nn.RNN` and Python loops over time in this way. A loop that takes
no pieces of a sequence is not found.

## Why it hurts

The file only takes sequences of the example's length: there is one copy of the step for each of its moments, and no
more. It grows with the length too, and is slow to export and to load.

## How to mend it

`nn.LSTM` and `nn.GRU` become one operator that takes any length. A loop of your own mostly is one of them, or can be
written for all moments at once (`cumsum`, a convolution, attention).

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(4, 8, batch_first=True)

        def forward(self, x):
            return self.rnn(x)[0]

    model = Net().eval()
    args = (torch.randn(2, 6, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 8, batch_first=True)

        def forward(self, x):
            return self.rnn(x)[0]

    model = Net().eval()
    args = (torch.randn(2, 6, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.unrolled import Unrolled, unrolled
from onnxmagic.check.wording import code

RULE = Rule("OM212", "unrolled-rnn", "warning", "graph")

_FIX = Fix("code", "nn.GRU or nn.LSTM instead of nn.RNN or a loop: they stay one operator, for any length")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for all loops of one module and length, with the number of copies of their steps."""
    groups: dict[tuple[str | None, int], list[Unrolled]] = {}
    for loop in unrolled(evidence.graph):
        groups.setdefault((loop.node.module, loop.steps), []).append(loop)
    for (module, steps), loops in groups.items():
        who = f"A loop in {code(module)}" if module else "A loop"
        yield RULE.finding(
            f"{who} over {code(loops[0].sequence)} was written out: {steps} copies of the same {loops[0].nodes} nodes, "
            "one for each moment of your example. The file takes no sequence of another length.",
            where=replace(evidence.where(loops[0].node.name), module=module),
            count=steps * len(loops),
            fix=_FIX,
        )
