"""# custom-operator: the file calls an operator that no runtime has of itself.

## What it finds

Nodes of an operator set that is neither ONNX's own, nor ONNX Runtime's, nor defined as a function in the file.

## Why it hurts

The ONNX checker accepts such a file, because it cannot know better; a runtime refuses to load it ("is not a registered
function/op") unless a library with the operator is registered there first, on every machine it goes to.

## How to mend it

Write the computation with ordinary operators. With `torch.onnx.export` itself, `custom_translation_table={op:
function}` puts them in the operator's place. If you ship the library, ignore this rule.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return torch.onnx.ops.symbolic("mylib::Triple", (x,), dtype=x.dtype, shape=x.shape, version=1)

    model = Net().eval()
    args = (torch.randn(3, 4),)
    options = {"prove": False}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * 3

    model = Net().eval()
    args = (torch.randn(3, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed
from onnxmagic.graph.facts import Graph, Node

RULE = Rule("OM303", "custom-operator", "warning", "graph")

# ONNX's own, and those that ONNX Runtime registers in every build.
_KNOWN = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training"}
    | {"com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental", "com.ms.internal.nhwc"}
)
_FIX = Fix(
    "code",
    "write it with ordinary operators, or give torch.onnx.export a translation: "
    "custom_translation_table={torch.ops.LIBRARY.NAME.default: function}",
)


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every foreign operator set, with the number of its nodes."""
    for domain, nodes in _foreign(evidence.graph).items():
        operators = list(dict.fromkeys(node.op_type for node in nodes))
        several = len(operators) > 1
        yield RULE.finding(
            f"{listed(operators)} {'are operators' if several else 'is an operator'} of the set {code(domain)}, which "
            f"no runtime brings along: the file loads only where a library with {'them' if several else 'it'} is "
            "registered.",
            where=evidence.where(nodes[0].name),
            count=len(nodes),
            fix=_FIX,
        )


def _foreign(graph: Graph) -> dict[str, list[Node]]:
    """Return nodes by operator set, for the sets that are nobody's."""
    defined = set(graph.defined)
    found: dict[str, list[Node]] = {}
    for node in graph.walk():
        if node.domain not in _KNOWN and (node.domain, node.op_type) not in defined:
            found.setdefault(node.domain, []).append(node)
    return found
