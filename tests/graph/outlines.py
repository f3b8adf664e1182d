"""Outlines in words that a test can compare."""

from __future__ import annotations

import onnx
from small_graphs import model

from onnxmagic.graph.facts import Graph, Initializer, Node, Value
from onnxmagic.graph.outline import Outline, outline
from onnxmagic.graph.read import read


def outlined(source: str | onnx.ModelProto) -> Outline:
    """Return the outline of ONNX text, or of a model."""
    proto = model(source) if isinstance(source, str) else source
    return sound(outline(read(proto.SerializeToString())))


def sound(found: Outline) -> Outline:
    """Check what holds for every outline, and return it."""
    nodes, values, scopes = len(found.nodes), len(found.values), len(found.scopes)
    assert len(found.of_node) == len(found.weights) == len(found.reads) == len(found.makes) == nodes
    assert (scopes == 0) == (found.scopes == ())
    assert found.scopes[0].path == ""
    assert all(-1 <= scope.parent < index for index, scope in enumerate(found.scopes))
    assert [index for index, scope in enumerate(found.scopes) if scope.parent < 0] == [0]
    assert len({scope.path for scope in found.scopes}) == scopes
    assert all((scope.kind == "body") == (scope.owner >= 0) for scope in found.scopes)
    assert all(0 <= scope < scopes for scope in found.of_node)
    for edge in found.edges:
        assert -1 <= edge.source < nodes
        assert -1 <= edge.target < nodes
        assert 0 <= edge.value < values
        assert edge.source >= 0 or edge.value in found.inputs
        assert edge.target >= 0 or edge.value in found.outputs
    assert all(0 <= value < values for value in (*found.inputs, *found.outputs))
    assert all(-1 <= value < values for made in found.makes for value in made)
    assert len(set(found.edges)) == len(found.edges)
    return found


def arrows(found: Outline) -> set[tuple[str, str, str]]:
    """Return the edges as (operator or ``in``, value, operator or ``out``)."""
    ops = [node.op_type for node in found.nodes]
    return {
        (
            ops[edge.source] if edge.source >= 0 else "in",
            found.values[edge.value].name,
            ops[edge.target] if edge.target >= 0 else "out",
        )
        for edge in found.edges
    }


def places(found: Outline) -> list[tuple[str, str]]:
    """Return each node's operator with the path of its scope."""
    return [(node.op_type, found.scopes[scope].path) for node, scope in zip(found.nodes, found.of_node, strict=True)]


def chain(*ops: str, weights: dict[int, tuple[int, ...]] | None = None, names: list[str] | None = None) -> Graph:
    """Return a graph in which each operator reads the one before it, some with a weight of a shape."""
    stored = {at: Initializer(f"w{at}", "float32", shape, 4) for at, shape in (weights or {}).items()}
    nodes = [
        Node(
            names[at] if names else "",
            op,
            "",
            (f"v{at}", *([stored[at].name] if at in stored else [])),
            (f"v{at + 1}",),
        )
        for at, op in enumerate(ops)
    ]
    return of_nodes(nodes, "v0", f"v{len(ops)}", tuple(stored.values()))


def of_nodes(nodes: list[Node], first: str, last: str, stored: tuple[Initializer, ...] = ()) -> Graph:
    """Return a graph of `nodes` from one input to one output."""
    return Graph(
        name="g",
        inputs=(Value(first, "float32", ("n", 4)),),
        outputs=(Value(last, "float32", ("n", 4)),),
        nodes=tuple(nodes),
        initializers=stored,
        values={},
        opsets={"": 20},
        ir_version=10,
        producer="",
        modules=None,
    )
