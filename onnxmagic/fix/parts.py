"""What several rewrites need to know of an ``onnx_ir`` model: its nodes, constants and what is left unused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["constant", "counted", "drop_unused", "nodes", "values"]


def nodes(model: ir.Model) -> Iterator[ir.Node]:
    """Yield every node: of the graph, of bodies in it, and of the model's own functions."""
    import onnx_ir as ir

    yield from ir.traversal.RecursiveGraphIterator(model.graph)
    for function in model.functions.values():
        yield from ir.traversal.RecursiveGraphIterator(function)


def values(model: ir.Model) -> Iterator[ir.Value]:
    """Yield every value of the graph and its bodies once: inputs, initializers and what nodes make."""
    for graph in model.graphs():
        yield from graph.inputs
        inputs = set(graph.inputs)
        yield from (value for value in graph.initializers.values() if value not in inputs)
        for node in graph:
            yield from node.outputs


def constant(value: ir.Value | None) -> ir.TensorProtocol | None:
    """Return the tensor that `value` always is; None when it is not stored, or when callers may replace it."""
    import onnx_ir as ir

    if value is None or value.is_graph_input():
        return None
    try:
        return ir.convenience.get_const_tensor(value)
    except ValueError:  # a Constant that is none
        return None


def drop_unused(candidates: Iterable[ir.Value | None]) -> None:
    """Remove those constants that nothing reads any more."""
    for value in dict.fromkeys(candidates):
        if value is None or value.uses() or value.is_graph_input() or value.is_graph_output():
            continue
        producer = value.producer()
        if producer is not None and producer.op_type == "Constant" and producer.graph is not None:
            producer.graph.remove(producer, safe=True)
        elif value.is_initializer() and value.graph is not None and value.name is not None:
            graph: Any = value.graph
            del graph.initializers[value.name]


def counted(number: int, thing: str, things: str = "") -> str:
    """Return ``"1 weight"``, ``"3 weights"``."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
