"""# live-dropout: a dropout is switched on for ever in the file.

## What it finds

A `Dropout` in the graph with training on, although the model was exported in eval mode.

## Why it hurts

The file throws away random values on every call: its answers are worse than the model's and never twice the same. Some
runtimes drop the operator and hide it; on the next one it is back.

## How to mend it

`F.dropout` has `training=True` as its default and does not listen to `model.eval()`. Pass `training=self.training`, or
use `nn.Dropout` as a submodule. Where the model cannot be changed, `--fix dropout-to-identity` takes the dropouts out
of the file.

## Bad example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5)

    model = Net().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5, training=self.training)

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.graph.facts import Graph, Node

RULE = Rule("OM102", "live-dropout", "error", "graph")

_FIX = Fix("code", "F.dropout(x, p, training=self.training)", rewrite="dropout-to-identity")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every source line with a live dropout, with the number of its nodes."""
    if evidence.asked_train:
        return
    lines: dict[tuple[object, ...], list[Where]] = {}
    for node in _live(evidence.graph):
        where = evidence.where(node.name)
        lines.setdefault((where.cell, where.file, where.line), []).append(where)
    for places in lines.values():
        message = (
            "A dropout stays switched on in the file, so the same input gets another answer on every call. "
            "`F.dropout` does not listen to `eval()` unless it is told the mode."
        )
        yield RULE.finding(message, where=places[0], count=len(places), fix=_FIX)


def _live(graph: Graph) -> Iterator[Node]:
    """Yield the dropouts whose training input is a constant True and whose ratio is not a constant 0."""
    constants = {i.name: i.value for i in graph.initializers}
    for node in graph.walk():
        if node.op_type == "Constant" and node.outputs:
            constants[node.outputs[0]] = node.attributes.get("value")
        for body in node.body:
            constants.update((i.name, i.value) for i in body.initializers)
    for node in graph.walk():
        if node.op_type != "Dropout" or node.domain or len(node.inputs) < 3:
            continue
        if constants.get(node.inputs[2]) is True and constants.get(node.inputs[1]) != 0:
            yield node
