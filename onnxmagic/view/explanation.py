"""What a rule finds, why it hurts and how to mend it, from the rule's own docstring, where alone it is written.

The docstrings are Markdown of the simplest kind: paragraphs, lists, indented code, and code between backquotes.
"""

from __future__ import annotations

import re
from functools import cache
from inspect import cleandoc

from onnxmagic.check import catalogue
from onnxmagic.view import words
from onnxmagic.view.parts import Explanation, Line, Span, line

__all__ = ["explanation"]

_TITLES = catalogue.HEADINGS[:3]
"""Not the examples: they are for the docs, and a page with twenty findings must stay small."""


def explanation(code: str, again: bool = False) -> Explanation | None:
    """Return what the rule called `code` is about; None when the catalogue has no such rule."""
    sections = _sections().get(code)
    if sections is None:
        return None
    if again:
        return Explanation(code, ((Span(""), (line(f"As at the first {code} above."),)),), again=True)
    return Explanation(code, sections)


@cache
def _sections() -> dict[str, tuple[tuple[Span, tuple[Line, ...]], ...]]:
    return {
        loaded.rule.code: tuple(
            (Span(title), _paragraphs(loaded.sections[title])) for title in _TITLES if title in loaded.sections
        )
        for loaded in catalogue.rules()
    }


def _paragraphs(text: str) -> tuple[Line, ...]:
    blocks = re.split(r"\n\s*\n|\n(?=[-*] )", text.strip("\n"))
    return tuple(piece for block in blocks if block.strip() for piece in _lines(block))


def _lines(block: str) -> list[Line]:
    """Return a paragraph as one line, to be wrapped by whoever draws it, and code as it is."""
    if block.startswith("    "):
        return [(Span(text, "code"),) for text in cleandoc(block).splitlines()]
    return [words.spans(" ".join(block.split()))]
