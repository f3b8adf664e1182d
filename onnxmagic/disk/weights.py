"""The large weights of an ``onnx_ir`` model, taken out of its graph to be written one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, Final

import onnx_ir as ir

from onnxmagic.disk.write import Weight

__all__ = ["SMALL", "take_weights"]

SMALL: Final = 1024
"""Initializers up to this many bytes stay in the graph message; shapes and scalars are read with it."""


def take_weights(graph: ir.Graph) -> tuple[Weight, ...]:
    """Take the large initializers out of `graph` and return them."""
    taken: list[Weight] = []
    for name, value in list(graph.initializers.items()):
        tensor = value.const_value
        if tensor is None or tensor.dtype is ir.DataType.STRING or tensor.nbytes <= SMALL:
            continue
        shape = tuple(int(dim) for dim in tensor.shape)  # type: ignore[arg-type]  # an initializer's shape is numbers
        del graph.initializers[name]
        taken.append(Weight(name, int(tensor.dtype), shape, tensor.nbytes, _writer(tensor)))
    return tuple(taken)


def _writer(tensor: Any) -> Callable[[BinaryIO], object]:
    def write(file: BinaryIO) -> None:
        if hasattr(tensor, "tofile"):
            tensor.tofile(file)  # straight from the tensor's memory
        else:
            file.write(tensor.tobytes())

    return write
