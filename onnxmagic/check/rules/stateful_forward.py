"""# stateful-forward: the model remembers between calls, and the file does not.

## What it finds

A model whose `forward` writes into its own buffers, attributes or weights, and whose next answer depends on that: a
counter, a running average, a cache of earlier steps. It was asked twice, and from the start once more. What is written
and does not matter for the answers is no mistake; a buffer that goes on counting is told for information.

## Why it hurts

A file has no memory. It starts every call from the state that the model had at the export, so from the second call on
it gives other answers than PyTorch. No exporter warns, and a test with one input passes.

## How to mend it

Make the state an input and an output: the caller keeps it. A cache that only saves time: leave it out of the export.

## Bad example

    import torch
    from torch import nn

    class Smooth(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(4))

        def forward(self, x):
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
            return x - self.mean

    model = Smooth().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    class Smooth(nn.Module):
        def forward(self, x, mean):
            mean = 0.9 * mean + 0.1 * x.mean(0)
            return x - mean, mean

    model = Smooth().eval()
    args = (torch.randn(2, 4), torch.zeros(4))
    options = {"static": True}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxmagic.check.evidence import EagerEvidence, Written
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed

RULE = Rule("OM106", "stateful-forward", "warning", "eager")


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield one finding for a model that remembers, or an info for buffers that it changes and does not need."""
    repeat = evidence.repeat
    if repeat is None:
        return
    if repeat.remembers:
        # What is written anew each time is the memory; what was built once may only have saved time.
        state = [w for w in repeat.written if w.again] or list(repeat.written)
        yield RULE.finding(
            f"`forward` changes {listed(w.path for w in state)}, and the next answer depends on it. The file forgets: "
            "it answers every call as the first one from the state the model has now.",
            where=_where(state),
            fix=Fix("code", _code(state[0])),
            count=len(state),
        )
        return
    counted = [w for w in repeat.written if w.buffer and w.again]
    if counted:
        many = len(counted) > 1
        yield RULE.finding(
            f"`forward` changes the {'buffers' if many else 'buffer'} {listed(w.path for w in counted)}, and the file "
            f"does not. The answers did not depend on {'them' if many else 'it'}.",
            where=_where(counted),
            count=len(counted),
            severity="info",
        )


def _where(written: Sequence[Written]) -> Where:
    from dataclasses import replace

    first = next((w for w in written if w.where.line is not None), written[0])
    return replace(first.where, module=first.module)


def _code(written: Written) -> str:
    name = written.path.rpartition(".")[2]
    return f"def forward(self, x, {name}): ...; return y, {name}"
