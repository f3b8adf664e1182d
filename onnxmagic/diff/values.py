"""The values of a side's weights, by their index, a piece at a time.

Two models of gigabytes are compared side by side, so nothing here holds more than a piece. An index and not a name says
which weight is meant: weights of bodies have names that others have too.
"""

from __future__ import annotations

import errno
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from onnxmagic.diff.places import everywhere, main_only, runs
from onnxmagic.diff.side import Side
from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.weights import Weights, tensors
from onnxmagic.graph.window import Bytes
from onnxmagic.inside.arrays import bits, decoded, element_type

__all__ = ["Numbers", "Values", "opened"]

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Values:
    """The weights of a side, as long as they are open."""

    stored: tuple[Initializer, ...]
    weights: Weights
    addresses: dict[int, str]

    def readable(self, index: int) -> bool:
        """Tell whether all values of a weight are there, and are numbers."""
        weight = self.stored[index]
        numbers = bool(element_type(weight.dtype)) and weight.dtype != "string"
        return numbers and index in self.addresses and self.weights.nbytes(self.addresses[index]) == weight.nbytes

    def raw(self, index: int) -> Iterator[bytes]:
        """Yield the values as they are stored."""
        return self.weights.blocks(self.addresses[index])

    def flat(self, index: int, start: int, count: int) -> Numbers:
        """Return `count` values from the one at `start` on, row by row.

        Raises
        ------
        OSError
            The file was cut since it was opened.
        """
        weight = self.stored[index]
        size = bits(weight.dtype)
        # Of types of less than a byte only pieces that begin with one are asked for.
        nbytes = -(-count * size // 8)
        raw = self.weights.read(self.addresses[index], start * size // 8, nbytes)
        if len(raw) != nbytes:
            raise OSError(errno.EIO, "the file was cut while it was read")
        return decoded(raw, weight.dtype, count)

    def columns(self, index: int, columns: range) -> Numbers:
        """Return these columns of a matrix, as rows."""
        height, width = self.stored[index].shape
        if bits(self.stored[index].dtype) < 8:
            return self.flat(index, 0, height * width).reshape(height, width)[:, columns.start : columns.stop].T
        parts = [self.flat(index, row * width + columns.start, len(columns)) for row in range(height)]
        return np.stack(parts).T


@contextmanager
def opened(side: Side) -> Generator[Values]:
    """Open the weights of a side; of one whose file is gone none can be read."""
    found = runs(side.graph, side.outline)
    seen: list[str] = []

    def find(data: Bytes) -> Iterator[tuple[str, int, int]]:
        for part in everywhere(data) if side.outline.inner else main_only(data):
            seen.append(part[0])
            yield part

    with tensors(side.source, find) as weights:
        addresses = {index: address for address in seen for index in found.weights(address)}
        yield Values(tuple(side.stored), weights, addresses)
