"""Is the file a valid model? ONNX's own full checker answers, in milliseconds, without the weights.

The checker reads every weight only to see that its size fits. Here it gets the skeleton, in which each weight whose
values were left out has become an input of the same type and shape: everything that follows from types and shapes is
checked as before, and external data is neither needed nor looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from onnxmagic.graph.read import Source, skeleton
from onnxmagic.graph.tensors import external_file, left_out

if TYPE_CHECKING:
    import onnx

__all__ = ["structure_error"]

_NODE_AT_END = re.compile(r"Name: (?P<name>\S*) OpType: (?P<op>\S+)")
_NODE_IN_BRACKETS = re.compile(r"\(op_type:(?P<op>[^,)]+)(?:, node name: (?P<name>[^)]*))?\):?")


def structure_error(source: Source) -> str:
    """Return what ONNX's full checker has against the model, in one line; ``""`` when it accepts it.

    Parameters
    ----------
    source : path or bytes

    Raises
    ------
    NotAModel
        It cannot be read at all.
    OSError
        The file cannot be opened.
    """
    import onnx

    model = skeleton(source)
    _replace_left_out(model)
    try:
        onnx.checker.check_model(model, full_check=True)
    # ValidationError and InferenceError mostly, but a strange model makes it raise other kinds from C++ too; whichever
    # it is, the model was not accepted.
    except Exception as error:  # noqa: BLE001
        return _plain(str(error)) or type(error).__name__
    return ""


def _replace_left_out(model: onnx.ModelProto) -> None:
    """Put values from nowhere in the place of tensors without values: inputs, or in a body nodes that make them."""
    for graph in _graphs(model.graph):
        missing = _take_weights(graph) + _take_constants(graph)
        if graph is model.graph:
            listed = {v.name for v in graph.input}
            graph.input.extend(_info(*m) for m in missing if m[0] not in listed)
        else:
            _prepend(graph, missing)
    for function in model.functions:
        _prepend(function, _take_constants(function))


Missing = tuple[str, int, list[int]]
"""Name, element type and shape of a tensor whose values are not here."""


def _take_weights(graph: onnx.GraphProto) -> list[Missing]:
    """Remove the initializers without values, and return them."""
    dense = [t for t in graph.initializer if _without_values(t)]
    sparse = [s for s in graph.sparse_initializer if _without_values(s.values) or _without_values(s.indices)]
    taken = [(t.name, t.data_type, list(t.dims)) for t in dense]
    taken += [(s.values.name, s.values.data_type, list(s.dims)) for s in sparse]
    kept = [t for t in graph.initializer if not _without_values(t)]
    sparse_kept = [s for s in graph.sparse_initializer if s not in sparse]
    del graph.initializer[:], graph.sparse_initializer[:]
    graph.initializer.extend(kept)
    graph.sparse_initializer.extend(sparse_kept)
    return taken


def _take_constants(owner: onnx.GraphProto | onnx.FunctionProto) -> list[Missing]:
    """Remove the Constant nodes without values, and return what they made.

    Another node's tensor, of which no shape follows, is just emptied.
    """
    taken: list[Missing] = []
    kept: list[onnx.NodeProto] = []
    for node in owner.node:
        empty = [t for a in node.attribute for t in (a.t, *a.tensors) if _without_values(t)]
        if empty and node.op_type == "Constant" and node.output:
            taken.append((node.output[0], empty[0].data_type, list(empty[0].dims)))
            continue
        for tensor in empty:
            tensor.CopyFrom(type(tensor)(data_type=tensor.data_type, dims=[0], name=tensor.name))
        kept.append(node)
    if taken:
        del owner.node[:]
        owner.node.extend(kept)
    return taken


def _prepend(owner: onnx.GraphProto | onnx.FunctionProto, missing: list[Missing]) -> None:
    """Make the missing tensors, with their types and shapes, by nodes that every operator set since 9 has."""
    from onnx import TensorProto, helper

    if not missing:
        return
    made: list[onnx.NodeProto] = []
    for name, kind, dims in missing:
        shape = helper.make_tensor("", TensorProto.INT64, [len(dims)], dims)
        made += [
            helper.make_node("Constant", [], [f"{name}/shape"], name, value=shape),
            helper.make_node("ConstantOfShape", [f"{name}/shape"], [f"{name}/float"], name),
            helper.make_node("Cast", [f"{name}/float"], [name], name, to=kind),
        ]
    nodes = [*made, *owner.node]
    del owner.node[:]
    owner.node.extend(nodes)


def _info(name: str, kind: int, dims: list[int]) -> onnx.ValueInfoProto:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, dims)


def _without_values(tensor: onnx.TensorProto) -> bool:
    return bool(left_out(tensor)) or external_file(tensor) is not None


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield `graph` and the bodies in it; the reader's limit on nesting bounds the recursion."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from _graphs(body)


def _plain(message: str) -> str:
    """Return the checker's first meaningful line, led by the node it speaks of."""
    node = _NODE_AT_END.search(message) or _NODE_IN_BRACKETS.search(message)
    text = _NODE_IN_BRACKETS.sub("", message.partition("==> Context")[0])
    text = re.sub(r"\[\w*Error\]|Inference error\(s\):", "", text)
    lines = [" ".join(line.split()).strip(" :") for line in text.splitlines()]
    line = next((line for line in lines if line), "")
    if node is None:
        return line
    name = (node["name"] or "").replace("`", "'")
    called = f"`{name}` ({node['op']})" if name else f"of type {node['op']}"
    return f"node {called}: {line}"
