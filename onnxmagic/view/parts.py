"""What a report is made of, before it is text or HTML.

A result is turned into parts once (``report.py``); ``text.py`` and ``html.py`` only know parts. So the renderings
cannot drift apart: a new fact is added in one place, and a new kind of result needs no new renderer.

Every string that a person will see is a ``Span`` (``span.py``), which is clean from birth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from onnxmagic.view.span import AXIS_SIGNS, SIGNS, Line, Sign, Span, Tone, clean, line

__all__ = [
    "AXIS_SIGNS",
    "SIGNS",
    "Action",
    "Bar",
    "Bars",
    "Branch",
    "Column",
    "Drawing",
    "Explanation",
    "Folded",
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
class Folded:
    """Sentences that a page shows when they are asked for, under ``summary``; a terminal shows them all."""

    summary: Span
    lines: tuple[Line, ...]


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

    ``module`` is the key of its branch in the tree of the same report, ``node`` that of its node in the drawing; empty
    where there is none.
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
    node: str = ""


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
    """A module in the tree; ``share`` is its part of the file's weights, from 0 to 1.

    ``cost`` are the operations of one run, empty where they are not known.
    """

    key: str
    name: Span
    kind: Span
    shape: Span
    share: float
    count: Span
    weight: Span
    children: tuple[Branch, ...] = ()
    cost: Span = field(default=Span(""))

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Branch]]:
        """Yield the depth and the branch, for this one and all below it, parents first."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(frozen=True, slots=True)
class Tree:
    """The modules; ``elsewhere`` says where the whole tree is when a rendering has to cut it, ``noun`` what is cut."""

    root: Branch
    elsewhere: Span
    noun: str = "module"


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


@dataclass(frozen=True, slots=True)
class Bar:
    """How many of something: ``share`` is the bar's length, 1 for the longest; a ``sign`` stands before the label."""

    label: Span
    share: float
    text: Span
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """A distribution; ``titles`` are those of the labels and of the figures."""

    titles: tuple[Span, Span]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph; a terminal shows nothing of it, for the tree of modules is there.

    ``alt`` says in words what is to be seen. ``payload`` is what a script draws (see ``view.graph.payload``), with the
    scopes numbered in ``opened`` looked into at first; ``picture`` is an SVG for where no script runs. ``mount`` is the
    script's view of it: ``""`` for a graph, ``"diff"`` for two models in one.
    """

    alt: Span
    payload: str = ""
    picture: str = ""
    opened: tuple[int, ...] = ()
    mount: str = ""


Part = Sentence | Folded | Item | Signature | Table | Tree | Shares | Bars | Drawing


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
