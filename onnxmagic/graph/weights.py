"""The values of named weights, a piece at a time, without loading the rest.

A few rules must look at values: two weights are equal or not, a constant repeats itself or not. They ask for a few
bytes first and for all of them only where those look suspicious, so here nothing is read that was not asked for and
never more than one piece is in memory. A model is a stranger's: a data file is opened only when it is a regular file
inside the model's own folder, links followed first, and what does not add up has no values instead of an error.
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import stat
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from onnxmagic.graph.read import Source
from onnxmagic.graph.tensors import nbytes, text
from onnxmagic.graph.window import Bytes, FileBytes, MemoryBytes
from onnxmagic.graph.wire import NotAModel, fields, tensor_without_values

if TYPE_CHECKING:
    import onnx

__all__ = ["BLOCK", "Weights", "data_file", "inside", "tensors", "weights"]

BLOCK: Final = 2**20
"""Bytes that ``Weights.blocks`` reads at a time."""

DECODED_LIMIT: Final = 16 * 2**20
"""Values in protobuf's own number fields are decoded as a whole, up to this many bytes; larger ones nobody writes."""

Find = Callable[[Bytes], Iterable[tuple[str, int, int]]]

_GRAPH, _INITIALIZER, _NAME, _RAW, _FLOATS, _DOUBLES = 7, 5, 8, 9, 4, 10


@dataclass(frozen=True, slots=True)
class _Place:
    """Where values are: `length` bytes from `start` on in `file`; None for the file is the model itself."""

    file: Path | None
    start: int
    length: int


