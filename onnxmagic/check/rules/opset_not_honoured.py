"""# opset-not-honoured: the file has another operator set than asked for.

## What it finds

A file whose operator set version is not the one of `--opset`.

## Why it hurts

The number was asked for because the reader of the file knows no newer one. PyTorch's exporter works with 18 and newer;
below that it converts the finished graph, and when that fails it leaves the file as it is without an error.

## How to mend it

Ask for 18 or newer and update the reader, or take the operator out that keeps the graph from being converted.

## Bad example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).eval()
    args = (torch.randn(2, 1, 8, 8),)
    options = {"opset": 13}

## Good example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).eval()
    args = (torch.randn(2, 1, 8, 8),)
    options = {"opset": 18}
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule

RULE = Rule("OM501", "opset-not-honoured", "error", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding when the file's operator set is not the one that was asked for."""
    asked, got = evidence.asked_opset, evidence.graph.opset
    if asked is not None and asked != got:
        yield RULE.finding(
            f"Opset {asked} was asked for, the file has {got}: PyTorch's exporter could not convert this graph. "
            f"A reader that stops at {asked} will refuse it.",
            fix=Fix("option", "ask for what the file has, if its reader knows it", f"--opset {got}"),
        )
