"""A file from anywhere as an ``onnx_ir`` model, read as carefully as if a stranger had made it.

Weights in another file are only opened when the caller has looked that file up: it lies inside the model's folder, is
there, and is long enough. What ``onnx_ir`` would silently lose is refused, because what is lost is not in the mended
file either.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxmagic.check.evidence import Sidecar
from onnxmagic.check.wording import code, size
from onnxmagic.errors import UsageMistake
from onnxmagic.fix.hush import hushed
from onnxmagic.fix.parts import nodes
from onnxmagic.graph.external import external
from onnxmagic.graph.read import NotAModel, skeleton

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

__all__ = ["load"]

_LOST = "so it is not rewritten; what is wrong with it has to be mended where it was made"


def load(source: Path | bytes, sidecars: Sequence[Sidecar] = ()) -> ir.Model:
    """Return the model in `source`.

    Parameters
    ----------
    source : Path or bytes
        A .onnx file.
    sidecars : sequence of Sidecar
        The files its external data is in, as they were looked up. One that is missing here is not opened.

    Returns
    -------
    onnx_ir.Model
        External weights are ``ExternalTensor``, with the real path of their file; they are read when they are written.

    Raises
    ------
    UsageMistake
        It is no model, its weights are not to be had, or it holds what cannot be carried over.
    OSError
        A file cannot be read.
    """
    import onnx
    import onnx_ir as ir

    try:
        bare = skeleton(source)
    except NotAModel as error:
        raise UsageMistake(f"It cannot be mended: {error}.") from error
    _check_sidecars(source, bare, sidecars)
    _check_carried(bare)
    data = source if isinstance(source, bytes) else source.read_bytes()
    try:
        with hushed():
            model = ir.serde.deserialize_model(onnx.ModelProto.FromString(data))
    # onnx_ir meets a strange model with errors of every kind; whichever it is, the file cannot be read into it.
    except Exception as error:
        raise UsageMistake(f"It cannot be mended: it is damaged, or newer than onnx_ir ({_plain(error)}).") from error
    if isinstance(source, Path):
        _resolve(model, source.parent)
    return model


def _check_sidecars(source: Path | bytes, model: onnx.ModelProto, sidecars: Sequence[Sidecar]) -> None:
    places = external(model)
    if places and isinstance(source, bytes):
        raise UsageMistake(
            f"These bytes keep weights in another file, {code(places[0].location)}; give the path of the .onnx file."
        )
    known = {sidecar.location: sidecar for sidecar in sidecars}
    for place in places:
        sidecar = known.get(place.location, Sidecar(place.location, 0, None))
        name = code(place.location)
        if sidecar.escapes:
            raise UsageMistake(f"The weights are in {name}, outside the model's folder, which is never opened.")
        if sidecar.size is None:
            raise UsageMistake(f"The weights are in {name}, which is not beside the model; copy it there first.")
        if sidecar.size < place.offset + place.length:
            raise UsageMistake(
                f"{name} has {size(sidecar.size)}, and the weights in it end at {size(place.offset + place.length)}: "
                "it is cut off; copy it again."
            )


def _check_carried(model: onnx.ModelProto) -> None:
    """Refuse what ``onnx_ir`` does not carry over."""
    if model.training_info:
        raise UsageMistake(f"The file holds training information, {_LOST}.")
    if any(graph.sparse_initializer for graph in _graphs(model.graph)):
        raise UsageMistake(f"The file holds sparse weights, {_LOST}.")


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield `graph` and the bodies in it; the reader's limit on nesting bounds the recursion."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from _graphs(body)


def _resolve(model: ir.Model, folder: Path) -> None:
    """Let external tensors know where their file really is; those that the writer keeps in the graph are read now."""
    import onnx_ir as ir

    main = set(map(id, model.graph.initializers.values()))
    bodies = [body for function in model.functions.values() for body in function.subgraphs()]
    for graph in (*model.graphs(), *bodies):
        for value in graph.initializers.values():
            if isinstance(value.const_value, ir.ExternalTensor):
                placed = _placed(value.const_value, folder)
                value.const_value = placed if id(value) in main else _read(placed)
    for node in nodes(model):
        for name, attribute in list(node.attributes.items()):
            if attribute.is_ref() or attribute.type not in {ir.AttributeType.TENSOR, ir.AttributeType.TENSORS}:
                continue
            one = attribute.type is ir.AttributeType.TENSOR
            tensors = [attribute.as_tensor()] if one else list(attribute.as_tensors())
            if any(isinstance(tensor, ir.ExternalTensor) for tensor in tensors):
                read = list(_read_all(tensors, folder))
                node.attributes[name] = ir.AttrTensor(name, read[0]) if one else ir.AttrTensors(name, read)


def _read_all(tensors: Iterable[Any], folder: Path) -> Iterator[Any]:
    import onnx_ir as ir

    for tensor in tensors:
        yield _read(_placed(tensor, folder)) if isinstance(tensor, ir.ExternalTensor) else tensor


def _placed(tensor: ir.ExternalTensor, folder: Path) -> ir.ExternalTensor:
    import onnx_ir as ir

    return ir.ExternalTensor(
        # A real path and no folder: that it is inside the model's own folder was looked up before.
        os.path.realpath(folder / tensor.location),
        tensor.offset,
        tensor.length,
        tensor.dtype,
        shape=tensor.shape,
        name=tensor.name,
        doc_string=tensor.doc_string,
        metadata_props=dict(tensor.metadata_props),
    )


def _read(tensor: ir.ExternalTensor) -> Any:
    import onnx_ir as ir

    array = tensor.numpy().copy()
    tensor.release()
    return ir.Tensor(array, dtype=tensor.dtype, shape=tensor.shape, name=tensor.name)


def _plain(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
