"""Figures in columns as text: tables, and distributions drawn with blocks.

Figures are never broken. Where a terminal is too narrow, titles give way first, then the words of a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from onnxmagic.view.parts import SIGNS, Bar, Bars, Column, Line, Span, Table, line
from onnxmagic.view.wrap import width, wrap

__all__ = ["aligned", "bars", "indented", "padded", "table"]

BAR = 24
_EIGHTHS = "▏▎▍▌▋▊▉█"


def padded(cell: Line, columns: int, right: bool = False) -> Line:
    """Return `cell` with blanks, so that it takes `columns`."""
    blanks = Span(" " * (columns - width(cell)))
    return (blanks, *cell) if right else (*cell, blanks)


def indented(depth: int, lines: Sequence[Line]) -> list[Line]:
    """Return `lines` behind blanks."""
    return [(Span(" " * depth), *spans) if spans else () for spans in lines]


def aligned(cells: Sequence[Line], widths: list[int], right: list[bool]) -> Line:
    """Return one line of a table."""
    all_padded = [padded(cell, size, side) for cell, size, side in zip(cells, widths, right, strict=True)]
    return tuple(span for cell in all_padded for span in (*cell, Span("  ")))


def table(part: Table, columns: int) -> list[Line]:
    """Return a table, its titles and words broken where it is too wide."""
    titles = [line(Span(column.title.text, "dim")) for column in part.columns]
    widths = _widths(part, columns)
    right = [column.numeric for column in part.columns]

    def broken(cells: Sequence[Line]) -> list[Line]:
        pieces = [wrap(cell, size or 1) for cell, size in zip(cells, widths, strict=True)]
        return [aligned(each, widths, right) for each in zip_longest(*pieces, fillvalue=())]

    lines = broken(titles)
    for row in part.rows:
        lines += broken(row.cells)
        if row.note:
            lines += indented(widths[0] + 2, wrap(row.note, columns - widths[0] - 2))
    return lines


def _widths(part: Table, columns: int) -> list[int]:
    cells = [max((width(row.cells[i]) for row in part.rows), default=0) for i in range(len(part.columns))]
    titles = [width((column.title,)) for column in part.columns]
    widths = [max(size, title) for size, title in zip(cells, titles, strict=True)]
    if sum(widths) + 2 * len(widths) <= columns:
        return widths
    words = [_longest_word(column) for column in part.columns]
    widths = [max(size, word) for size, word in zip(cells, words, strict=True)]
    return _narrowed(part, widths, words, columns)


def _narrowed(part: Table, widths: list[int], words: list[int], columns: int) -> list[int]:
    """Return `widths` with columns of words narrowed until they fit, the widest first."""
    wordy = [i for i, column in enumerate(part.columns) if not column.numeric]
    for _ in range(max(sum(widths) + 2 * len(widths) - columns, 0)):
        wordy = [i for i in wordy if widths[i] > max(words[i], 8)]
        if not wordy:
            break
        widths[max(wordy, key=lambda i: widths[i])] -= 1
    return widths


def _longest_word(column: Column) -> int:
    return max((len(word) for word in column.title.text.split()), default=0)


def bars(part: Bars, columns: int) -> list[Line]:
    """Return a distribution, a row for each bar."""
    blank = "  " if any(bar.sign for bar in part.bars) else ""
    label, figure = part.titles
    head = [line(Span(f"{blank}{label.text}", "dim")), (), line(Span(figure.text, "dim"))]
    rows = [head, *([_marked(bar, blank), (), (bar.text,)] for bar in part.bars)]
    widths = [max(width(row[i]) for row in rows) for i in range(3)]
    widths[1] = max(min(BAR, columns - sum(widths) - 2 * len(widths)), 8)
    for row, bar in zip(rows[1:], part.bars, strict=True):
        row[1] = (_drawn(bar, widths[1]),)
    return [aligned(row, widths, [False, False, True]) for row in rows]


def _marked(bar: Bar, blank: str) -> Line:
    return line(Span(f"{SIGNS[bar.sign]} ", bar.sign) if bar.sign else blank, bar.label)


def _drawn(bar: Bar, longest: int) -> Span:
    # A single sample among thousands must be seen too.
    eighths = max(round(bar.share * longest * 8), 1) if bar.share else 0
    full, rest = divmod(eighths, 8)
    return Span(_EIGHTHS[-1] * full + (_EIGHTHS[rest - 1] if rest else ""), bar.sign or "info")
