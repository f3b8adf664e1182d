"""# half-range: numbers that do not fit into half precision.

## What it finds

In a float16 graph: an epsilon that has become 0 and so protects nothing, a weight that has become infinity, and squares
or exponentials that are summed up in float16.

## Why it hurts

float16 ends at 65,504 and knows nothing between 0 and 6e-8. A square overflows from 256 on, an exponential from 12
on; an epsilon of 1e-8 is 0. The result is infinity or NaN for some inputs only, mostly not for those that were tried.

## How to mend it

Keep such a place in float32: `x.float().pow(2).mean(-1)`, then `.half()`. Choose an epsilon of at least 1e-5.
Converters to float16 have a list of operators to leave alone.

## Bad example

    import onnx.parser

    file = onnx.parser.parse_model(
        '''
        <ir_version: 8, opset_import: ["" : 18]>
        norm (float16[n,64] x) => (float16[n,64] y)
        <float16 eps = {0}, float16[n,64] square, int64[1] axes = {-1}, float16[n,1] mean, float16[n,1] safe>
        {
            square = Mul (x, x)
            mean = ReduceMean (square, axes)
            safe = Add (mean, eps)
            root = Sqrt (safe)
            y = Div (x, root)
        }
        '''
    ).SerializeToString()

## Good example

    import onnx.parser

    file = onnx.parser.parse_model(
        '''
        <ir_version: 8, opset_import: ["" : 18]>
        norm (float16[n,64] x) => (float16[n,64] y)
        <float eps = {0.00001}, int64[1] axes = {-1}, float[n,64] wide, float[n,1] mean>
        {
            wide = Cast <to = 1> (x)
            square = Mul (wide, wide)
            mean = ReduceMean (square, axes)
            safe = Add (mean, eps)
            root = Sqrt (safe)
            normal = Div (wide, root)
            y = Cast <to = 10> (normal)
        }
        '''
    ).SerializeToString()
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Graph, Initializer, Node
from onnxmagic.graph.weights import weights

RULE = Rule("OM408", "half-range", "warning", "graph")

_READ_AT_MOST: Final = 64 * 10**6
"""Bytes of float16 weights that are looked through for infinities; beyond that the rest is not looked at."""

_SUMS: Final = frozenset({"ReduceMean", "ReduceSum"})
_SUMS_OF_SQUARES: Final = frozenset({"ReduceSumSquare", "ReduceL2"})

_DEAD_EPSILON: Final = (
    "adds or clamps to an epsilon that is 0 in float16, so the division after it has no protection and can give "
    "infinity or NaN"
)
_OVERFLOW: Final = (
    "sums up squares or exponentials in float16, which ends at 65,504: a square overflows from 256 on, an exponential "
    "from 12 on"
)


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding each for dead epsilons, overflowing sums and infinite weights."""
    known = dtypes(evidence.graph)
    if "float16" not in known.values():
        return
    constants = _constants(evidence.graph)
    if nodes := _dead_epsilons(evidence.graph, known, constants):
        yield _at(evidence, nodes, _DEAD_EPSILON, "an epsilon of 1e-5 or more")
    if nodes := _sums(evidence.graph, known, constants):
        yield _at(evidence, nodes, _OVERFLOW, "x.float() before it and .half() after it")
    if infinite := _infinite(evidence):
        yield RULE.finding(
            f"{listed(infinite)} {'hold' if len(infinite) > 1 else 'holds'} infinity or NaN: a number beyond 65,504 "
            "does not fit into float16. What is computed with it is infinite or NaN too.",
            count=len(infinite),
            fix=Fix("code", "keep this weight in float32, or scale it down"),
        )


def _at(evidence: GraphEvidence, nodes: Sequence[Node], what: str, cure: str) -> Finding:
    name = code(nodes[0].name or nodes[0].outputs[0])
    return RULE.finding(
        f"{name} ({nodes[0].op_type}) {what}.",
        where=evidence.where(nodes[0].name),
        count=len(nodes),
        fix=Fix("code", cure),
    )


def _constants(graph: Graph) -> dict[str, Any]:
    """Return the values of small initializers and Constant nodes by name."""
    found: dict[str, Any] = {i.name: i.value for i in graph.initializers if i.value is not None}
    for node in graph.walk():
        if node.op_type == "Constant" and node.outputs:
            found[node.outputs[0]] = node.attributes.get("value")
    return found


def _dead_epsilons(graph: Graph, known: Mapping[str, str], constants: Mapping[str, Any]) -> list[Node]:
    """Return the float16 nodes that add 0, or clamp to 0 or more, what is divided by next."""
    came_from: dict[str, Node] = {}
    found: dict[str, Node] = {}
    for node in graph.walk():
        if not node.outputs or not node.inputs or node.domain:
            continue
        if _protects(node, constants) and known.get(node.outputs[0]) == "float16":
            came_from[node.outputs[0]] = node
        elif node.op_type in {"Expand", "Sqrt"} and node.inputs[0] in came_from:
            came_from[node.outputs[0]] = came_from[node.inputs[0]]
        divisor = node.inputs[-1] if node.op_type in {"Div", "Reciprocal", "Log"} else ""
        if divisor in came_from:
            found[came_from[divisor].outputs[0]] = came_from[divisor]
    return list(found.values())


def _protects(node: Node, constants: Mapping[str, Any]) -> bool:
    """Return whether a node adds a constant 0, or clamps to one from below: what an epsilon does."""
    if node.op_type not in {"Add", "Max", "Clip"}:
        return False
    return any(_is_zero(constants.get(name)) for name in (node.inputs[1:2] if node.op_type == "Clip" else node.inputs))


def _sums(graph: Graph, known: Mapping[str, str], constants: Mapping[str, Any]) -> list[Node]:
    """Return the float16 nodes that sum up squares or exponentials."""
    grown = {node.outputs[0] for node in graph.walk() if node.outputs and _grows(node, constants)}
    return [
        node
        for node in graph.walk()
        if node.outputs
        and not node.domain
        and known.get(node.outputs[0]) == "float16"
        and (node.op_type in _SUMS_OF_SQUARES or (node.op_type in _SUMS and node.inputs and node.inputs[0] in grown))
    ]


def _grows(node: Node, constants: Mapping[str, Any]) -> bool:
    """Return whether a node squares its input or raises it, or e, to a power."""
    if node.op_type == "Exp":
        return True
    if len(node.inputs) != 2:
        return False
    first, second = node.inputs
    if node.op_type == "Mul":
        return first == second
    power = constants.get(second)
    power = power[0] if isinstance(power, list) and len(power) == 1 else power
    return node.op_type == "Pow" and isinstance(power, (int, float)) and power >= 2


def _is_zero(value: Any) -> bool:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return isinstance(value, (int, float)) and value == 0


def _infinite(evidence: GraphEvidence) -> list[str]:
    """Return the float16 weights with +infinity or NaN; minus infinity is how masks are written."""
    import numpy as np

    wanted: list[Initializer] = []
    budget = _READ_AT_MOST
    for weight in evidence.graph.initializers:
        if weight.dtype == "float16" and weight.nbytes <= budget:
            wanted.append(weight)
            budget -= weight.nbytes
    found: list[str] = []
    if not wanted:
        return found
    with weights(evidence.source, {weight.name for weight in wanted}) as values:
        for weight in wanted:
            for block in values.blocks(weight.name):
                numbers = np.frombuffer(block, dtype="<f2", count=len(block) // 2)
                if bool(np.any(np.isnan(numbers) | (numbers == np.inf))):
                    found.append(weight.name)
                    break
    return found
