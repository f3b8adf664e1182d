"""What may have been meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

from onnxmagic.check.wording import code

__all__ = ["did_you_mean"]

MOST_NAMES: Final = 50_000
"""Comparing a word with more names than these takes seconds."""

LONGEST: Final = 200


def did_you_mean(name: str, known: Iterable[str], where: str) -> str:
    """Return a sentence with up to three near names; where none is near, `where` says how to find them."""
    candidates = [each for each in islice(known, MOST_NAMES) if each and len(each) <= LONGEST]
    near = get_close_matches(name[:LONGEST], candidates, n=3)
    # The end of a dotted name is what a person remembers of it.
    near = near or [each for each in candidates if name and name in each][:3]
    return f"Did you mean {' or '.join(map(code, near))}?" if near else where
