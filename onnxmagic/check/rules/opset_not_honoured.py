"""# opset-not-honoured: the file has another operator set than asked for.

## What it finds

A file whose operator set version is not the one of `--opset`.

## Why it hurts

The number was asked for because the reader of the file knows no newer one. PyTorch's exporter works with 18 and newer;
below that the finished graph is written anew for the older set, which has no way to say some things: `GridSample` came
in 16. The file then has the nearest operator set that could be had.

## How to mend it

Ask for what the file has and update the reader, or take the operator out that keeps the graph from being converted.

## Bad example

    import torch
    from torch import nn

    class Warp(nn.Module):
        def forward(self, x, grid):
            return nn.functional.grid_sample(x, grid, align_corners=False)

    model = Warp()
    args = (torch.randn(2, 1, 8, 8), torch.rand(2, 4, 4, 2))
    options = {"opset": 13}

## Good example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).eval()
    args = (torch.randn(2, 1, 8, 8),)
    options = {"opset": 13}
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import sentence

RULE = Rule("OM501", "opset-not-honoured", "error", "graph")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding when the file's operator set is not the one that was asked for."""
    asked, got = evidence.asked_opset, evidence.graph.opset
    if asked is not None and asked != got:
        why = sentence(evidence.opset_problem or "it could not be had")
        yield RULE.finding(
            f"Opset {asked} was asked for, the file has {got}: {why} A reader that stops at {asked} will refuse it.",
            fix=Fix("option", "ask for what the file has, if its reader knows it", f"--opset {got}"),
        )
