"""Lines of spans measured and broken as a terminal shows them, tones kept."""

from __future__ import annotations

import re
import unicodedata

from onnxmagic.view.parts import Line, Span

__all__ = ["width", "wrap"]


def width(spans: Line) -> int:
    """Return how many columns a line takes: Chinese takes two a character, a combining accent none."""
    text = "".join(span.text for span in spans)
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in {"W", "F"} for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def wrap(spans: Line, columns: int) -> list[Line]:
    """Break one line at blanks into lines of at most `columns`; a longer word is broken where it must be."""
    lines: list[list[Span]] = [[]]
    room = columns
    for word in _words(spans, columns):
        size = width((word,))
        blank = word.text.isspace()
        if size > room and not blank:
            lines.append([])
            room = columns
        if blank and (not lines[-1] or size > room):
            continue
        lines[-1].append(word)
        room -= size
    return [_merged(words) for words in lines]


def _words(spans: Line, columns: int) -> list[Span]:
    words: list[Span] = []
    for span in spans:
        for word in re.findall(r"\s+|\S+", span.text):
            words += [Span(word[start : start + columns], span.tone) for start in range(0, len(word), columns)]
    return words


def _merged(words: list[Span]) -> Line:
    """Return `words` with neighbours of one tone as one span, and no blanks at the end."""
    merged: list[Span] = []
    for word in words[:-1] if words and words[-1].text.isspace() else words:
        if merged and merged[-1].tone == word.tone:
            merged[-1] = Span(merged[-1].text + word.text, word.tone)
        else:
            merged.append(word)
    return tuple(merged)
