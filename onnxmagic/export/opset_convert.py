"""A graph written for another operator set; this runs in a process of its own.

PyTorch's exporter knows opset 18 and newer. Below that it hands the finished graph to ONNX's version converter, inside
the user's kernel: C++ code with assertions, which has no way back for operators as plain as Relu and Shape, and leaves
attributes that the older set does not know, so that the file is invalid. Here each node is written for the older set
(``opset_adapters``); where that fails, and for newer sets, ONNX's converter is asked. What comes out is judged by
ONNX's full checker, and proved by whoever asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from onnxmagic.export.opset_adapters import ADAPTERS, CannotConvert, Scope

__all__ = ["CannotConvert", "convert", "lowered"]

Weights = Sequence[Sequence[Any]]
"""Name, element type and shape of each initializer that is not in the model."""


def convert(data: np.ndarray[Any, Any], weights: Weights, opset: int) -> np.ndarray[Any, Any]:
    """Return a serialized model in operator set `opset`.

    Parameters
    ----------
    data : array of uint8
        The serialized model, without the initializers in `weights`.

    Raises
    ------
    CannotConvert
        The message is the reason, one clause.
    """
    model = onnx.ModelProto.FromString(data.tobytes())
    # To be checked the model must be whole: a weight that is elsewhere is an input meanwhile.
    inputs = len(model.graph.input)
    model.graph.input.extend(helper.make_tensor_value_info(name, kind, list(dims)) for name, kind, dims in weights)
    try:
        converted = _checked(lowered(model, opset) if opset < _opset(model) else _by_onnx(model, opset))
    except CannotConvert:
        if opset >= _opset(model):
            raise
        try:
            converted = _checked(_by_onnx(model, opset))
        except CannotConvert:
            converted = None
        if converted is None:
            raise
    del converted.graph.input[inputs:]
    return np.frombuffer(converted.SerializeToString(), np.uint8)


def lowered(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """Return a copy of `model` in the older operator set `opset`.

    Raises
    ------
    CannotConvert
    """
    if model.functions:
        raise CannotConvert("the model has functions of its own")
    result = onnx.ModelProto()
    result.CopyFrom(model)
    _Lowering(_opset(model), opset).graph(result.graph, Scope(opset))
    _drop_unused(result.graph)
    _stamp(result, opset)
    return result


class _Lowering:
    """Node by node, the bodies of control flow included."""

    def __init__(self, now: int, then: int) -> None:
        self.now = now
        self.then = then

    def graph(self, graph: onnx.GraphProto, scope: Scope) -> None:
        for value in (*graph.input, *graph.value_info, *graph.output):
            if value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"):
                dims = value.type.tensor_type.shape.dim
                scope.shapes[value.name] = [d.dim_value if d.HasField("dim_value") else None for d in dims]
        scope.constants.update((t.name, numpy_helper.to_array(t)) for t in graph.initializer if _has_values(t))
        nodes = [new for node in graph.node for new in self.node(node, scope)]
        del graph.node[:]
        graph.node.extend(nodes)

    def node(self, node: onnx.NodeProto, scope: Scope) -> Iterator[onnx.NodeProto]:
        if node.domain not in ("", "ai.onnx"):
            yield node
            return
        for body in _bodies(node):
            self.graph(body, Scope(scope.opset, dict(scope.shapes), dict(scope.constants)))
        if node.op_type == "Constant" and (value := _value_of(node)) is not None:
            scope.constants[node.output[0]] = value
        original = onnx.NodeProto()
        original.CopyFrom(node)
        new = list(ADAPTERS[node.op_type](node, scope)) if node.op_type in ADAPTERS else [node]
        for number, each in enumerate(new):
            self._conform(each)
            if each is not node or len(new) > 1:
                _inherit(each, original, number)
            yield each

    def _conform(self, node: onnx.NodeProto) -> None:
        """Take out what says what the older operator does anyway, and refuse what it does not know."""
        old = _schema(node.op_type, self.then)
        new = _schema(node.op_type, self.now)
        if old is None:
            raise CannotConvert(f"there is no {node.op_type} in opset {self.then}")
        if new is None or old.since_version == new.since_version:
            return
        for attribute in list(node.attribute):
            if attribute.name in old.attributes:
                continue
            default = new.attributes[attribute.name].default_value if attribute.name in new.attributes else None
            if default is None or helper.get_attribute_value(default) != helper.get_attribute_value(attribute):
                raise CannotConvert(f"{node.op_type} with `{attribute.name}` is newer than opset {self.then}")
            node.attribute.remove(attribute)
        if len(node.input) > old.max_input:
            raise CannotConvert(f"{node.op_type} with {len(node.input)} inputs is newer than opset {self.then}")


def _by_onnx(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    from onnx import version_converter

    try:
        converted = version_converter.convert_version(model, opset)
    # It raises all kinds from C++.
    except Exception as error:
        raise CannotConvert(f"ONNX's version converter refused it: {_line(error)}") from error
    # The converter drops descriptions: the modules that nodes came from among them.
    known = {node.name: node for node in model.graph.node if node.name}
    for node in converted.graph.node:
        if node.name in known and not node.metadata_props:
            node.metadata_props.extend(known[node.name].metadata_props)
    converted.metadata_props.extend(p for p in model.metadata_props if p not in list(converted.metadata_props))
    converted.graph.metadata_props.extend(model.graph.metadata_props)
    return converted


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        onnx.checker.check_model(model, full_check=True)
    # ValidationError and InferenceError mostly.
    except Exception as error:
        raise CannotConvert(f"the result is invalid: {_line(error)}") from error
    return model


def _schema(operator: str, opset: int) -> Any:
    try:
        return onnx.defs.get_schema(operator, opset, "")
    except onnx.defs.SchemaError:
        return None


def _opset(model: onnx.ModelProto) -> int:
    return next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)


def _stamp(model: onnx.ModelProto, opset: int) -> None:
    for imported in model.opset_import:
        if imported.domain in ("", "ai.onnx"):
            imported.version = opset


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Drop the constants that were made attributes."""
    read = {name for node in _all_nodes(graph) for name in node.input} | {output.name for output in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for body in _bodies(node):
            yield from _all_nodes(body)


def _inherit(node: onnx.NodeProto, original: onnx.NodeProto, number: int) -> None:
    """Give a new node the name and the descriptions of the one whose place it takes."""
    if node.name == original.name and node.op_type == original.op_type:
        return
    node.name = f"{original.name}/{number}" if original.name else ""
    del node.metadata_props[:]
    node.metadata_props.extend(original.metadata_props)


def _bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        yield from ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs)


def _value_of(node: onnx.NodeProto) -> np.ndarray[Any, Any] | None:
    value = helper.get_attribute_value(node.attribute[0]) if node.attribute else None
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value) if _has_values(value) else None
    return None if value is None or isinstance(value, (bytes, onnx.SparseTensorProto)) else np.asarray(value)


def _has_values(tensor: onnx.TensorProto) -> bool:
    return tensor.data_location != onnx.TensorProto.EXTERNAL and tensor.data_type != onnx.TensorProto.STRING


def _line(error: Exception) -> str:
    return " ".join(str(error).partition("==> Context")[0].split())[:200]
