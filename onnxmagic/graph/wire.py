"""The protobuf wire format, walked without decoding it, to leave weights where they are.

``onnx.load`` brings every weight into memory to tell what a file's inputs are called. A model is a nest of messages
that each start with their length, so a walk over the file can step over the long values and copy only the rest: the
440 MB of a BERT become 1 MB in milliseconds. The result is again a valid message, which protobuf itself then
parses and thereby judges.

A file comes from strangers. Every length is checked against what encloses it, nesting and the number of parts have
limits, and whatever is wrong ends in one ``NotAModel`` with a sentence for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from onnxmagic.graph.window import Bytes

__all__ = [
    "LEFT_OUT",
    "VALUES_LIMIT",
    "NotAModel",
    "fields",
    "tensor_without_values",
    "varint",
    "without_values",
]

VALUES_LIMIT: Final = 1024
"""Tensors with more bytes of values than this lose them. Shapes, axes and scalars, which rules read, are smaller."""

LEFT_OUT: Final = "onnxmagic.left_out"
"""Metadata key put on a tensor that lost its values; its value is the number of bytes they took in the file."""

MAX_DEPTH: Final = 100
MAX_PARTS: Final = 5_000_000
MAX_SKELETON: Final = 512 * 2**20

# Messages of onnx.proto that can hold a tensor somewhere below: field number -> kind of message in it.
CHILDREN: Final[Mapping[str, Mapping[int, str]]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
}
# float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data
TENSOR_VALUES: Final = frozenset({4, 5, 6, 7, 9, 10, 11})

_TENSOR_METADATA: Final = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Part = tuple[int, int, int, int]
"""Field number (0 for what holds no bytes), where its tag starts, where its payload starts and ends."""


class NotAModel(ValueError):
    """The file or the bytes are no ONNX model, or a damaged one; the message says what is wrong with it."""


def without_values(data: Bytes) -> bytes:
    """Return the serialised ``ModelProto`` in `data` without the values of its larger tensors.

    Parameters
    ----------
    data : Bytes
        A whole .onnx file; only the parts that are kept are read.

    Returns
    -------
    bytes
        A ``ModelProto`` again. A tensor that lost its values says so in its metadata under ``LEFT_OUT``.

    Raises
    ------
    NotAModel
        The bytes are damaged, cut off, or nested or large beyond what any model is.
    """
    chunks = _Pruner(data).message("ModelProto", 0, len(data), 0)
    if _length(chunks) > MAX_SKELETON:
        raise NotAModel(f"the model is larger than {MAX_SKELETON // 2**20} MB even without its weights")
    return _joined(data, chunks)


def fields(data: Bytes, start: int, end: int) -> Iterator[Part]:
    """Yield the fields of the message between `start` and `end`; raises ``NotAModel`` where they are damaged."""
    return _Pruner(data).parts(start, end)


def tensor_without_values(data: Bytes, start: int, end: int) -> bytes:
    """Return the ``TensorProto`` between `start` and `end` without its values when they are long."""
    return _joined(data, _Pruner(data).tensor(start, end))


_Chunk = range | bytes
"""What is kept: a stretch of the file, read when it is known how much there is in all, or bytes made here."""


class _Pruner:
    """One walk over one file; it counts the parts it saw, so that a hostile file cannot keep it busy for ever."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.parts_left = MAX_PARTS

    def message(self, kind: str, start: int, end: int, depth: int) -> list[_Chunk]:
        """Return the message between `start` and `end` as chunks, long values left out."""
        if end - start <= VALUES_LIMIT:
            return [range(start, end)]
        if kind == "TensorProto":
            return self.tensor(start, end)
        if depth > MAX_DEPTH:
            raise NotAModel(f"graphs are nested more than {MAX_DEPTH} levels deep")
        chunks: list[_Chunk] = []
        copied = start
        for number, tag, begin, stop in self.parts(start, end):
            child = CHILDREN[kind].get(number)
            if child is None or stop - begin <= VALUES_LIMIT:
                continue
            inner = self.message(child, begin, stop, depth + 1)
            size = _length(inner)
            if size < stop - begin:
                chunks += [range(copied, tag), varint(number << 3 | _BYTES), varint(size), *inner]
                copied = stop
        chunks.append(range(copied, end))
        return chunks

    def tensor(self, start: int, end: int) -> list[_Chunk]:
        """Return the tensor between `start` and `end` as chunks, without its values when they are long."""
        chunks: list[_Chunk] = []
        copied, dropped = start, 0
        for number, tag, begin, stop in self.parts(start, end):
            if number in TENSOR_VALUES:
                chunks.append(range(copied, tag))
                copied = stop
                dropped += stop - begin
        if dropped <= VALUES_LIMIT:
            return [range(start, end)]
        chunks += [range(copied, end), _mark(dropped)]
        return chunks

    def parts(self, start: int, end: int) -> Iterator[Part]:
        """Yield the fields of the message between `start` and `end`."""
        at = start
        while at < end:
            self.parts_left -= 1
            if self.parts_left < 0:
                raise NotAModel(f"it has more than {MAX_PARTS:,} parts")
            tag = at
            window, first = self.data.near(at)
            key, at = _read_varint(window, first, at, end)
            number, wire = key >> 3, key & 7
            begin = at
            if wire == _BYTES:
                length, begin = _read_varint(window, first, at, end)
                at = begin + length
            elif wire == _VARINT:
                _, at = _read_varint(window, first, at, end)
            elif wire == _FIXED32:
                at += 4
            elif wire == _FIXED64:
                at += 8
            else:
                raise NotAModel("it is not written in ONNX's format (protobuf), or it is damaged")
            if number == 0:
                raise NotAModel("it is not written in ONNX's format (protobuf), or it is damaged")
            if at > end:
                raise NotAModel("it is cut off or damaged: a part is longer than what holds it")
            yield number, tag, begin, at


def _read_varint(window: bytes | memoryview, first: int, at: int, end: int) -> tuple[int, int]:
    """Return the number written at `at`, and where it ends; `window` holds the bytes from `first` on."""
    value = shift = 0
    end = min(end, first + len(window))
    while at < end and shift < 70:
        byte = window[at - first]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise NotAModel("it is cut off or damaged: a number in it does not end")


def varint(value: int) -> bytes:
    """Write `value` as protobuf writes it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _mark(dropped: int) -> bytes:
    """Return a ``metadata_props`` entry that says how many bytes of values were left out."""
    key, value = LEFT_OUT.encode(), str(dropped).encode()
    entry = b"\x0a" + varint(len(key)) + key + b"\x12" + varint(len(value)) + value
    return varint(_TENSOR_METADATA << 3 | _BYTES) + varint(len(entry)) + entry


def _length(chunks: list[_Chunk]) -> int:
    return sum(map(len, chunks))


def _joined(data: Bytes, chunks: list[_Chunk]) -> bytes:
    return b"".join(data.part(chunk.start, chunk.stop) if isinstance(chunk, range) else chunk for chunk in chunks)
