"""How much may be kept, as people write it: a number of calls, and memory as ``"1GB"``.

A memory stick's units: MB and GB are powers of ten, MiB and GiB powers of two. What is said about memory is said in the
former, so that a sentence can be compared with the option.
"""

from __future__ import annotations

import re
from typing import Any

from onnxmagic.errors import UsageMistake

__all__ = ["parse_budget", "parse_keep", "size_text"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([KMGT]I?)?B?\s*", re.IGNORECASE | re.ASCII)


def parse_budget(budget: Any) -> int:
    """Return a memory budget in bytes.

    Raises
    ------
    UsageMistake
        It is no size, or not even a byte.
    """
    if isinstance(budget, str):
        found = _SIZE.fullmatch(budget)
        nbytes = int(float(found[1]) * _UNITS[(found[2] or "").upper()]) if found else 0
    else:
        nbytes = budget if isinstance(budget, int) and not isinstance(budget, bool) else 0
    if nbytes < 1:
        raise UsageMistake(
            f'budget={budget!r} is no size of memory; write "1GB", "500MB", or a whole number of bytes (2**30).'
        )
    return nbytes


def parse_keep(keep: Any) -> int:
    """Return how many calls to keep.

    Raises
    ------
    UsageMistake
        It is no whole number from 1.
    """
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
        raise UsageMistake(f"keep={keep!r} is no number of calls; write a whole number from 1, for example keep=16.")
    return keep


def size_text(nbytes: int) -> str:
    """Return a size as a person writes it: ``61.3 MB``, ``1 GB``."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if nbytes >= size:
            return f"{f'{nbytes / size:.1f}'.removesuffix('.0')} {unit}"
    return f"{nbytes} bytes"
