"""# float64-in-graph: double precision has crept into a float32 model.

## What it finds

Weights, inputs or casts of type float64 (DOUBLE) in a file whose other weights are float32 or less. Mostly a constant
that came from numpy: `torch.from_numpy(mean)` and `torch.tensor(np_array)` keep numpy's float64.

## Why it hurts

Everything that such a constant touches is computed in float64: slower, twice the memory, and an output of type float64
that callers do not expect. GPUs for inference and phones mostly have no float64; OpenCV gives wrong numbers without an
error.

## How to mend it

Make it float32 where it is made: `torch.tensor(mean, dtype=torch.float32)`, or `.float()`. In a finished file:
`--fix double-to-float`; numbers change in their last digits.

## Bad example

    import numpy as np
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)
            self.register_buffer("mean", torch.from_numpy(np.array([0.485, 0.456, 0.406])))

        def forward(self, x):
            return self.fc((x - self.mean).float())

    model = Net().eval()
    args = (torch.randn(2, 3),)

## Good example

    import numpy as np
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)
            self.register_buffer("mean", torch.from_numpy(np.array([0.485, 0.456, 0.406])).float())

        def forward(self, x):
            return self.fc(x - self.mean)

    model = Net().eval()
    args = (torch.randn(2, 3),)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Graph, Node

RULE = Rule("OM305", "float64-in-graph", "warning", "graph")

_SINGLE = frozenset({"float32", "float16", "bfloat16"})
_FIX = Fix(
    "code", "make it float32 where it is made: torch.tensor(values, dtype=torch.float32)", rewrite="double-to-float"
)


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding that names where float64 comes from, with the number of nodes that compute in it."""
    known = dtypes(evidence.graph)
    if "float64" not in known.values() or not _is_single(evidence.graph):
        return
    nodes = [n for n in evidence.graph.walk() if any(known.get(v) == "float64" for v in (*n.inputs, *n.outputs))]
    kept = [*evidence.graph.initializers, *evidence.graph.inputs, *evidence.graph.outputs]
    if all(node.op_type == "Cast" for node in nodes) and all(value.dtype != "float64" for value in kept):
        return  # nothing is computed in it: that is cast-chain's
    origin, where = _origin(evidence, known, nodes)
    returned = [v.name for v in evidence.graph.outputs if v.dtype == "float64"]
    effects = [f"{len(nodes)} nodes compute in double precision"] if len(nodes) > 1 else []
    effects += [f"output {code(returned[0])} is float64"] if returned else []
    result = f": {' and '.join(effects)}" if effects else ""
    yield RULE.finding(
        f"{origin}, in a model that is float32 otherwise{result}. That is slow, and few GPUs and no phones have it.",
        where=where,
        count=max(1, len(nodes)),
        fix=_FIX,
    )


def _is_single(graph: Graph) -> bool:
    """Return whether the model is one of float32 or less: by its larger part of weights, without any by its inputs."""
    sizes = {"float64": 0, "single": 0}
    for weight in graph.initializers:
        kind = "single" if weight.dtype in _SINGLE else weight.dtype
        if kind in sizes:
            sizes[kind] += weight.size
    if sizes["single"] != sizes["float64"]:
        return sizes["single"] > sizes["float64"]
    return any(value.dtype in _SINGLE for value in graph.inputs)


def _origin(evidence: GraphEvidence, known: Mapping[str, str], nodes: list[Node]) -> tuple[str, Where]:
    """Return what the first cause is, as the start of a sentence, and where it enters the graph."""
    used = {name: node for node in reversed(nodes) for name in node.inputs}
    for weight in evidence.graph.initializers:
        # A single number may be the exporter's; what was stored with a shape is the user's.
        if weight.dtype == "float64" and weight.shape:
            return f"{code(weight.name)} is stored as float64", _where(evidence, used.get(weight.name))
    for value in evidence.graph.inputs:
        if value.dtype == "float64":
            return f"Input {code(value.name)} is float64", _where(evidence, used.get(value.name))
    for node in nodes:
        if not any(known.get(name) == "float64" for name in node.inputs):
            kind = "casts to" if node.op_type == "Cast" else "makes"
            return f"{code(node.name or node.outputs[0])} ({node.op_type}) {kind} float64", _where(evidence, node)
    return "Some values are float64", _where(evidence, nodes[0] if nodes else None)


def _where(evidence: GraphEvidence, node: Node | None) -> Where:
    return evidence.where(node.name) if node else Where()
