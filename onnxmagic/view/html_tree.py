"""The tree of modules as HTML: branches that fold, in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from onnxmagic.view.cut import cut, open_depth
from onnxmagic.view.html_bars import bare
from onnxmagic.view.markup import Markup, spans, tag
from onnxmagic.view.parts import Branch, Tree

__all__ = ["tree"]

TREE_ROWS: Final = 1500
OPEN_ROWS: Final = 14


@dataclass(frozen=True, slots=True)
class _Columns:
    """How many letters each column has; ``cost`` is 0 where no branch tells it."""

    name: int
    kind: int
    shape: int
    count: int
    weight: int
    cost: int


def tree(part: Tree) -> Markup:
    """Return a tree; the first rows of it stand open."""
    root, left_out = cut(part.root, TREE_ROWS)
    more: tuple[Markup, ...] = ()
    if left_out:
        told = f"… {left_out:,} more {part.noun}{'s' * (left_out > 1)}; "
        more = (tag("div", told, spans((part.elsewhere,)), " has them all", cls="prose"),)
    columns = _columns(root)
    rows = _branch(root, 0, open_depth(root, OPEN_ROWS), columns)
    return tag("div", rows, *more, cls="tree", data_costs="yes" if columns.cost else "")


def _columns(root: Branch) -> _Columns:
    rows = [(2 * depth + len(b.name.text), b) for depth, b in root.walk()]
    return _Columns(
        min(max(name for name, _ in rows), 44),
        min(max(len(b.kind.text) for _, b in rows), 28),
        min(max(len(b.shape.text) for _, b in rows), 32),
        max(len(b.count.text) for _, b in rows),
        max(len(b.weight.text) for _, b in rows),
        max(len(b.cost.text) for _, b in rows),
    )


def _branch(branch: Branch, depth: int, unfolded: int, columns: _Columns) -> Markup:
    row = _row(branch, depth, columns)
    if not branch.children:
        return tag("div", row, cls="leaf", data_key=branch.key)
    below = [_branch(child, depth + 1, unfolded, columns) for child in branch.children]
    summary = tag("summary", row, cls="summary", data_key=branch.key)
    details = tag("details", summary, tag("div", *below, cls="children"), cls="branch")
    # A bare attribute: with a value, "false" would be open too.
    return Markup(details.replace("<details", "<details open", 1)) if depth < unfolded else details


def _row(branch: Branch, depth: int, columns: _Columns) -> Markup:
    # Without a style sheet the columns are aligned by blanks: a thousand rows with inline styles would be megabytes.
    cost = (tag("span", branch.cost.text.rjust(columns.cost + 2), cls="cost"),) if columns.cost else ()
    return tag(
        "span",
        tag("span", branch.name.text.ljust(columns.name - 2 * depth + 2), cls="name", title=branch.name.title),
        tag("span", branch.kind.text.ljust(columns.kind + 2), cls="kind"),
        tag("span", branch.shape.text.ljust(columns.shape + 2), cls="shape"),
        tag("span", bare(f"width: {branch.share:.1%}"), cls="bar", title=f"{branch.share:.1%} of the weights"),
        tag("span", branch.count.text.rjust(columns.count + 2), cls="count"),
        tag("span", branch.weight.text.rjust(columns.weight + 2), cls="weight"),
        *cost,
        cls="row",
    )
