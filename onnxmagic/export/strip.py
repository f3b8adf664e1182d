"""The exported program as what goes into the file: a graph without secrets, and its weights apart.

torch writes a Python stack into every node: local paths and source lines, comments and literals of notebook cells
included (88 % of a small transformer's graph). The stacks are taken out, and kept in memory to point findings at the
user's lines. Module scopes stay: they are how a person recognises the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx
import onnx_ir as ir

from onnxmagic.diff.folded import FOLDED_FROM
from onnxmagic.disk.weights import take_weights
from onnxmagic.disk.write import Weight
from onnxmagic.export.fixed import Fixed

__all__ = ["Content", "content_of"]

STACK = "pkg.torch.onnx.stack_trace"
SOURCE_KEYS = (STACK, "pkg.torch.onnx.fx_node")


@dataclass(frozen=True)
class Content:
    """What goes into a file.

    ``traces`` maps node names to Python stacks; ``stripped`` counts the bytes of text that was taken out; ``fixed`` is
    what was rewritten; ``chosen`` says which opset and IR version were taken and why, ``opset_problem`` why it is
    another opset than was wanted.
    """

    model: onnx.ModelProto
    weights: tuple[Weight, ...]
    traces: Mapping[str, str]
    stripped: int
    fixed: Fixed = field(default_factory=Fixed)
    chosen: tuple[str, ...] = ()
    opset_problem: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes of all weights that are kept apart."""
        return sum(weight.nbytes for weight in self.weights)


def content_of(program: Any, *, keep_source: bool, rewrite: Callable[[ir.Model], Fixed] = lambda _: Fixed()) -> Content:
    """Take `program` (an ``ONNXProgram``, which is used up) apart, after `rewrite` has changed its graph."""
    model: ir.Model = program.model
    traces, stripped = _take_source(model, keep=keep_source)
    fixed = rewrite(model)
    weights = take_weights(model.graph)
    proto = ir.to_proto(model)
    _tell_types_once(proto, {weight.name for weight in weights})
    return Content(proto, weights, traces, stripped, fixed)


def _tell_types_once(model: onnx.ModelProto, weights: set[str]) -> None:
    """Take the value infos of weights out, which have type and shape themselves.

    A tool that transposes a weight and leaves its value info as it was makes a file that cannot be read: ONNX Runtime's
    ``quantize_dynamic`` does with every Gemm. Those of folded weights stay, for they alone name the parameter behind.
    """
    own = weights | {tensor.name for tensor in model.graph.initializer}
    kept = [value for value in model.graph.value_info if value.name not in own or _is_folded(value)]
    model.graph.ClearField("value_info")
    model.graph.value_info.extend(kept)


def _is_folded(value: onnx.ValueInfoProto) -> bool:
    return any(entry.key == FOLDED_FROM for entry in value.metadata_props)


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
