"""# invalid-graph: ONNX's own checker refuses the file.

## What it finds

Whatever the full ONNX checker finds: operators that do not exist in the file's operator set, types that do not fit,
values that nobody makes.

## Why it hurts

Runtimes refuse such a file, or each reads it in its own way.

## How to mend it

The message names the operator. A frequent cause is arithmetic on a type that ONNX does not have for it: convert first,
`x.float()`. An operator that does not exist in an old operator set: ask for a newer one with `--opset`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return -x

    model = Net().eval()
    args = (torch.ones(2, 4, dtype=torch.uint8),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return -x.float()

    model = Net().eval()
    args = (torch.ones(2, 4, dtype=torch.uint8),)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.known_errors import see
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import sentence

RULE = Rule("OM311", "invalid-graph", "error", "graph")

__all__ = ["RULE", "find", "unreadable"]

_NODE = re.compile(r"^node `([^`]*)`")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield the checker's verdict when it is bad."""
    if not evidence.checker_error:
        return
    node = _NODE.match(evidence.checker_error)
    yield RULE.finding(
        f"The ONNX checker refuses the file: {sentence(evidence.checker_error)}{see(evidence.checker_error)}",
        where=evidence.where(node[1]) if node else None,
    )


def unreadable(reason: str) -> Finding:
    """Return the finding for a file that has no graph at all: it is damaged, or something else; `reason` says."""
    return RULE.finding(sentence(f"{reason[:1].upper()}{reason[1:]}"))
