"""Columns of whole numbers, and the table of texts that they point into.

A graph of 20,000 nodes is a few long columns, and columns compress: what repeats stands below what it repeats. Where
numbers climb, their differences repeat and they themselves do not, so each column is written in the way that compresses
better. Texts are kept once, in the order in which they are met, so that their numbers climb too. Most of them are made
by counting (``linear_7``, ``layers.3.fc.weight``); their counters are columns of their own, and of 130 KB stay 3.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from onnxmagic.view.span import clean

__all__ = ["MOST_CHARACTERS", "Column", "Texts", "column", "short"]

MOST_CHARACTERS = 200
"""Of any text that a drawing holds; names are shorter, and those that are not are an attack or a mistake."""

# As a browser can count, too: without leading zeros, and not beyond 15 digits.
_COUNTER = re.compile(r"(?<![0-9])(0|[1-9][0-9]{0,14})(?![0-9])")

Column = list[int] | dict[str, Any]
"""The numbers, or ``{"coding": "delta", "data": …}`` with the difference of each to the one before it."""


def short(text: str) -> str:
    """Return `text` fit to be shown: every character visible, and at most 200 of them."""
    # Cut first: a name of 10 MB must not be looked at character by character.
    cleaned = clean(text[: MOST_CHARACTERS + 1])
    return cleaned if len(cleaned) <= MOST_CHARACTERS else f"{cleaned[: MOST_CHARACTERS - 1]}…"


class Texts:
    """Every text once, with its number; the empty text is number 0."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {"": 0}
        # The same long name is met at every edge: what was cut once is not cut again.
        self._met: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        """Return the number of `text`."""
        if text not in self._met:
            self._met[text] = self._numbers.setdefault(short(text), len(self._numbers))
        return self._met[text]

    def column(self, texts: Iterable[str]) -> Column:
        """Return the numbers of `texts` as a column."""
        met = self._met
        return column([met[text] if text in met else self.number(text) for text in texts])

    def all(self) -> list[str]:
        """Return the texts in the order of their numbers."""
        return list(self._numbers)

    def written(self) -> dict[str, Any]:
        """Return the texts with their counters apart.

        ``patterns`` are texts with a NUL for each counter, which no clean text has. ``pattern`` is a column: which of
        them each text is; ``step`` another: each of its counters, less the same one of the last text of this pattern.
        """
        patterns: dict[str, int] = {}
        last: list[list[int]] = []
        which: list[int] = []
        steps: list[int] = []
        for text in self._numbers:
            pieces = _COUNTER.split(text)
            counters = [int(counter) for counter in pieces[1::2]]
            number = patterns.setdefault("\0".join(pieces[::2]), len(patterns))
            if number == len(last):
                last.append([0] * len(counters))
            which.append(number)
            steps += [now - before for now, before in zip(counters, last[number], strict=True)]
            last[number] = counters
        return {"patterns": list(patterns), "pattern": column(which), "step": column(steps)}


def column(numbers: Sequence[int]) -> Column:
    """Return `numbers` in the way that compresses better."""
    plain = list(numbers)
    steps = [after - before for before, after in pairwise((0, *plain))]
    return plain if _weight(plain) <= _weight(steps) else {"coding": "delta", "data": steps}


def _weight(numbers: list[int]) -> int:
    return len(zlib.compress(json.dumps(numbers, separators=(",", ":")).encode(), 1))
