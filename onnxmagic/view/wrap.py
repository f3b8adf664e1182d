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
        size = width(word)
        blank = word[0].text.isspace()
        if size > room and not blank:
            lines.append([])
            room = columns
        if blank and (not lines[-1] or size > room):
            continue
        lines[-1] += word
        room -= size
    return [_merged(words) for words in lines]


def _words(spans: Line, columns: int) -> list[Line]:
    """Return blanks and words; a word that is code followed by a comma has two tones and is one word."""
    words: list[list[Span]] = []
    for span in spans:
        for text in re.findall(r"\s+|\S+", span.text):
            if text.isspace() or not words or words[-1][0].text.isspace():
                words.append([])
            words[-1].append(Span(text, span.tone))
    return [
        part for word in words for part in ([tuple(word)] if width(tuple(word)) <= columns else _cut(word, columns))
    ]


def _cut(word: list[Span], columns: int) -> list[Line]:
    """Return the pieces of a word that is longer than a line."""
    return [
        (Span(span.text[start : start + columns], span.tone),)
        for span in word
        for start in range(0, len(span.text), columns)
    ]


def _merged(words: list[Span]) -> Line:
    """Return `words` with neighbours of one tone as one span, and no blanks at the end."""
    merged: list[Span] = []
    for word in words[:-1] if words and words[-1].text.isspace() else words:
        if merged and merged[-1].tone == word.tone:
            merged[-1] = Span(merged[-1].text + word.text, word.tone)
        else:
            merged.append(word)
    return tuple(merged)
