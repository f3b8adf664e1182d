"""What a weight is known by: a hash of its type, shape and values, and not of its name.

A name says little after a re-export, and values are gigabytes; a hash of 32 bytes tells whether two weights are the
same wherever they stand. SHA-256, because processors have it built in: BLAKE2 took twice as long here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

__all__ = ["of_blocks", "of_text"]


def of_blocks(dtype: str, shape: tuple[int, ...], blocks: Iterable[bytes], nbytes: int) -> bytes | None:
    """Return the hash of values that come in `blocks`; None where they are not `nbytes` bytes."""
    hashed = hashlib.sha256(_kind(dtype, shape), usedforsecurity=False)
    found = 0
    for block in blocks:
        hashed.update(block)
        found += len(block)
    return hashed.digest() if found == nbytes else None


def of_text(dtype: str, shape: tuple[int, ...], value: Any) -> bytes:
    """Return the hash of a few values as the facts hold them, for types whose values are no bytes, such as text."""
    return hashlib.sha256(_kind(dtype, shape) + repr(value).encode(), usedforsecurity=False).digest()


def _kind(dtype: str, shape: tuple[int, ...]) -> bytes:
    return f"{dtype}{list(shape)}".encode()
