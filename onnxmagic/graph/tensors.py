"""Types, sizes and small values of ONNX tensors as plain Python."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from onnxmagic.graph.wire import LEFT_OUT, VALUES_LIMIT

if TYPE_CHECKING:
    import onnx

__all__ = ["attribute", "dtype_name", "external_file", "left_out", "nbytes", "text", "value"]


@cache
def dtype_name(data_type: int) -> str:
    """Return numpy's name for an ONNX element type; ``""`` for undefined ones, ``"string"`` for text."""
    from onnx import TensorProto

    if data_type not in TensorProto.DataType.values() or data_type == TensorProto.UNDEFINED:
        return ""
    name = TensorProto.DataType.Name(data_type)
    if name.startswith("FLOAT8E"):
        return f"float8_{name[6:].lower()}"
    return {"FLOAT": "float32", "DOUBLE": "float64", "FLOAT4E2M1": "float4_e2m1fn"}.get(name, name.lower())


@cache
def _bits(data_type: int) -> int:
    """Return the bits of one element as it is stored."""
    from onnx import TensorProto, helper

    if data_type not in TensorProto.DataType.values() or data_type in {TensorProto.UNDEFINED, TensorProto.STRING}:
        return 0
    name = TensorProto.DataType.Name(data_type)
    for packed, bits in (("INT4", 4), ("INT2", 2), ("FLOAT4", 4)):
        if packed in name:
            return bits
    return int(helper.tensor_dtype_to_np_dtype(data_type).itemsize) * 8


def nbytes(tensor: onnx.TensorProto) -> int:
    """Return the bytes of `tensor`'s values; its text's length for a tensor of strings."""
    if dtype_name(tensor.data_type) == "string":
        return left_out(tensor) or sum(map(len, tensor.string_data))
    elements = prod(max(0, d) for d in tensor.dims)
    return -(-elements * _bits(tensor.data_type) // 8)


def left_out(tensor: onnx.TensorProto) -> int:
    """Return the bytes of values that the skeleton left out of `tensor`; 0 when it has them."""
    for entry in tensor.metadata_props:
        if entry.key == LEFT_OUT and text(entry.value).isdecimal():
            return int(entry.value[:20])
    return 0


def external_file(tensor: onnx.TensorProto) -> str | None:
    """Return the name of the file that holds `tensor`'s values; None when they are in the model itself."""
    from onnx import TensorProto

    if tensor.data_location != TensorProto.EXTERNAL:
        return None
    return next((text(e.value) for e in tensor.external_data if e.key == "location"), "")


def attribute(proto: onnx.AttributeProto) -> Any:
    """Return an attribute's value as plain Python: numbers, text, tuples; long tensors and graphs as a short text."""
    from onnx import AttributeProto as Kind

    kind = proto.type
    if kind in {Kind.FLOAT, Kind.INT}:
        return proto.f if kind == Kind.FLOAT else proto.i
    if kind in {Kind.FLOATS, Kind.INTS}:
        return tuple(proto.floats if kind == Kind.FLOATS else proto.ints)
    if kind == Kind.STRING:
        return text(proto.s)
    if kind == Kind.STRINGS:
        return tuple(map(text, proto.strings))
    if kind == Kind.TENSOR:
        return _tensor(proto.t)
    if kind == Kind.TENSORS:
        return tuple(map(_tensor, proto.tensors))
    if kind == Kind.GRAPH:
        return f"graph of {len(proto.g.node)} nodes"
    if kind == Kind.GRAPHS:
        return tuple(f"graph of {len(g.node)} nodes" for g in proto.graphs)
    return Kind.AttributeType.Name(kind).lower().replace("_", " ")


def text(data: str | bytes) -> str:
    """Return a text of the file; protobuf hands it out as bytes when it is not UTF-8, as in files of old exporters."""
    return data if isinstance(data, str) else data.decode("utf-8", "replace")


def value(tensor: onnx.TensorProto, most: int) -> Any:
    """Return the values of a tensor of up to `most` bytes as a number or nested lists; None where there are none."""
    from onnx import numpy_helper

    if left_out(tensor) or external_file(tensor) is not None or not 0 < nbytes(tensor) <= most:
        return None
    try:
        return numpy_helper.to_array(tensor).tolist()
    # The values of a damaged tensor do not fit its shape; numpy and onnx raise half a dozen kinds of errors for that.
    except Exception:  # noqa: BLE001
        return None


def _tensor(tensor: onnx.TensorProto) -> Any:
    """Return a small tensor's values, a larger one's type and shape as a text."""
    plain = value(tensor, VALUES_LIMIT)
    if plain is not None:
        return plain
    sizes = " × ".join(map(str, tensor.dims)) or "scalar"
    return f"{dtype_name(tensor.data_type) or 'unknown type'} tensor, {sizes}"
