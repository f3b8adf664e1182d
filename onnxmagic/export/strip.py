"""The exported program as what goes into the file: a graph without secrets, and its weights apart.

torch writes a Python stack into every node: local paths and source lines, comments and literals of notebook cells
included (88 % of a small transformer's graph). The stacks are taken out, and kept in memory to point findings at the
user's lines. Module scopes stay: they are how a person recognises the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import onnx
import onnx_ir as ir

from onnxmagic.export.write import Weight

__all__ = ["Content", "content_of"]

STACK = "pkg.torch.onnx.stack_trace"
SOURCE_KEYS = (STACK, "pkg.torch.onnx.fx_node")
SMALL = 1024
"""Initializers up to this many bytes stay in the graph message; shapes and scalars are read with it."""


@dataclass(frozen=True)
class Content:
    """What goes into a file.

    ``traces`` maps node names to Python stacks; ``stripped`` counts the bytes of text that was taken out.
    """

    model: onnx.ModelProto
    weights: tuple[Weight, ...]
    traces: Mapping[str, str]
    stripped: int

    @property
    def nbytes(self) -> int:
        """Bytes of all weights that are kept apart."""
        return sum(weight.nbytes for weight in self.weights)


def content_of(program: Any, *, keep_source: bool) -> Content:
    """Take `program` (an ``ONNXProgram``, which is used up) apart."""
    model: ir.Model = program.model
    traces, stripped = _take_source(model, keep=keep_source)
    weights = tuple(_weights(model.graph))
    return Content(ir.to_proto(model), weights, traces, stripped)


def _take_source(model: ir.Model, *, keep: bool) -> tuple[dict[str, str], int]:
    traces: dict[str, str] = {}
    stripped = 0
    for node in _nodes(model):
        trace = node.metadata_props.get(STACK)
        if trace and node.name:
            traces[node.name] = trace
        if keep:
            continue
        stripped += len(node.doc_string or "")
        node.doc_string = None
        for key in SOURCE_KEYS:
            stripped += len(node.metadata_props.pop(key, ""))
    return traces, stripped


def _nodes(model: ir.Model) -> Iterator[ir.Node]:
    yield from ir.traversal.RecursiveGraphIterator(model.graph)
    for function in model.functions.values():
        yield from ir.traversal.RecursiveGraphIterator(function)


def _weights(graph: ir.Graph) -> Iterator[Weight]:
    """Take the large initializers out of `graph` and yield them."""
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if tensor is None or tensor.dtype is ir.DataType.STRING or tensor.nbytes <= SMALL:
            continue
        shape = tuple(int(dim) for dim in tensor.shape)  # type: ignore[arg-type]  # an initializer's shape is numbers
        del graph.initializers[name]
        yield Weight(name, int(tensor.dtype), shape, tensor.nbytes, _writer(tensor))


def _writer(tensor: Any) -> Any:
    def write(file: BinaryIO) -> None:
        if hasattr(tensor, "tofile"):
            tensor.tofile(file)  # straight from the tensor's memory
        else:
            file.write(tensor.tobytes())

    return write
