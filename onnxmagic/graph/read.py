"""From a .onnx file to facts, weights left on disk.

Two steps, each of use alone: ``skeleton`` is the model as ``onnx`` knows it with the long values gone (the checker and
rules of structure work on it), ``read`` turns that into plain frozen data. Neither ever opens external data.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from onnxmagic.graph import modules, scopes
from onnxmagic.graph.facts import Dim, Function, Graph, Initializer, Node, Reference, Value
from onnxmagic.graph.tensors import attribute, dtype_name, external_file, nbytes, text, value
from onnxmagic.graph.window import Bytes, FileBytes, MemoryBytes
from onnxmagic.graph.wire import NotAModel, without_values

if TYPE_CHECKING:
    import onnx

__all__ = ["NotAModel", "Source", "facts", "read", "skeleton"]

Source = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A path to a .onnx file, or the bytes of one."""

_SMALL = 16

# First bytes of what people pass by mistake, and what to say about it.
_IMPOSTORS = {
    b"PK\x03\x04": "it is a zip file, as torch.save and torch.export.save write; export the model to get a .onnx file",
    b"version https://git-lfs": "it is a Git LFS pointer, not the model itself; run `git lfs pull`",
    b"<": "it is a web page or XML, not a model",
}


def skeleton(source: Source) -> onnx.ModelProto:
    """Return the model without the values of its larger tensors.

    Parameters
    ----------
    source : path or bytes
        A .onnx file. External data is not looked for.

    Returns
    -------
    onnx.ModelProto
        Tensors with more than 1 kB of values have none; they carry ``wire.LEFT_OUT`` in their metadata.

    Raises
    ------
    NotAModel
        It is no ONNX model, or a damaged one.
    OSError
        The file cannot be opened.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _parse(MemoryBytes(memoryview(source).cast("B")), "these bytes are")
    with Path(source).open("rb") as file:
        return _parse(FileBytes(file.fileno()), f"`{Path(source).name}` is")


def read(source: Source, *, classes: Mapping[str, str] | None = None) -> Graph:
    """Return the facts of the model in `source`.

    Parameters
    ----------
    source : path or bytes
    classes : mapping of module path to class name, optional
        Class names for modules that left weights in the file but no node, such as a convolution fused with its norm.

    Raises
    ------
    NotAModel
        It is no ONNX model, or a damaged one.
    OSError
        The file cannot be opened.
    """
    return facts(skeleton(source), classes=classes)


def facts(model: onnx.ModelProto, *, classes: Mapping[str, str] | None = None) -> Graph:
    """Return the facts of a ``skeleton``; `classes` as in ``read``."""
    graph = _model(model)
    return replace(graph, modules=modules.tree(graph, classes or {}))


def _parse(data: Bytes, who: str) -> onnx.ModelProto:
    try:
        return _parsed(data)
    except NotAModel as error:
        raise NotAModel(f"{who} no ONNX model: {error}") from None


def _parsed(data: Bytes) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError

    for start, meaning in _IMPOSTORS.items():
        if data.part(0, len(start)) == start:
            raise NotAModel(meaning)
    try:
        model = onnx.ModelProto.FromString(without_values(data))
    except (DecodeError, UnicodeDecodeError):
        raise NotAModel("it is not written in ONNX's format (protobuf), or it is damaged") from None
    if not model.HasField("graph"):
        raise NotAModel("it holds no graph" if len(data) else "it is empty")
    return model


class _Around(NamedTuple):
    """What holds for every node of a graph; ``called`` that it is a local function's, whose attributes a call gives."""

    opsets: Mapping[str, int]
    ir_version: int
    called: bool = False


def _model(model: onnx.ModelProto) -> Graph:
    opsets = {_domain(o.domain): o.version for o in model.opset_import}
    # Documentation strings are free text like metadata, and leak like it, so the two are kept together.
    metadata = {
        **_texts("doc_string", text(model.doc_string)),
        **_texts("graph.doc_string", text(model.graph.doc_string)),
        **_pairs(model.metadata_props),
        **_pairs(model.graph.metadata_props),
    }
    graph = _graph(model.graph, _Around(opsets, model.ir_version))
    return replace(
        graph,
        producer=f"{text(model.producer_name)} {text(model.producer_version)}".strip(),
        metadata=metadata,
        functions=len(model.functions),
        defined=tuple((_domain(f.domain), text(f.name)) for f in model.functions),
        local=tuple(_function(f, model.ir_version) for f in model.functions),
    )


