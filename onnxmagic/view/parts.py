"""What a report is made of, before it is text or HTML.

A result is turned into parts once (``report.py``); ``text.py`` and ``html.py`` only know parts. So the renderings
cannot drift apart: a new fact is added in one place, and a new kind of result needs no new renderer.

Every string that a person will see is a ``Span``, and a span is clean from birth: names in a model file are hostile,
and a terminal obeys control characters as readily as a page obeys markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "AXIS_SIGNS",
    "SIGNS",
    "Action",
    "Branch",
    "Column",
    "Explanation",
    "Header",
    "Item",
    "Line",
    "Part",
    "Report",
    "Row",
    "Section",
    "Sentence",
    "Share",
    "Shares",
    "Sign",
    "Signature",
    "Size",
    "Span",
    "Table",
    "Tensor",
    "Tone",
    "Tree",
    "clean",
    "line",
]

Sign = Literal["ok", "warn", "bad", "info"]
SIGNS: dict[Sign, str] = {"ok": "✓", "warn": "▲", "bad": "✗", "info": "·"}
"""Colour is never the only sign."""

AXIS_SIGNS: dict[Sign, str] = {**SIGNS, "info": "?"}
"""Behind an axis: proved, refused; a question mark for what was not tried."""

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


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one tone; ``title`` says more on hovering and is nowhere the only place of a fact."""

    text: str
    tone: Tone = "plain"
    title: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", clean(self.text))
        object.__setattr__(self, "title", clean(self.title))


Line = tuple[Span, ...]


def line(*pieces: str | Span, tone: Tone = "plain") -> Line:
    """Return a line of spans; strings among `pieces` get `tone`."""
    return tuple(Span(piece, tone) if isinstance(piece, str) else piece for piece in pieces)


@dataclass(frozen=True, slots=True)
class Header:
    """The verdict in one sentence, and the file's few main facts."""

    sign: Sign
    sentence: Line
    facts: Line


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of prose, with a sign where it needs attention."""

    line: Line
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule is about: titles, each with its paragraphs.

    A rule is explained once in a report; where it is met ``again`` there are no paragraphs, only a word of where.
    """

    rule: str
    sections: tuple[tuple[Span, tuple[Line, ...]], ...]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A button of a live view.

    ``apply`` asks Python for what ``text`` names; ``copy`` puts ``text`` into the clipboard, and ``advice`` says where
    it belongs. ``title`` says before the click what will happen.
    """

    kind: Literal["apply", "copy"]
    label: str
    text: str
    title: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A finding: its sign, code, name and message, below it the facts that help; ``key`` names it in a live view.

    ``module`` is the key of its branch in the tree of the same report, empty where there is none.
    """

    key: str
    sign: Sign
    code: Span
    name: Span
    body: Line
    more: tuple[Line, ...] = ()
    about: Explanation | None = None
    module: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """One axis of a tensor; ``sign`` is None for a plain fixed size."""

    text: Span
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output; ``sizes`` is None when the rank is unknown."""

    name: Span
    dtype: Span
    sizes: tuple[Size, ...] | None


@dataclass(frozen=True, slots=True)
class Signature:
    """What goes in and what comes out."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; numbers stand right."""

    title: Span
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A table's row; ``note`` stands below it over the whole width."""

    cells: tuple[Line, ...]
    note: Line = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Aligned figures."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """A module in the tree; ``share`` is its part of the file's weights, from 0 to 1."""

    key: str
    name: Span
    kind: Span
    shape: Span
    share: float
    count: Span
    weight: Span
    children: tuple[Branch, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Branch]]:
        """Yield the depth and the branch, for this one and all below it, parents first."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """The modules; ``elsewhere`` says where the whole tree is when a rendering has to cut it."""

    root: Branch
    elsewhere: Span


@dataclass(frozen=True, slots=True)
class Share:
    """One piece of a whole."""

    label: Span
    amount: float
    text: Span


@dataclass(frozen=True, slots=True)
class Shares:
    """A whole and its pieces, for example the time of each stage."""

    items: tuple[Share, ...]


Part = Sentence | Item | Signature | Table | Tree | Shares


@dataclass(frozen=True, slots=True)
class Section:
    """Parts that belong together; ``label`` is one word, ``title`` what there is to say in one line."""

    label: str
    title: Line = ()
    parts: tuple[Part, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Report:
    """A whole result; ``kind`` names its root on a page, as in ``om-export``."""

    kind: str
    header: Header
    sections: tuple[Section, ...]
