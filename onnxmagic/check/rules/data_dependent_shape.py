"""# data-dependent-shape: how large a value gets depends on numbers, not on sizes.

## What it finds

Operators whose output has as many elements as the values happen to ask for: `NonZero`, `Unique`, `Compress`,
`NonMaxSuppression`. Boolean indexing (`x[mask]`) and `torch.unique` become such operators.

## Why it hurts

ONNX Runtime on a CPU or CUDA runs them. Stacks that plan their memory ahead (NNAPI, CoreML, QNN, TensorRT in part) do
not, or hand the rest of the model back to the CPU.

## How to mend it

Where one of those is the target, keep the size fixed: `torch.where(mask, x, 0)` instead of `x[mask]`, `topk` with a
fixed number instead of a threshold, the final selection after the model.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x[x > 0] * 2

    model = Net().eval()
    args = (torch.randn(3, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return torch.where(x > 0, x * 2, 0.0)

    model = Net().eval()
    args = (torch.randn(3, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated
from onnxmagic.graph.facts import Graph, Node

RULE = Rule("OM307", "data-dependent-shape", "info", "graph")

_BY_VALUES = frozenset({"NonZero", "Unique", "Compress", "NonMaxSuppression"})
_FIX = Fix("code", "torch.where(mask, x, 0) instead of x[mask], where the target wants sizes it can plan")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every source line with such operators, with the number of its nodes."""
    for nodes in evidence.by_line(_by_values(evidence.graph)):
        kinds = list(dict.fromkeys(node.op_type for node in nodes))
        sized = "makes an output whose size depends" if len(kinds) == 1 else "make outputs whose sizes depend"
        yield RULE.finding(
            f"{enumerated([code(kind) for kind in kinds])} {sized} on values. ONNX Runtime runs that; stacks that plan "
            "memory ahead, as on phones and in TensorRT, may not.",
            where=evidence.where(nodes[0].name),
            count=len(nodes),
            fix=_FIX,
        )


def _by_values(graph: Graph) -> list[Node]:
    # torch's older exporter counts elements with NonZero(ConstantOfShape(sizes)): that depends on sizes alone.
    filled = {out for n in graph.walk() if n.op_type == "ConstantOfShape" and not n.domain for out in n.outputs}
    return [
        node
        for node in graph.walk()
        if not node.domain and node.op_type in _BY_VALUES and not filled.intersection(node.inputs[:1])
    ]
