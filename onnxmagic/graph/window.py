"""The bytes of a file, a few at a time, where they are asked for.

A memory map would be less to write, and did worse: a system maps the pages around the one that was asked for, up to
megabytes of them, so that a walk over a file of 1 GB stood in the process's memory with half of it; and a file that is
cut while it is mapped ends the process without a word.
"""

from __future__ import annotations

import os
from typing import Final, Protocol

__all__ = ["WINDOW", "Bytes", "FileBytes", "MemoryBytes"]

WINDOW: Final = 16 * 1024
"""Bytes that are read at once: many small fields, and not much of a weight that follows them."""


class Bytes(Protocol):
    """Bytes that need not be in memory."""

    def __len__(self) -> int: ...

    def near(self, at: int) -> tuple[bytes | memoryview, int]:
        """Return bytes that hold some behind `at`, and where they begin; fewer than 20 behind it only at the end."""
        ...

    def part(self, start: int, end: int) -> bytes | memoryview:
        """Return the bytes from `start` to `end`, fewer where there are no more."""
        ...


class MemoryBytes:
    """Bytes that are in memory."""

    def __init__(self, data: memoryview) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def near(self, at: int) -> tuple[bytes | memoryview, int]:  # noqa: ARG002 the protocol has it
        """Return all of them."""
        return self._data, 0

    def part(self, start: int, end: int) -> bytes | memoryview:
        """Return the bytes from `start` to `end`."""
        return self._data[start:end]


class FileBytes:
    """Bytes of an open file; one that shrinks meanwhile just ends earlier."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._window, self._first = b"", 0

    def __len__(self) -> int:
        return self._size

    def near(self, at: int) -> tuple[bytes | memoryview, int]:
        """Return a window that begins at `at`, or the last one where that is in it."""
        if not self._first <= at < self._first + len(self._window) - 20:
            self._window, self._first = self.part(at, at + WINDOW), at
        return self._window, self._first

    def part(self, start: int, end: int) -> bytes:
        """Return the bytes from `start` to `end`."""
        os.lseek(self._descriptor, start, os.SEEK_SET)
        pieces: list[bytes] = []
        # A system reads at most 2 GB at once.
        while start < end and (piece := os.read(self._descriptor, min(end - start, 2**30))):
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)
