"""Pairs of models to run against each other, matched by hand: a node goes with the one of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx
import onnx.parser

from onnxmagic.check.finding import Where
from onnxmagic.diff.matching import Matching, Pair
from onnxmagic.diff.side import Side
from onnxmagic.graph.read import read

HEAD = '<ir_version: 10, opset_import: ["" : 20]>'
NET = """net (float[n, 4] x) => (float[n, 2] y)
<float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] b = {0.5, -1}>
{
   [matmul] h = MatMul (x, w)
   [add] s = Add (h, b)
   [relu] r = Relu (s)
   [exp] y = Exp (r)
}"""


@dataclass(frozen=True)
class Model:
    """What a comparison wants to know of a model."""

    side: Side
    own: bool = True
    example: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Where] = field(default_factory=dict)


def parsed(text: str = NET) -> onnx.ModelProto:
    return onnx.parser.parse_model(f"{HEAD} {text}")


def model(text: str | onnx.ModelProto | bytes | Path = NET, name: str = "a.onnx", **kwargs: Any) -> Model:
    source = parsed(text) if isinstance(text, str) else text
    source = source.SerializeToString() if isinstance(source, onnx.ModelProto) else source
    graph = read(source)
    return Model(Side(name, graph, graph.outline(), source), **kwargs)


def matched(a: Model, b: Model, renamed: Mapping[str, str] | None = None) -> Matching:
    others = {node.name: index for index, node in enumerate(b.side.nodes)}
    names = {node.name: (renamed or {}).get(node.name, node.name) for node in a.side.nodes}
    pairs = [(i, others[names[n.name]]) for i, n in enumerate(a.side.nodes) if names[n.name] in others]
    return Matching(tuple(Pair(one, other, "same name") for one, other in pairs))
