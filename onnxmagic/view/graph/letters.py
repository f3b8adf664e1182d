"""How wide a text stands where nothing can measure it.

A picture made without a browser must know how much room a name takes. The widths are those of DejaVu Sans in hundredths
of its size: of the faces that a system's ``sans-serif`` may turn out to be it is about the widest, so what fits here
fits in Arial, Segoe UI or San Francisco too, with some air.
"""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["FACE", "fitted", "text_width"]

FACE: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, 'DejaVu Sans', sans-serif"

# From the blank (32) to the tilde (126).
_REGULAR: Final = (
    *(32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34),
    *(84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99),
    *(69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52),
    *(39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84),
)
_SIGNS: Final = {"×": 84, "·": 32, "…": 100, "–": 50, "→": 84}
_OTHER: Final = 70
_BOLD: Final = 1.12
"""A bold letter against a regular one; the widest letters grow less, the narrow ones more."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how many pixels `text` takes in a sans-serif face of `size` pixels."""
    return sum(map(_letter, text)) / 100 * size * (_BOLD if bold else 1)


def fitted(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return `text`, or as much of it as stands in `room` pixels with an ellipsis behind."""
    # No letter but a combining one is narrower than a quarter of the size: a name of megabytes is not measured whole.
    text = text[: 4 * int(room / size) + 8]
    if text_width(text, size, bold=bold) <= room:
        return text
    left = room - text_width("…", size, bold=bold)
    for end, letter in enumerate(text):
        left -= text_width(letter, size, bold=bold)
        if left < 0:
            return f"{text[:end].rstrip()}…"
    return text


def _letter(char: str) -> int:
    code = ord(char)
    if 32 <= code < 127:
        return _REGULAR[code - 32]
    if char in _SIGNS:
        return _SIGNS[char]
    if unicodedata.combining(char):
        return 0
    return 105 if unicodedata.east_asian_width(char) in {"W", "F"} else _OTHER