class Weights:
    """The values of some initializers as the file stores them: little-endian, row by row.

    Only valid inside ``with weights(...)``.
    """

    def __init__(self, source: Path | memoryview, places: dict[str, _Place], decoded: dict[str, bytes]) -> None:
        self._source = source
        self._places = places
        self._decoded = decoded
        self._files: dict[Path, BinaryIO] = {}
        self._stack = ExitStack()

    def nbytes(self, name: str) -> int:
        """Return how many bytes of values there are; 0 for a weight whose values cannot be had."""
        if name in self._decoded:
            return len(self._decoded[name])
        return self._places[name].length if name in self._places else 0

    def read(self, name: str, start: int = 0, count: int | None = None) -> bytes:
        """Return up to `count` bytes of values from byte `start` on, all of them without `count`."""
        have = self.nbytes(name)
        start = min(max(0, start), have)
        count = have - start if count is None else min(max(0, count), have - start)
        if name in self._decoded:
            return self._decoded[name][start : start + count]
        return self._at(self._places[name], start, count) if count else b""

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield all values in blocks of ``BLOCK`` bytes."""
        for start in range(0, self.nbytes(name), BLOCK):
            yield self.read(name, start, BLOCK)

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def _at(self, place: _Place, start: int, count: int) -> bytes:
        begin = place.start + start
        if place.file is None and isinstance(self._source, memoryview):
            return bytes(self._source[begin : begin + count])
        path = place.file or self._source
        assert isinstance(path, Path)
        if path not in self._files:
            self._files[path] = self._stack.enter_context(path.open("rb"))
        self._files[path].seek(begin)
        return self._files[path].read(count)


@contextmanager
def weights(source: Source | None, names: Collection[str]) -> Generator[Weights, None, None]:
    """Open the values of the initializers of the main graph called `names`.

    Parameters
    ----------
    source : path, bytes or None
        The model; with None there are no values, nor are there external ones with bytes, which have no folder.
    names : collection of str

    Yields
    ------
    Weights
        A weight that is not there, or whose values are damaged, outside the model's folder or text, has 0 bytes.
    """
    wanted = set(names)
    with tensors(source, lambda data: _tensors(data, wanted)) as found:
        yield found


@contextmanager
def tensors(source: Source | None, find: Find) -> Generator[Weights, None, None]:
    """Open the values of the tensors that `find` finds; the rest is as in ``weights``.

    Parameters
    ----------
    source : path, bytes or None
    find : callable
        Given the bytes of the model; yields a name, and where the ``TensorProto`` begins and ends that it shall mean.
    """
    if isinstance(source, (str, os.PathLike)):
        found = _of_path(Path(source), find)
    elif source is None:
        found = Weights(memoryview(b""), {}, {})
    else:
        data = memoryview(source).cast("B")
        found = Weights(data, *_places(MemoryBytes(data), None, find))
    try:
        yield found
    finally:
        found.close()


def data_file(model: Path, location: str) -> Path | None:
    """Return the real path of the data file that `model` calls `location`; None when it must not be opened.

    It has to be a regular file in the model's folder (see ``inside``).
    """
    try:
        real = inside(model, location) if location else None
        return real if real is not None and stat.S_ISREG(real.stat().st_mode) else None
    except (OSError, ValueError):  # it is not there, or has a name that no system has
        return None


def inside(model: Path, location: str) -> Path | None:
    """Return the real path of what `model` calls `location`; None when it leads out of the model's folder.

    It must do so neither by its text nor through a link; where the model's name is a link itself, as in Hugging Face's
    cache, the folder of the real model counts too. Nothing has to be there.

    Raises
    ------
    OSError, ValueError
        A name that no system has.
    """
    if posixpath.isabs(location) or ntpath.isabs(location) or ntpath.splitdrive(location)[0]:
        return None
    normal = posixpath.normpath(location.replace("\\", "/"))
    if normal == ".." or normal.startswith("../"):
        return None
    real = Path(os.path.realpath(model.parent / location))
    folders = {Path(os.path.realpath(model.parent)), Path(os.path.realpath(model)).parent}
    return real if any(real.is_relative_to(folder) for folder in folders) else None


def _of_path(path: Path, find: Find) -> Weights:
    try:
        with path.open("rb") as file:
            return Weights(path, *_places(FileBytes(file.fileno()), path, find))
    except OSError:
        return Weights(path, {}, {})


def _places(data: Bytes, path: Path | None, find: Find) -> tuple[dict[str, _Place], dict[str, bytes]]:
    """Return where the values of each wanted weight are, and those that had to be decoded."""
    places: dict[str, _Place] = {}
    decoded: dict[str, bytes] = {}
    try:
        for name, begin, end in find(data):
            place = _place(data, path, begin, end)
            if isinstance(place, _Place):
                places[name] = place
            elif place:
                decoded[name] = place
    except NotAModel:  # damaged further on: what was found is good
        pass
    return places, decoded


def _tensors(data: Bytes, names: set[str]) -> Iterator[tuple[str, int, int]]:
    for number, _, begin, end in fields(data, 0, len(data)):
        if number != _GRAPH:
            continue
        for inner, _, start, stop in fields(data, begin, end):
            if inner == _INITIALIZER and (name := _name(data, start, stop)) in names:
                yield name, start, stop


def _name(data: Bytes, start: int, end: int) -> str:
    for number, _, begin, stop in fields(data, start, end):
        if number == _NAME:
            return bytes(data.part(begin, stop)).decode("utf-8", "replace")
    return ""


def _place(data: Bytes, path: Path | None, start: int, end: int) -> _Place | bytes | None:
    """Return where the tensor between `start` and `end` has its values, or the values; None where it has none."""
    from google.protobuf.message import DecodeError
    from onnx import TensorProto

    try:
        tensor = TensorProto.FromString(tensor_without_values(data, start, end))
    except (DecodeError, UnicodeDecodeError):
        return None
    size = nbytes(tensor)
    if tensor.data_type == TensorProto.STRING or not size:
        return None
    if tensor.data_location == TensorProto.EXTERNAL:
        return _external(tensor, path, size)
    # Where a kind of field comes packed as one part it is the values themselves, as in raw_data.
    plain = {_RAW, *({_FLOATS} if tensor.data_type == TensorProto.FLOAT else ())}
    plain |= {_DOUBLES} if tensor.data_type == TensorProto.DOUBLE else set()
    for number, _, begin, stop in fields(data, start, end):
        if number in plain and stop - begin == size:
            return _Place(None, begin, size)
    return _decoded(bytes(data.part(start, end)), size) if end - start <= DECODED_LIMIT else None


def _external(tensor: onnx.TensorProto, path: Path | None, size: int) -> _Place | None:
    entries = {text(e.key): text(e.value) for e in tensor.external_data}
    offset, length = (_number(entries.get(key, "")) for key in ("offset", "length"))
    real = data_file(path, entries.get("location", "")) if path is not None else None
    if real is None or length not in {0, size} or offset + size > real.stat().st_size:
        return None
    return _Place(real, offset, size)


def _decoded(tensor: bytes, size: int) -> bytes | None:
    from onnx import TensorProto, numpy_helper

    try:
        proto = TensorProto.FromString(tensor)
        if proto.raw_data:
            return None  # its length was wrong, or it had been found
        values = numpy_helper.to_array(proto).tobytes()
    # The values of a damaged tensor do not fit its shape; numpy and onnx raise half a dozen kinds of errors for that.
    except Exception:  # noqa: BLE001
        return None
    return values if len(values) == size else None


def _number(written: str) -> int:
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 20 else 0
