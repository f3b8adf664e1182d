"""# duplicate-weights: the same weight is in the file more than once.

## What it finds

Weights of 4 kB and more with the same values, byte for byte, also where one matrix is another one transposed. What is
compared are whole weights; a weight that is a part of another one is not found, nor are other reorderings of axes.
Weights that look alike are read in full up to 500 MB together; what is beyond is not called equal.

## Why it hurts

The file is larger than the model, and so is the memory of whoever runs it. Tied weights, an embedding that is also the
output layer, are stored twice by torch's older exporter; layers that were copied and not trained apart are equal too.

## How to mend it

`--fix deduplicate-weights` keeps one of each; a transposed copy stays. In PyTorch, use one parameter twice
(`head.weight = embedding.weight`): the exporter then writes it once.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 64)
            self.two.load_state_dict(self.one.state_dict())

        def forward(self, x):
            return self.two(self.one(x).relu())

    model = Net().eval()
    args = (torch.randn(2, 64),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 64)

        def forward(self, x):
            return self.two(self.one(x).relu())

    model = Net().eval()
    args = (torch.randn(2, 64),)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed, size
from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.twins import Reader, comparable
from onnxmagic.graph.weights import weights

RULE = Rule("OM309", "duplicate-weights", "info", "graph")

_SMALLEST: Final = 4096
_KEEP_ONE = Fix("option", "keep one of each", "--fix deduplicate-weights", rewrite="deduplicate-weights")
_TIE = Fix("code", "use one parameter for both: head.weight = embedding.weight")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for all equal weights and one for all transposed ones."""
    large = [i for i in evidence.graph.initializers if i.nbytes >= _SMALLEST and i.dtype != "string"]
    wanted = comparable({i.name: i for i in large}.values())
    if evidence.source is None or not wanted:
        return
    with weights(evidence.source, {i.name for i in wanted}) as values:
        whole = [i for i in wanted if values.nbytes(i.name) == i.nbytes]
        reader = Reader(values)
        equal = reader.equal(whole)
        repeated = {i.name for group in equal for i in group[1:]}
        transposed = reader.transposed([i for i in whole if i.name not in repeated])
    if equal:
        yield _finding(equal, "the same values", _KEEP_ONE)
    if transposed:
        yield _finding(transposed, "the same values, one transposed", _TIE)


def _finding(groups: Sequence[Sequence[Initializer]], how: str, fix: Fix) -> Finding:
    spare = sum(i.nbytes for group in groups for i in group[1:])
    others = len(groups) - 1
    more = f", and so have {others} more group{'s' * (others > 1)} of weights" if others else ""
    return RULE.finding(
        f"{listed(i.name for i in groups[0])} have {how}{more}: {size(spare)} of the file are copies.",
        count=sum(len(group) - 1 for group in groups),
        fix=fix,
    )
