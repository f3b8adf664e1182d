"""The element type of every value, also in files whose writer left the types of intermediate values out.

Most files say it. Where one does not, the type follows from the operator for nearly all of them: it is the first
input's, a Cast says its own, a comparison is bool. Where that is not certain the type stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onnxmagic.graph.facts import Graph, Node
from onnxmagic.graph.tensors import dtype_name

__all__ = ["dtypes"]

_FIXED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf"),
        "bool",
    ),
    **dict.fromkeys(("Shape", "Size", "ArgMax", "ArgMin", "NonZero", "NonMaxSuppression"), "int64"),
}

# Operators whose outputs do not all have the type of their first input.
_UNLIKE_FIRST: Final = frozenset(
    {"ConstantOfShape", "CastLike", "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "If", "Loop", "Scan"}
    | {"MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "OneHot", "EyeLike", "Multinomial", "Bernoulli"}
    | {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "SequenceEmpty", "SequenceAt"}
    | {"HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", "BitCast", "Constant", "Optional"}
    | {"OptionalGetElement", "OptionalHasElement", "SequenceLength", "StringSplit", "RegexFullMatch"}
)
_FROM_SECOND: Final = frozenset({"Where"})
_SECOND_OUTPUT_DIFFERS: Final = frozenset({"TopK", "Dropout", "MaxPool", "Unique"})


def dtypes(graph: Graph) -> dict[str, str]:
    """Return numpy's dtype name by value name, for all values whose type is known or follows."""
    known: dict[str, str] = {}
    _collect(graph, known)
    for node in graph.walk():
        for position, output in enumerate(node.outputs):
            if output and not known.get(output) and (dtype := _derived(node, position, known)):
                known[output] = dtype
    return known


def _collect(graph: Graph, known: dict[str, str]) -> None:
    """Note the types that the file says, those in the bodies of control flow included."""
    for value in (*graph.values.values(), *graph.inputs, *graph.outputs):
        if value.dtype:
            known[value.name] = value.dtype
    known.update((i.name, i.dtype) for i in graph.initializers)
    for node in graph.nodes:
        for body in node.body:
            _collect(body, known)


def _derived(node: Node, position: int, known: Mapping[str, str]) -> str:
    """Return the type of an output; ``""`` where it does not follow."""
    if node.domain:
        return ""
    if node.op_type == "Cast":
        return dtype_name(to) if isinstance(to := node.attributes.get("to"), int) else ""
    if node.op_type in _FIXED:
        return _FIXED[node.op_type]
    if node.op_type in _UNLIKE_FIRST or (position and node.op_type in _SECOND_OUTPUT_DIFFERS):
        return ""
    source = 1 if node.op_type in _FROM_SECOND else 0
    return known.get(node.inputs[source], "") if len(node.inputs) > source else ""
