"""The tree of modules as text: guides, columns, and what had to be cut counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from onnxmagic.view.cut import cut, open_depth
from onnxmagic.view.parts import Branch, Line, Span, Tree, line
from onnxmagic.view.text_table import aligned
from onnxmagic.view.wrap import width

__all__ = ["TREE_ROWS", "tree"]

TREE_ROWS: Final = 24
_FEWEST: Final = 6
_NAME, _KIND, _SHAPE, _COUNT, _WEIGHT, _COST = range(6)
_WIDEST: Final = {_NAME: 40, _KIND: 26, _SHAPE: 30}
_NARROW: Final = {_NAME: 26, _KIND: 18, _SHAPE: 24}
"""Columns of words are cut to that: always, and where the terminal is too narrow for all columns."""

_DEEPEST: Final = 24
"""A guide has that many characters at most; no network is so deep."""


def tree(part: Tree, columns: int) -> list[Line]:
    """Return a tree as lines of at most `columns`."""
    root, left_out = _seen(part.root)
    rows = [_cells(guide, branch) for guide, branch in _guided(root)]
    rows, shown = _fitting(rows, columns)
    widths = [max(width(row[i]) for row in rows) for i in shown]
    right = [i >= _COUNT for i in shown]
    lines = [aligned([row[i] for i in shown], widths, right) for row in rows]
    if left_out:
        more = Span(f"… {left_out:,} more {part.noun}{'s' * (left_out > 1)}; ", "dim")
        lines.append((more, part.elsewhere, Span(" has them all", "dim")))
    return lines


def _seen(whole: Branch) -> tuple[Branch, int]:
    """Return the first levels of a tree, and how many branches they leave out."""
    depth = open_depth(whole, TREE_ROWS // 2)
    root, left_out = cut(whole, TREE_ROWS, depth)
    while left_out and sum(1 for _ in root.walk()) < _FEWEST:
        # One module around a hundred layers: some of the layers say more than none.
        depth += 1
        root, left_out = cut(whole, TREE_ROWS, depth)
    return root, left_out


def _guided(root: Branch) -> Iterator[tuple[str, Branch]]:
    """Yield every branch with the guide before its name; no depth is too deep."""
    todo = [("", "", root)]
    while todo:
        guide, below, branch = todo.pop()
        yield (guide if len(guide) <= _DEEPEST else f"… {guide[-3:]}"), branch
        for index, child in enumerate(reversed(branch.children)):
            last = index == 0
            todo.append((below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), child))


def _cells(guide: str, branch: Branch) -> list[Line]:
    name = line(Span(guide, "dim"), Span(branch.name.text, "plain" if guide else "strong"))
    return [name, (branch.kind,), (branch.shape,), (branch.count,), (branch.weight,), (branch.cost,)]


def _fitting(rows: list[list[Line]], columns: int) -> tuple[list[list[Line]], list[int]]:
    """Return the rows, words cut, and the columns that find room.

    A narrow terminal loses the bytes where operations are told, then the shapes, then the classes; names, parameters
    and operations stay.
    """
    shown = [i for i in range(6) if i != _COST or any(width(row[_COST]) for row in rows)]
    rows = _shortened(rows, _WIDEST)
    losing = [_WEIGHT] * (_COST in shown)
    for column in (None, *losing, _SHAPE, _KIND):
        if column is not None:
            shown.remove(column)
        if _wide(rows, shown) <= columns:
            return rows, shown
        # Words give way before a whole column does.
        narrow = _shortened(rows, _NARROW)
        if _wide(narrow, shown) <= columns:
            return narrow, shown
    return _shortened(rows, {_NAME: max(columns - _wide(rows, shown[1:]) - 2, 8)}), shown


def _wide(rows: list[list[Line]], shown: list[int]) -> int:
    return sum(max(width(row[i]) for row in rows) + 2 for i in shown)


def _shortened(rows: list[list[Line]], limits: dict[int, int]) -> list[list[Line]]:
    return [[_short(cell, limits[i]) if i in limits else cell for i, cell in enumerate(row)] for row in rows]


def _short(cell: Line, limit: int) -> Line:
    """Return `cell` in at most `limit` columns, the end of its last words cut."""
    if width(cell) <= limit:
        return cell
    kept, last = cell[:-1], cell[-1]
    room = max(limit - width(kept) - 1, 1)
    text = last.text[:room]
    while width((Span(text),)) > room:
        text = text[:-1]
    return (*kept, Span(f"{text}…", last.tone))
