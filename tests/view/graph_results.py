"""Results whose graph is a real one, small enough to know by heart."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import samples  # pyright: ignore[reportMissingImports]  # beside this file

from onnxmagic.check.finding import Finding, Where
from onnxmagic.export.result import Export
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import read

sys.path.insert(0, str(Path(__file__).parents[1] / "graph"))

import small_graphs  # pyright: ignore[reportMissingImports]  # of tests/graph; put on the path above

NET = """
<ir_version: 10, opset_import: ["" : 20]>
net (float[batch,4] x) => (float[batch,2] y)
<float[4,4] block__up__weight = {1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4}, float[4,2] head__weight = {1,2,3,4,5,6,7,8},
 float[batch,4] a, float[batch,4] b, float[batch,4] c, float[batch,2] d>
{
   [up] a = MatMul (x, block__up__weight)
   [act] b = LeakyRelu <alpha = 0.25> (a)
   [sum] c = Add (b, x)
   [head] d = MatMul (c, head__weight)
   [prob] y = Softmax <axis = -1> (d)
}
"""
SCOPES = {
    "up": ("block.up", "Linear"),
    "act": ("block.act", "LeakyReLU"),
    "sum": ("block", "Block"),
    "head": ("head", "Linear"),
    "prob": ("", ""),
}
ACT = Finding(
    "OM304", "cast-chain", "warning", "`act` is worth a look.", Where(node="act", cell=4, line=7, source="y = act(a)")
)
"""A finding of a node that is in the file."""


def graph(**names: str) -> Graph:
    """Return the graph; ``names`` are other names for its nodes."""
    proto = small_graphs.scoped(small_graphs.model(NET), **SCOPES)
    for node in proto.graph.node:
        node.name = names.get(node.name, node.name)
    return read(proto.SerializeToString())


def result(**changes: Any) -> Export:
    """Return an export of that graph with a finding of its second node."""
    found = {"findings": (ACT, samples.TRAIN_MODE), "graph": graph(), "places": {"act": ACT.where}}
    return samples.ready(**{**found, **changes})
