"""Where a model's external data is, as the model itself says. Nothing is opened and no folder is looked at here.

Every tensor can be external: weights, those of bodies and functions, sparse ones, and values of attributes. A reader
that forgets one of these places can be led out of the model's folder through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from onnxmagic.graph.tensors import external_file, nbytes, text

if TYPE_CHECKING:
    import onnx

__all__ = ["External", "external", "more_nodes"]


@dataclass(frozen=True, slots=True)
class External:
    """One tensor's place in another file: ``length`` bytes from ``offset`` on; ``location`` as the model writes it."""

    tensor: str
    location: str
    offset: int
    length: int


def external(model: onnx.ModelProto) -> tuple[External, ...]:
    """Return the places of all tensors whose values are in other files."""
    return tuple(_place(tensor) for tensor in _tensors(model) if external_file(tensor) is not None)


def more_nodes(model: onnx.ModelProto, most: int) -> bool:
    """Tell whether the model has more than `most` nodes, those of bodies and functions included."""
    bodies = [model.graph.node, *(function.node for function in model.functions)]
    return next(islice((node for body in bodies for node in _nodes(body)), most, None), None) is not None


def _nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from _nodes(body.node)


def _place(tensor: onnx.TensorProto) -> External:
    entries = {text(entry.key): text(entry.value) for entry in tensor.external_data}
    length = _number(entries.get("length", "")) or nbytes(tensor)
    return External(text(tensor.name), entries.get("location", ""), _number(entries.get("offset", "")), length)


def _number(written: str) -> int:
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 20 else 0


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)
        yield from _of_attributes(function.attribute_proto)
    for training in model.training_info:
        yield from _of_graph(training.initialization)
        yield from _of_graph(training.algorithm)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    yield from _of_sparse(graph.sparse_initializer)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        yield from _of_attributes(node.attribute)


def _of_attributes(attributes: Iterable[onnx.AttributeProto]) -> Iterator[onnx.TensorProto]:
    from onnx import AttributeProto

    numbers = {AttributeProto.FLOAT, AttributeProto.INT, AttributeProto.FLOATS, AttributeProto.INTS}
    for attribute in attributes:
        if attribute.type in numbers or attribute.type == AttributeProto.STRING:
            continue
        # Whatever the type says, a reader may look at any of these.
        yield from (attribute.t, *attribute.tensors)
        yield from _of_sparse((attribute.sparse_tensor, *attribute.sparse_tensors))
        for body in (attribute.g, *attribute.graphs):
            yield from _of_graph(body)


def _of_sparse(sparse: Iterable[onnx.SparseTensorProto]) -> Iterator[onnx.TensorProto]:
    for tensor in sparse:
        yield from (tensor.values, tensor.indices)
