"""Figures and phrases as a person writes them, the same in every rendering."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isinf

from onnxmagic.view.parts import Line, Span

__all__ = [
    "count",
    "difference",
    "dim",
    "listing",
    "percent",
    "plural",
    "ratio",
    "seconds",
    "shape",
    "sizes",
    "spans",
    "stop",
    "weight",
    "whole",
]

_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def _scaled(value: float) -> tuple[str, str]:
    for factor, prefix in _SCALES:
        # 999_950 would be written "1000.0 k".
        if value >= factor * 0.99995:
            return f"{value / factor:.1f}", prefix
    return f"{value:.0f}", ""


def count(value: int) -> str:
    """Return a number of things: ``512``, ``9.5 k``, ``25.6 M``."""
    figure, prefix = _scaled(value)
    return f"{figure} {prefix}".rstrip()


def weight(nbytes: int) -> str:
    """Return a number of bytes in decimal units, as file managers and networks count: ``97.5 MB``."""
    figure, prefix = _scaled(nbytes)
    return f"{figure} {prefix}B"


def seconds(value: float) -> str:
    """Return a duration: ``40 ms``, ``1.9 s``, ``2 min 5 s``."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def difference(value: float) -> str:
    """Return a difference between two runs: ``4.8e-07``, and ``0`` for none at all."""
    return "0" if value == 0 else f"{value:.1e}"


def percent(share: float) -> str:
    """Return a share: ``98.4 %``; ``0 %`` and ``100 %`` are said of none and of all, never of almost."""
    if share in {0.0, 1.0}:
        return f"{share:.0%}".replace("%", " %")
    for digits in range(1, 6):
        text = f"{share:.{digits}%}"
        if 0.0 < float(text[:-1]) < 100.0:
            return text.replace("%", " %")
    return "almost none" if share < 0.5 else "almost all"


def ratio(value: float) -> str:
    """Return how many times as large: ``1.3 ×``, ``21,000 ×``, ``2.1e+07 ×``."""
    if value < 100:
        return f"{value:.1f} ×"
    return f"{value:,.0f} ×" if value < 1e6 else "∞ ×" if isinf(value) else f"{value:.1e} ×"


def listing(words: Sequence[object]) -> str:
    """Return words as in a sentence: ``1, 2 and 4``."""
    texts = [str(word) for word in words]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def sizes(values: Iterable[int]) -> str:
    """Return the sizes of an axis: ``1, 2 and 4``; where there are many, ``4 to 512 (57 sizes)``."""
    several = sorted(set(values))
    return listing(several) if len(several) <= 8 else f"{several[0]} to {several[-1]} ({len(several):,} sizes)"


def whole(number: int, noun: str) -> str:
    """Return a number to the last digit, of what was counted one by one: ``1 sample``, ``10,000 samples``."""
    plural_noun = f"{noun}es" if noun.endswith(("ch", "x")) else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural_noun}"


def plural(number: int, noun: str) -> str:
    """Return ``1 node``, ``3 nodes``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def shape(dims: Sequence[int | str | None] | None) -> str:
    """Return a tensor's shape: ``batch × 64 × 7``; ``scalar``; nothing when it is unknown."""
    if dims is None:
        return ""
    return " × ".join("?" if dim is None else str(dim) for dim in dims) or "scalar"


def spans(message: str) -> Line:
    """Return a message as spans; what stands between backquotes is code."""
    # An odd number of backquotes leaves a last one that opens nothing: it stays as it is.
    pieces = re.split(r"`([^`]+)`", message)
    return tuple(Span(text, "code" if index % 2 else "plain") for index, text in enumerate(pieces) if text)


def dim(line: Line) -> Line:
    """Return `line` in a lower voice; code stays code."""
    return tuple(Span(span.text, "dim") if span.tone == "plain" else span for span in line)


def stop(sentence: str) -> str:
    """Return `sentence` with a full stop at its end."""
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
