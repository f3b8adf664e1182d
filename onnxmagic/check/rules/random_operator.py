"""# random-operator: the file draws random numbers.

## What it finds

Operators that draw random numbers (`RandomNormal`, `RandomUniform`, their `Like` forms, `Bernoulli`, `Multinomial`) and
whose numbers reach an output.

## Why it hurts

The same input gets another answer on every call, so nobody can test the file against the model, and TensorRT and OpenCV
refuse such operators. Often it is noise for training that was left on: `Dropout2d`, stochastic depth, a VAE's sample.

## How to mend it

Noise for training belongs behind `if self.training:`. A VAE returns the mean in eval mode. Where the noise is wanted,
make it an input of `forward`, so that the caller draws it and can repeat it.

## Bad example

    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.spread = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            return self.mean(x) + self.spread(x).exp() * torch.randn_like(self.mean(x))

    model = Encoder().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.spread = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            mean = self.mean(x)
            if self.training:
                return mean + self.spread(x).exp() * torch.randn_like(mean)
            return mean

    model = Encoder().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated
from onnxmagic.graph.facts import Graph, Node

RULE = Rule("OM104", "random-operator", "warning", "graph")

_RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
)
_FIX = Fix("code", "draw it only `if self.training:`, or make it an input: def forward(self, x, noise)")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every source line with random operators, with the number of its nodes."""
    if evidence.asked_train:
        return  # their noise is what was asked for
    for nodes in evidence.by_line(_drawing(evidence.graph)):
        kinds = list(dict.fromkeys(node.op_type for node in nodes))
        seeded = any("seed" in node.attributes for node in nodes)
        seed = "; a seed only makes the first call of a session repeatable" if seeded else ""
        who = f"{enumerated([code(kind) for kind in kinds])} {'draws' if len(kinds) == 1 else 'draw'}"
        yield RULE.finding(
            f"{who} random numbers in the file, so the same input gets another answer on every call{seed}.",
            where=evidence.where(nodes[0].name),
            count=len(nodes),
            fix=_FIX,
        )


def _drawing(graph: Graph) -> list[Node]:
    """Return the random nodes of whose outputs one is used."""
    random = [node for node in graph.walk() if not node.domain and node.op_type in _RANDOM]
    if not random:
        return []
    used = {name for node in graph.walk() for name in node.inputs}
    used |= {value.name for value in graph.outputs}
    used |= {value.name for node in graph.walk() for body in node.body for value in body.outputs}
    return [node for node in random if used.intersection(filter(None, node.outputs))]
