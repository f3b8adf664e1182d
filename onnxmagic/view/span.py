"""A run of text in one tone: the smallest piece of a report, and the only way for a string into one.

A span is clean from birth: names in a model file are hostile, and a terminal obeys control characters as readily as a
page obeys markup.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

__all__ = ["AXIS_SIGNS", "LONGEST", "SIGNS", "Line", "Sign", "Span", "Tone", "clean", "line"]

Sign = Literal["ok", "warn", "bad", "info"]
SIGNS: dict[Sign, str] = {"ok": "✓", "warn": "▲", "bad": "✗", "info": "·"}
"""Colour is never the only sign."""

AXIS_SIGNS: dict[Sign, str] = {**SIGNS, "info": "?"}
"""Behind an axis: proved, refused; a question mark for what was not tried."""

LONGEST = 10_000
"""Characters of one piece of text. Nobody reads more in a report; a name of 10 MB in a file is there to do harm."""

Tone = Literal["plain", "strong", "dim", "code", "ok", "warn", "bad", "info"]


def clean(text: str) -> str:
    """Return `text` with every character visible that would steer a terminal, a page or the reading direction."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char) for char in text)


def _visible(char: str) -> str:
    # Cf holds the bidirectional overrides and the zero-width characters; Cs cannot be encoded as UTF-8 at all.
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return char.encode("unicode_escape").decode("ascii")
    return char


def _bounded(text: str) -> str:
    return clean(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one tone; ``title`` says more on hovering and is nowhere the only place of a fact.

    ``go`` is a place in the drawing of the same report, to which a page links: in that of a diff ``a12`` and ``b12``
    are nodes of the first and the second model, ``w:NAME`` is a weight by its name in the first, ``m:PATH`` a module.
    """

    text: str
    tone: Tone = "plain"
    title: str = ""
    go: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _bounded(self.text))
        object.__setattr__(self, "title", _bounded(self.title))
        object.__setattr__(self, "go", _bounded(self.go))


Line = tuple[Span, ...]


def line(*pieces: str | Span, tone: Tone = "plain") -> Line:
    """Return a line of spans; strings among `pieces` get `tone`."""
    return tuple(Span(piece, tone) if isinstance(piece, str) else piece for piece in pieces)
