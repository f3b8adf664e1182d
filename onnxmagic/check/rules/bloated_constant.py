"""# bloated-constant: a constant in the file is one small piece, many times over.

## What it finds

Stored constants of 100 kB and more that repeat one piece at least eight times, and together make up a tenth of the
weights or more. `w.repeat(1000, 1)` and `w.expand(1000, 64)` with fixed sizes are computed at export and stored in
full. Constants above 64 MB are not looked at, nor what follows the first 128 MB of repetition.

## Why it hurts

The file and the memory of whoever runs it grow a hundredfold for nothing: 256 bytes become 256 kB.

## How to mend it

Leave the repeating to broadcasting: `x + w` instead of `x + w.repeat(1000, 1)`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(1, 64))

        def forward(self, x):
            return x + self.w.repeat(1000, 1)

    model = Net().eval()
    args = (torch.randn(2, 1000, 64),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.randn(1, 64))

        def forward(self, x):
            return x + self.w

    model = Net().eval()
    args = (torch.randn(2, 1000, 64),)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, size
from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.tiles import piece
from onnxmagic.graph.weights import weights

RULE = Rule("OM308", "bloated-constant", "info", "graph")

_SMALLEST: Final = 100_000
_FEWEST_REPEATS: Final = 8
"""Rotary tables hold each angle twice, masks of heads some pieces a few times; nobody wants those shorter."""

_SHARE: Final = 0.1

_MOST_READ: Final = 128 * 2**20
"""Bytes of constants that are read in full; a file of nothing but zeros has no end of them."""

# Weights of modules. A parameter that starts as zeros repeats itself too, until it is trained.
_PARAMETER: Final = re.compile(r"[A-Za-z_]\w*(\.\w+)+")
# What torch calls the result of an operation that it computed at export.
_COMPUTED: Final = re.compile(r"(val|expand|repeat|tile|zeros|ones|full|broadcast\w*|mul|add|cat|stack)(_\d+)?")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for all bloated constants, named by the one that wastes most."""
    wanted = [i for i in evidence.graph.initializers if i.nbytes >= _SMALLEST and not _PARAMETER.fullmatch(i.name)]
    if evidence.source is None or not wanted:
        return
    needed: dict[str, int] = {}
    read = 0
    with weights(evidence.source, {i.name for i in wanted}) as values:
        for constant in wanted:
            length = piece(constant, values)
            read += constant.nbytes if 0 < length < constant.nbytes else 0
            if read > _MOST_READ:
                break
            if length and constant.nbytes >= _FEWEST_REPEATS * length and not _untrained(constant, length):
                needed[constant.name] = length
    bloated = sorted((i for i in wanted if i.name in needed), key=lambda i: needed[i.name] - i.nbytes)
    waste = sum(i.nbytes - needed[i.name] for i in bloated)
    if not bloated or waste < _SHARE * (evidence.graph.nbytes - waste):
        return
    worst = bloated[0]
    times = worst.nbytes // needed[worst.name]
    others = f" With {len(bloated) - 1} more like it" if len(bloated) > 1 else " So"
    yield RULE.finding(
        f"Constant {code(worst.name)} ({size(worst.nbytes)}) is {size(needed[worst.name])}, {times:,} times over."
        f"{others}, {size(waste)} of the file are repetition.",
        where=_where(evidence, worst),
        count=len(bloated),
        fix=Fix("code", "leave repeating to broadcasting: x + w instead of x + w.repeat(n, 1)"),
    )


def _untrained(constant: Initializer, length: int) -> bool:
    """Return whether it is one number throughout and not known to be computed: a position table before training."""
    return (
        length * constant.size == constant.nbytes and constant.is_parameter and not _COMPUTED.fullmatch(constant.name)
    )


def _where(evidence: GraphEvidence, constant: Initializer) -> Where:
    reader = next((node for node in evidence.graph.nodes if constant.name in node.inputs), None)
    return evidence.where(reader.name) if reader else Where()
