"""# axis-name-clash: axes of different sizes have one name.

## What it finds

A name of a dynamic axis that cannot be one size: an output's axis that has an input's name and is certainly another
size (a stride halved it, a concatenation doubled it), axes of one name that weights force to different sizes, and,
where the sizes of an example are known, axes of one name that differ in it. That two free axes have one name and
nothing relates them is not visible in a file.

## Why it hurts

Users and tools take a name as a promise: what has one name has one size. ONNX Runtime plans memory by it and warns at
every call; TensorRT and shape inference build on it and fail, or give wrong shapes.

## How to mend it

Give each its own name, for example `dynamic={"x": {2: "height"}, "y": {2: "half_height"}}`, or none: an axis of an
output needs no name.

## Bad example

    import onnx.parser

    file = onnx.parser.parse_model(
        '''
        <ir_version: 8, opset_import: ["" : 17]>
        twice (float[n,4] x) => (float[n,4] y)
        {
            y = Concat <axis = 0> (x, x)
        }
        '''
    ).SerializeToString()

## Good example

    import onnx.parser

    file = onnx.parser.parse_model(
        '''
        <ir_version: 8, opset_import: ["" : 17]>
        twice (float[n,4] x) => (float[n_twice,4] y)
        {
            y = Concat <axis = 0> (x, x)
        }
        '''
    ).SerializeToString()
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.axis_sizes import AxisSize, Forced, Sizes, follow
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated
from onnxmagic.graph.facts import Graph

RULE = Rule("OM205", "axis-name-clash", "warning", "graph")

_FIX = Fix("option", "give each axis a name of its own", "--dynamic")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield one finding for every name that stands for different sizes."""
    sizes = follow(evidence.graph)
    places = {**_fixed(sizes), **_derived(evidence.graph, sizes), **_in_example(evidence)}
    for name, (said, count) in places.items():
        yield RULE.finding(f"Axes of different sizes are called {code(name)}: {said}.", count=count, fix=_FIX)


def _in_example(evidence: GraphEvidence) -> dict[str, tuple[str, int]]:
    """Return the names of input axes whose sizes differ in the example, with what to say."""
    seen: dict[str, dict[int, str]] = {}
    for value in evidence.graph.inputs:
        shape = (evidence.example_shapes or {}).get(value.name, ())
        for index, (dim, size) in enumerate(zip(value.shape or (), shape, strict=False)):
            if isinstance(dim, str):
                seen.setdefault(dim, {}).setdefault(size, f"axis {index} of {code(value.name)} is {size}")
    return {
        name: (f"{enumerated(list(sizes.values())[:3])} in your example", len(sizes))
        for name, sizes in seen.items()
        if len(sizes) > 1
    }


def _derived(graph: Graph, sizes: Sizes) -> dict[str, tuple[str, int]]:
    """Return the names that outputs have and that are certainly another size there."""
    found: dict[str, list[str]] = {}
    for value in graph.outputs:
        for index, (dim, size) in enumerate(zip(value.shape or (), sizes.shapes.get(value.name, ()), strict=False)):
            if isinstance(dim, str) and isinstance(size, AxisSize) and size.name == dim and size.differs:
                found.setdefault(dim, []).append(f"axis {index} of output {code(value.name)} is {_multiple(size)}")
    return {name: (enumerated(said[:3]), len(said) + 1) for name, said in found.items()}


def _multiple(size: AxisSize) -> str:
    """Return for a person how a size follows from an input's."""
    if size.factor == 1:
        offset = size.offset or 0
        return f"{abs(offset)} {'more' if offset > 0 else 'less'} than the input's"
    about = "" if size.offset == 0 else "about "
    if size.factor.denominator == 1:
        return f"{about}{size.factor} times the input's"
    return f"{about}{size.factor} of the input's"


def _fixed(sizes: Sizes) -> dict[str, tuple[str, int]]:
    """Return the names that weights force to different sizes."""
    by_name: dict[str, dict[int, Forced]] = {}
    for forced in sizes.forced:
        by_name.setdefault(forced.name, {}).setdefault(forced.size, forced)
    return {
        name: (enumerated([f"{size} at node {_node(f)}" for size, f in found.items()][:3]), len(found))
        for name, found in by_name.items()
        if len(found) > 1
    }


def _node(forced: Forced) -> str:
    return code(forced.node.name or forced.node.outputs[0])
