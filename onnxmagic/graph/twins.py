"""Which weights have the same values, read as little as that takes.

Only weights of one type, shape and size can be equal, and nearly all of those that are not differ in a few bytes from
three places; what is left is compared by the hash of all its bytes. A large model without twins costs some reads a
weight, one with twins the reading of those alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.weights import BLOCK, Weights

__all__ = ["Reader", "comparable"]

READ_AT_MOST: Final = 5 * 10**8
"""Bytes that are read in full, all weights together: under a second. Beyond that nothing is called equal."""

MOST_SEEKS: Final = 20_000
"""Pieces that two matrices are compared in when one is transposed; a pair that takes more is not compared."""

_SAMPLE: Final = 512
_CORNER: Final = 8


def comparable(weights: Iterable[Initializer]) -> tuple[Initializer, ...]:
    """Return the weights that have a companion of the same type and number of bytes, and so could be equal."""
    alike: dict[Hashable, list[Initializer]] = defaultdict(list)
    for weight in weights:
        alike[weight.dtype, weight.nbytes].append(weight)
    return tuple(weight for group in alike.values() if len(group) > 1 for weight in group)


class Reader:
    """Compares weights, and stops reading when it has read enough."""

    def __init__(self, values: Weights) -> None:
        self._values = values
        self._left = READ_AT_MOST

    def equal(self, weights: Sequence[Initializer]) -> list[list[Initializer]]:
        """Return groups of two and more weights of one type and shape whose bytes are the same.

        A weight of one value throughout, as norms have them before training, has no values of its own and is no twin.
        """
        alike: dict[Hashable, list[Initializer]] = defaultdict(list)
        for weight in weights:
            sample = self._sample(weight)
            if not _constant(sample, weight):
                alike[weight.dtype, weight.shape, sample].append(weight)
        whole: dict[Hashable, list[Initializer]] = defaultdict(list)
        for group in alike.values():
            for weight in group if len(group) > 1 else ():
                if digest := self._digest(weight):
                    whole[weight.dtype, weight.shape, digest].append(weight)
        return [group for group in whole.values() if len(group) > 1]

    def transposed(self, weights: Sequence[Initializer]) -> list[list[Initializer]]:
        """Return pairs of matrices of which the second is the first one transposed."""
        seen: dict[Hashable, Initializer] = {}
        pairs: list[list[Initializer]] = []
        for weight in weights:
            if len(weight.shape) != 2 or min(weight.shape) < _CORNER or weight.nbytes % weight.size:
                continue
            rows = self._middle(weight)
            if _constant(b"".join(rows), weight):
                continue
            item = weight.nbytes // weight.size
            turned = b"".join(row[i * item : (i + 1) * item] for i in range(_CORNER) for row in rows)
            twin = seen.get((weight.dtype, weight.shape, turned))
            if twin and self._is_transpose(twin, weight):
                pairs.append([twin, weight])
            else:
                seen.setdefault((weight.dtype, weight.shape[::-1], b"".join(rows)), weight)
        return pairs

    def _sample(self, weight: Initializer) -> bytes:
        item = max(1, weight.nbytes // max(1, weight.size))
        middle = weight.nbytes // 2 // item * item
        starts = (0, middle, max(0, weight.nbytes - _SAMPLE))
        return b"".join(self._values.read(weight.name, start, _SAMPLE) for start in starts)

    def _middle(self, weight: Initializer) -> list[bytes]:
        """Return the rows of a small square in the middle; at the start, embeddings have rows of padding."""
        rows, columns = weight.shape
        item = weight.nbytes // weight.size
        top, left = (rows - _CORNER) // 2, (columns - _CORNER) // 2
        return [
            self._values.read(weight.name, ((top + i) * columns + left) * item, _CORNER * item) for i in range(_CORNER)
        ]

    def _digest(self, weight: Initializer) -> bytes:
        if not self._may_read(weight.nbytes):
            return b""
        digest = hashlib.blake2b(digest_size=16)
        for block in self._values.blocks(weight.name):
            digest.update(block)
        return digest.digest()

    def _is_transpose(self, one: Initializer, other: Initializer) -> bool:
        import numpy as np

        rows, columns = one.shape
        item = one.nbytes // one.size
        step = max(1, 8 * BLOCK // (columns * item))
        if -(-rows // step) * columns > MOST_SEEKS or not self._may_read(2 * one.nbytes):
            return False
        for top in range(0, rows, step):
            height = min(step, rows - top)
            block = self._values.read(one.name, top * columns * item, height * columns * item)
            pieces = [
                self._values.read(other.name, (column * rows + top) * item, height * item) for column in range(columns)
            ]
            if len(block) != height * columns * item or any(len(piece) != height * item for piece in pieces):
                return False  # the file shrank
            mine = np.frombuffer(block, dtype=f"V{item}").reshape(height, columns)
            theirs = np.frombuffer(b"".join(pieces), dtype=f"V{item}").reshape(columns, height)
            if mine.tobytes() != theirs.T.tobytes():
                return False
        return True

    def _may_read(self, count: int) -> bool:
        self._left -= count
        return self._left >= 0


def _constant(sample: bytes, weight: Initializer) -> bool:
    item = max(1, weight.nbytes // max(1, weight.size))
    return sample == sample[:item] * (len(sample) // item)
