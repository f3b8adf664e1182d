"""What became of a node between two models, as a drawing marks it: a sign, a colour, a word, and how many below a box.

The numbers stand in payloads, so they are fixed; ``graph-data.js`` knows the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onnxmagic.graph.outline import Outline

__all__ = [
    "ADDED",
    "CHANGED",
    "MOVED",
    "REMOVED",
    "SAME",
    "SIGNS",
    "WORDS",
    "Marked",
    "counted",
    "counts",
    "said",
    "told",
]

SAME: Final = 0
ADDED: Final = 1
REMOVED: Final = 2
CHANGED: Final = 3
MOVED: Final = 4

WORDS: Final = ("same", "added", "removed", "changed", "moved")
SIGNS: Final = ("", "+", "−", "~", "→")  # the minus sign is as wide as the plus; a hyphen is not


def counts(marks: Sequence[int]) -> list[int]:
    """Return how many nodes have each mark."""
    return [marks.count(mark) for mark in range(len(WORDS))]


def counted(outline: Outline, marks: Sequence[int]) -> list[list[int]]:
    """Return for each scope how many nodes in it, all below counted, have each mark; bodies count for their owners."""
    found = [[0] * len(WORDS) for _ in outline.scopes]
    for node, mark in enumerate(marks):
        found[outline.of_node[node]][mark] += 1
    for index in range(len(found) - 1, 0, -1):
        above = found[outline.scopes[index].parent]
        for mark, count in enumerate(found[index]):
            above[mark] += count
    return found


def told(several: Sequence[int]) -> str:
    """Return counts as a box says them: ``+3 −1 ~2``; nothing where all is the same."""
    return " ".join(f"{SIGNS[mark]}{count}" for mark, count in enumerate(several) if mark and count)


def said(several: Sequence[int]) -> str:
    """Return counts in words: ``3 added, 2 changed``; nothing where all is the same."""
    return ", ".join(f"{count:,} {WORDS[mark]}" for mark, count in enumerate(several) if mark and count)


class Marked:
    """The marks of the boxes of a picture, by their names (``n12``, ``s3``, ``i0``, ``o0``)."""

    def __init__(self, outline: Outline, marks: Sequence[int], inputs: Sequence[int], outputs: Sequence[int]) -> None:
        self._single = {"n": marks, "i": inputs, "o": outputs}
        self._counts = counted(outline, marks)
        self._bodies: dict[int, list[int]] = {}
        for index, scope in enumerate(outline.scopes):
            if scope.owner >= 0:
                self._bodies.setdefault(scope.owner, []).append(index)

    def mark(self, box: str) -> int:
        """Return the mark of a box; of a scope the one that all in it have, else ``SAME``."""
        index = int(box[1:])
        if box[0] != "s":
            return self._single[box[0]][index]
        alike = [mark for mark, count in enumerate(self._counts[index]) if count]
        return alike[0] if len(alike) == 1 else SAME

    def told(self, box: str) -> tuple[str, str, str]:
        """Return the sign of a box, the counts of what changed in it, and both in words; all empty for the same."""
        index, mark = int(box[1:]), self.mark(box)
        inside = [index] if box[0] == "s" else self._bodies.get(index, []) if box[0] == "n" else []
        several = [sum(column) for column in zip(*(self._counts[scope] for scope in inside), strict=True)]
        if mark:
            return SIGNS[mark], "", WORDS[mark]
        return "", told(several), said(several)
