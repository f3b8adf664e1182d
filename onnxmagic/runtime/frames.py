"""Arrays and plain values between two processes, without pickle.

The process at the other end runs a stranger's file, and may by now do what that file wants. Unpickling what it sends
would run it here. So a message is JSON, followed by the bytes of the arrays in it; what comes in is checked against
limits before any memory is taken for it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import numpy as np

__all__ = ["MOST_BYTES", "Closed", "TooLarge", "receive", "send"]

MOST_BYTES: Final = 2**30
"""The largest message, arrays included."""

MOST_JSON: Final = 2**26
_NUMBERS: Final = "biufc"
_LENGTH: Final = 8


class Closed(Exception):
    """The other end is gone, or what it sends makes no sense."""


class TooLarge(Exception):
    """The message would be larger than ``MOST_BYTES``; the message says by how much."""


def send(stream: BinaryIO, message: Any) -> None:
    """Write `message`: numbers, texts, None, lists, mappings with text keys, numpy arrays.

    Raises
    ------
    TooLarge
        Nothing was written.
    """
    arrays: list[bytes] = []
    text = json.dumps(_plain(message, arrays)).encode()
    total = len(text) + sum(len(a) for a in arrays)
    if total > MOST_BYTES or len(text) > MOST_JSON:
        raise TooLarge(f"{total / 1e9:.1f} GB are more than can be handed over")
    stream.write(len(text).to_bytes(_LENGTH, "little") + text)
    stream.writelines(arrays)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; an array of texts arrives as an array of objects.

    Raises
    ------
    Closed
    """
    length = int.from_bytes(_exactly(stream, _LENGTH), "little")
    if length > MOST_JSON:
        raise Closed
    try:
        return _Reader(stream).value(json.loads(_exactly(stream, length)))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise Closed from None


def _plain(value: Any, arrays: list[bytes]) -> Any:
    """Return `value` as JSON data in which each thing says what it is; the bytes of arrays go to `arrays`."""
    if isinstance(value, np.ndarray):
        return _array(value, arrays)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return {"list": [_plain(item, arrays) for item in value]}
    if isinstance(value, Mapping):
        return {"pairs": [[_plain(key, arrays), _plain(item, arrays)] for key, item in value.items()]}
    return {"plain": value if value is None or isinstance(value, (bool, int, float, str)) else type(value).__name__}


def _array(value: np.ndarray[Any, Any], arrays: list[bytes]) -> dict[str, Any]:
    if value.dtype.kind not in _NUMBERS:
        return {"texts": [str(item) for item in value.reshape(-1).tolist()], "shape": list(value.shape)}
    packed = np.ascontiguousarray(value)
    arrays.append(packed.tobytes())
    return {"dtype": packed.dtype.str, "shape": list(value.shape)}


class _Reader:
    """One message being read; it counts the bytes, so that a message cannot ask for more than its share."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.left = MOST_BYTES

    def value(self, data: Any) -> Any:
        if "dtype" in data:
            return self.array(np.dtype(str(data["dtype"])), tuple(int(n) for n in data["shape"]))
        if "texts" in data:
            return np.array([str(text) for text in data["texts"]], dtype=object).reshape(data["shape"])
        if "list" in data:
            return [self.value(item) for item in data["list"]]
        if "pairs" in data:
            return {self.value(key): self.value(item) for key, item in data["pairs"]}
        return data["plain"]

    def array(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
        nbytes = math.prod(shape) * dtype.itemsize
        self.left -= nbytes
        if dtype.kind not in _NUMBERS or self.left < 0 or min(shape, default=0) < 0:
            raise Closed
        # A bytearray, so that the array can be written to, as one that was made here.
        return np.frombuffer(bytearray(_exactly(self.stream, nbytes)), dtype).reshape(shape)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise Closed
    return data
