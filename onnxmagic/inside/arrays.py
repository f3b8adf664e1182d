"""The values of a weight as an array, whole or a piece at a time; the rest of the file is not read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from onnxmagic.check.wording import code, size
from onnxmagic.errors import UsageMistake, ValueUnavailable
from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.read import Source
from onnxmagic.graph.tensors import dtype_name
from onnxmagic.graph.weights import weights

__all__ = ["MOST_BYTES", "bits", "blocks", "decoded", "element_type", "whole"]

MOST_BYTES: Final = 2**30
"""The largest weight that is handed out as one array."""

Array = npt.NDArray[Any]


def whole(source: Source, weight: Initializer) -> Array:
    """Return all values of `weight`, which is in the model at `source`.

    Raises
    ------
    UsageMistake
        They are more than ``MOST_BYTES``.
    ValueUnavailable
        They cannot be read.
    """
    if weight.nbytes > MOST_BYTES:
        raise UsageMistake(
            f"{code(weight.name)} has {size(weight.nbytes)} of values, more than is read here at once "
            f"({size(MOST_BYTES)}). onnx.load reads the whole file."
        )
    with weights(source, [weight.name]) as found:
        raw = found.read(weight.name)
    _refuse_missing(weight, len(raw))
    return decoded(raw, weight.dtype, weight.size).reshape(weight.shape)


def blocks(source: Source, weight: Initializer) -> Iterator[Array]:
    """Yield the values of `weight` in flat pieces of about a megabyte.

    Raises
    ------
    ValueUnavailable
        They cannot be read.
    """
    with weights(source, [weight.name]) as found:
        _refuse_missing(weight, found.nbytes(weight.name))
        left = weight.size
        for raw in found.blocks(weight.name):
            # Types of less than a byte are packed; the last byte may hold fewer.
            piece = decoded(raw, weight.dtype, min(left, len(raw) * 8 // bits(weight.dtype)))
            left -= piece.size
            yield piece


def _refuse_missing(weight: Initializer, nbytes: int) -> None:
    if weight.dtype == "string" or not element_type(weight.dtype):
        raise ValueUnavailable(f"{code(weight.name)} is of type {weight.dtype or 'unknown'}, which has no numbers.")
    if nbytes != weight.nbytes:
        place = f"in {code(weight.external)}, which is not there, damaged, or outside the model's folder"
        why = place if weight.external is not None else "damaged, or written as a sparse tensor"
        raise ValueUnavailable(f"The values of {code(weight.name)} cannot be read: they are {why}.")


def decoded(raw: bytes, dtype: str, count: int) -> Array:
    """Return the values in `raw`, `count` of a type that the file calls `dtype`."""
    from onnx import TensorProto, helper, numpy_helper

    kind = element_type(dtype)
    if bits(dtype) >= 8:
        # A bytearray, so that the array can be written to, as any other.
        return np.frombuffer(bytearray(raw), helper.tensor_dtype_to_np_dtype(kind))
    return numpy_helper.to_array(TensorProto(data_type=kind, dims=[count], raw_data=raw))


@cache
def element_type(dtype: str) -> int:
    """Return ONNX's number for numpy's name of a type; 0 where there is none."""
    from onnx import TensorProto

    return next((kind for kind in TensorProto.DataType.values() if dtype and dtype_name(kind) == dtype), 0)


@cache
def bits(dtype: str) -> int:
    """Return the bits of one element as it is stored."""
    from onnx import helper

    for packed, each in (("int4", 4), ("int2", 2), ("float4", 4)):
        if packed in dtype:
            return each
    return int(helper.tensor_dtype_to_np_dtype(element_type(dtype)).itemsize) * 8