def _function(proto: onnx.FunctionProto, ir_version: int) -> Function:
    around = _Around({_domain(o.domain): o.version for o in proto.opset_import}, ir_version, called=True)
    return Function(
        name=text(proto.name),
        domain=_domain(proto.domain),
        overload=text(proto.overload),
        inputs=tuple(map(text, proto.input)),
        outputs=tuple(map(text, proto.output)),
        nodes=tuple(_node(n, around) for n in proto.node),
        attributes={
            **dict.fromkeys(map(text, proto.attribute)),
            **{text(a.name): attribute(a) for a in proto.attribute_proto},
        },
        values={**_constants(proto), **{v.name: v for v in map(_value, proto.value_info)}},
    )


def _graph(proto: onnx.GraphProto, around: _Around) -> Graph:
    initializers = _initializers(proto)
    stored = {i.name for i in initializers}
    return Graph(
        name=text(proto.name),
        # Before IR version 4 every initializer is listed as an input too; nobody feeds those.
        inputs=tuple(_value(v) for v in proto.input if text(v.name) not in stored),
        outputs=tuple(_value(v) for v in proto.output),
        nodes=tuple(_node(n, around) for n in proto.node),
        initializers=initializers,
        values={**_constants(proto), **{v.name: v for v in map(_value, proto.value_info)}},
        opsets=around.opsets,
        ir_version=around.ir_version,
        producer="",
        modules=None,
    )


def _node(proto: onnx.NodeProto, around: _Around) -> Node:
    from onnx import AttributeProto

    name = text(proto.name)
    metadata = {key: text(entry.value) for entry in proto.metadata_props if (key := text(entry.key)) in scopes.KEYS}
    module, classes = scopes.place(metadata, name)
    plain: dict[str, Any] = {}
    bodies: list[onnx.GraphProto] = []
    for a in proto.attribute:
        if around.called and a.ref_attr_name:
            plain[text(a.name)] = Reference(text(a.ref_attr_name))
            continue
        plain[text(a.name)] = attribute(a)
        bodies += [a.g] if a.type == AttributeProto.GRAPH else a.graphs
    return Node(
        name=name,
        op_type=text(proto.op_type),
        domain=_domain(proto.domain),
        inputs=tuple(map(text, proto.input)),
        outputs=tuple(map(text, proto.output)),
        attributes=plain,
        module=module,
        classes=classes,
        trace=scopes.trace(metadata, text(proto.doc_string)),
        body=tuple(_graph(b, around) for b in bodies),
        overload=text(proto.overload),
    )


def _constants(proto: onnx.GraphProto | onnx.FunctionProto) -> dict[str, Value]:
    """Return what Constant nodes make: they say its type and shape themselves, whoever wrote the file."""
    made = [(n.output[0], a.t) for n in proto.node if n.op_type == "Constant" and n.output for a in n.attribute[:1]]
    return {
        text(name): Value(text(name), dtype_name(tensor.data_type), tuple(max(0, d) for d in tensor.dims))
        for name, tensor in made
        if tensor.data_type
    }


def _initializers(proto: onnx.GraphProto) -> tuple[Initializer, ...]:
    dense = [(text(t.name), t, t.dims) for t in proto.initializer]
    sparse = [(text(s.values.name), s.values, s.dims) for s in proto.sparse_initializer]
    return tuple(_initializer(name, t, dims) for name, t, dims in dense + sparse)


def _initializer(name: str, tensor: onnx.TensorProto, dims: Iterable[int]) -> Initializer:
    shape = tuple(max(0, d) for d in dims)
    small = value(tensor, 8 * _SMALL) if prod(shape) <= _SMALL else None
    return Initializer(name, dtype_name(tensor.data_type), shape, nbytes(tensor), external_file(tensor), small)


def _value(proto: onnx.ValueInfoProto) -> Value:
    about = proto.type
    kind = about.WhichOneof("value")
    if kind not in {"tensor_type", "sparse_tensor_type"}:
        return Value(text(proto.name), (kind or "").removesuffix("_type"), None)
    tensor = getattr(about, kind)
    shape = tuple(_dim(d) for d in tensor.shape.dim) if tensor.HasField("shape") else None
    return Value(text(proto.name), dtype_name(tensor.elem_type), shape)


def _dim(proto: Any) -> Dim:
    if proto.HasField("dim_value"):
        # Some tools write -1 for a size that is not known.
        return proto.dim_value if proto.dim_value >= 0 else None
    return text(proto.dim_param) or None


def _pairs(entries: Iterable[onnx.StringStringEntryProto]) -> dict[str, str]:
    return {text(e.key): text(e.value) for e in entries}


def _texts(key: str, content: str) -> dict[str, str]:
    return {key: content} if content else {}


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else text(name)
