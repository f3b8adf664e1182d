"""A model written to disk weight by weight.

``onnx.save`` holds the model three times: the tensors, the protobuf, its bytes. Here only the graph becomes a protobuf
message; each weight is written straight from its tensor behind it. The bytes are the canonical encoding all the same:
one graph message whose length is known beforehand, its initializers last (field order is free in protobuf).
Wire format: https://protobuf.dev/programming-guides/encoding/; field numbers: onnx.proto.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import BinaryIO

import onnx

from onnxmagic.graph.wire import varint

__all__ = ["Stopped", "Weight", "write_model", "write_stream"]

MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA = 7, 5, 9
ALIGNMENT = 4096
"""External weights start at multiples of a page, so that a runtime can map them."""


class Stopped(Exception):
    """The writing was given up, because what went on beside it failed or was interrupted; nobody sees this."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One initializer: its type (an ``onnx.TensorProto.DataType``), shape, bytes, and ``write`` for its values."""

    name: str
    data_type: int
    shape: tuple[int, ...]
    nbytes: int
    write: Callable[[BinaryIO], object]

    def header(self) -> onnx.TensorProto:
        """Return the tensor message without its values."""
        return onnx.TensorProto(name=self.name, data_type=self.data_type, dims=self.shape)


def write_model(
    model: onnx.ModelProto, weights: Sequence[Weight], path: Path, *, external: bool, stop: Event | None = None
) -> list[Path]:
    """Write `model` with `weights` as further initializers and return the files written.

    Parameters
    ----------
    model : onnx.ModelProto
        Without the initializers in `weights`.
    path : Path
        The .onnx file; with `external` the values go to ``<name>.data`` beside it.
    stop : threading.Event, optional
        Looked at before every weight.

    Raises
    ------
    Stopped
        `stop` was set; the files are incomplete.
    """
    weights = [replace(weight, write=_unless(stop, weight.write)) for weight in weights]
    data = path.with_name(path.name + ".data") if external and weights else None
    with path.open("wb") as file:
        write_stream(model, weights, file, location=data.name if data else None)
        _to_disk(file)
    if data is None:
        return [path]
    with data.open("wb") as file:
        for weight, offset in zip(weights, _offsets(weights), strict=True):
            file.write(bytes(offset - file.tell()))
            _write_values(weight, file)
        _to_disk(file)
    return [path, data]


def write_stream(
    model: onnx.ModelProto, weights: Sequence[Weight], file: BinaryIO, *, location: str | None = None
) -> None:
    """Write the .onnx file itself to an open binary file; with `location` the values are left to that other file."""
    inline = location is None
    graph = model.graph.SerializeToString()
    head = onnx.ModelProto()
    head.CopyFrom(model)
    head.ClearField("graph")
    entries = [_inline(w) for w in weights] if location is None else _outside(weights, location)
    length = len(graph) + sum(len(start) + w.nbytes * inline for w, start in zip(weights, entries, strict=True))
    file.write(head.SerializeToString() + _key(MODEL_GRAPH) + varint(length) + graph)
    for weight, start in zip(weights, entries, strict=True):
        file.write(start)
        if inline:
            _write_values(weight, file)


def _inline(weight: Weight) -> bytes:
    """Return everything of an initializer entry up to its values."""
    header = weight.header().SerializeToString()
    values = _key(TENSOR_RAW_DATA) + varint(weight.nbytes)
    return _key(GRAPH_INITIALIZER) + varint(len(header) + len(values) + weight.nbytes) + header + values


def _outside(weights: Sequence[Weight], location: str) -> list[bytes]:
    entries: list[bytes] = []
    for weight, offset in zip(weights, _offsets(weights), strict=True):
        tensor = weight.header()
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", str(offset)), ("length", str(weight.nbytes))):
            tensor.external_data.add(key=key, value=value)
        text = tensor.SerializeToString()
        entries.append(_key(GRAPH_INITIALIZER) + varint(len(text)) + text)
    return entries


def _offsets(weights: Sequence[Weight]) -> Iterator[int]:
    offset = 0
    for weight in weights:
        yield offset
        offset += -(-weight.nbytes // ALIGNMENT) * ALIGNMENT


def _write_values(weight: Weight, file: BinaryIO) -> None:
    start = file.tell()
    weight.write(file)
    if file.tell() - start != weight.nbytes:
        raise ValueError(f"{weight.name} wrote {file.tell() - start} bytes of values, not {weight.nbytes}")


def _unless(stop: Event | None, write: Callable[[BinaryIO], object]) -> Callable[[BinaryIO], object]:
    def checked(file: BinaryIO) -> None:
        if stop is not None and stop.is_set():
            raise Stopped
        write(file)

    return checked


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _key(field: int) -> bytes:
    return varint(field << 3 | 2)
