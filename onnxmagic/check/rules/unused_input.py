"""# unused-input: an argument that changes nothing in the file.

## What it finds

A graph input that nothing reads, and a tensor argument that became no input at all.

## Why it hurts

An input that nothing reads must still be fed: "Required inputs are missing". An argument that became no input is fixed
at the example's values, whatever a caller means to pass.

## How to mend it

Leave an argument that the model does not use out of the call. An argument that should matter: use it in `forward`. In a
file from elsewhere, `--fix remove-unused-inputs` takes the inputs that nothing reads out of the signature.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, mask):
            return x * 2

    model = Net().eval()
    args = (torch.randn(2, 4), torch.ones(2, 4))

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, mask=None):
            return x * 2 if mask is None else x * mask

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed
from onnxmagic.graph.facts import Graph

RULE = Rule("OM206", "unused-input", "info", "graph")

_FIX = Fix("code", "leave the argument out of the call, or use it in `forward`")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for inputs that nothing reads, and one for tensors that became no input."""
    read = _read(evidence.graph)
    unread = [v.name for v in evidence.graph.inputs if v.name not in read]
    if unread:
        them = "them, though they change" if len(unread) > 1 else "it, though it changes"
        yield RULE.finding(
            f"Nothing in the file reads {listed(unread)}. Callers must still pass {them} nothing.",
            count=len(unread),
            fix=replace(_FIX, rewrite="remove-unused-inputs"),
        )
    if evidence.baked_tensors:
        many = len(evidence.baked_tensors) > 1
        yield RULE.finding(
            f"{listed(evidence.baked_tensors)} became no {'inputs' if many else 'input'}: "
            "the file goes on with the example's values.",
            count=len(evidence.baked_tensors),
            fix=_FIX,
        )


def _read(graph: Graph) -> set[str]:
    """Return the names that a node, an output or the body of a loop or branch reads."""
    names = {v.name for v in graph.outputs}
    for node in graph.walk():
        names.update(node.inputs)
        for body in node.body:
            names.update(v.name for v in body.outputs)
    return names
