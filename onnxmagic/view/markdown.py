"""A report as Markdown, for a pull request: GitHub's and GitLab's dialect, and legible as it stands.

Names come from a model and may be anything: markup, a link, the mention of a person who would get a mail for it. So
nothing but what is written here is ever markup: text is escaped, what would be linked by itself is broken up with a
zero-width space, and code that holds what ends code is written in entities, which no parser takes for markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Final

from onnxmagic.view.cut import cut
from onnxmagic.view.parts import (
    SIGNS,
    Bars,
    Branch,
    Column,
    Drawing,
    Folded,
    Item,
    Line,
    Part,
    Report,
    Row,
    Section,
    Sentence,
    Shares,
    Sign,
    Signature,
    Span,
    Table,
    Tensor,
    Tree,
)

__all__ = ["part_text", "render"]

TREE_ROWS: Final = 40
_MARKUP = re.compile(r"([\\`*_\[\]~$])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"})
# Mentions, numbers of issues and addresses become links by themselves, escaped or not.
_LINKED = re.compile(r"(@|#(?=\d)|:(?=//)|www(?=\.))")
_BLOCK = re.compile(r"(?:[-+]|#{1,6}|\d+[.)])(?=\s|$)|[-=]+$")
"""What makes a heading, a list or a rule of the line that it begins."""

_ZERO = "\u200b"


def render(report: Report) -> str:
    """Return `report` as Markdown, ended by a newline."""
    header = report.header
    blocks = [f"### {_marked(header.sign)} {inline(header.sentence)}"]
    blocks += [" · ".join(inline((fact,)) for fact in header.facts)] if header.facts else []
    for section in report.sections:
        blocks += _section(section)
    return "\n\n".join(filter(None, blocks)) + "\n"


def _section(section: Section) -> list[str]:
    parts = [text for text in map(part_text, section.parts) if text]
    if not parts and not section.title:
        return []
    label = f"**{section.label.capitalize()}**"
    return [f"{label} · {inline(section.title)}" if section.title else label, *_together(parts)]


def _together(parts: Sequence[str]) -> list[str]:
    """Return `parts` as blocks; bullets that follow one another are one list."""
    blocks: list[str] = []
    for part in parts:
        if blocks and part.startswith("- ") and blocks[-1].startswith("- "):
            blocks[-1] += f"\n{part}"
        else:
            blocks.append(part)
    return blocks


def inline(line: Line) -> str:
    """Return a line of spans as Markdown, safe in a paragraph, in a list and in a cell of a table."""
    return "".join(map(_span, line)).strip()


def _bullet(line: Line, mark: str = "") -> str:
    text = inline(line)
    return f"- {mark}{_ZERO if not mark and _BLOCK.match(text) else ''}{text}"


def _span(span: Span) -> str:
    if span.tone == "code":
        return _code(span.text)
    text = _text(span.text)
    bare = text.strip()
    if span.tone != "strong" or not bare:
        return text
    start = text.index(bare[0])
    # Emphasis must not begin or end with a blank.
    return f"{text[:start]}**{bare}**{text[start + len(bare) :]}"


def _text(text: str) -> str:
    escaped = _MARKUP.sub(r"\\\1", text).translate(_ENTITIES)
    return _LINKED.sub(rf"\1{_ZERO}", escaped)


def _code(text: str) -> str:
    if not text.strip():
        return _text(text)
    # A backslash before a bar ends a table's cell even in code.
    if "`" in text or "|" in text:
        return f"<code>{''.join(_entity(char) for char in text)}</code>"
    return f"`{text}`"


def _entity(char: str) -> str:
    return char if char.isalnum() or char == " " else f"&#{ord(char)};"


def _marked(sign: Sign) -> str:
    return SIGNS[sign]


@singledispatch
def part_text(part: Part) -> str:
    """Return one part as a block of Markdown; a kind of part is a function registered here."""
    raise TypeError(f"no Markdown for {type(part).__name__}")


@part_text.register
def _(part: Sentence) -> str:
    return _bullet(part.line, f"{_marked(part.sign)} " if part.sign else "")


@part_text.register
def _(part: Folded) -> str:
    lines = "\n".join(map(_bullet, part.lines))
    return f"<details><summary>{_text(part.summary.text)}</summary>\n\n{lines}\n\n</details>"


@part_text.register
def _(part: Item) -> str:
    named = f"{inline((part.code,))} {inline((part.name,))}"
    more = "".join(f"\n  {inline(line)}" for line in part.more)
    return f"- {_marked(part.sign)} {named}: {inline(part.body)}{more}"


@part_text.register
def _(part: Signature) -> str:
    inputs = [f"- {_tensor(tensor)}" for tensor in part.inputs]
    return "\n".join([*inputs, *(f"- → {_tensor(tensor)}" for tensor in part.outputs)])


def _tensor(tensor: Tensor) -> str:
    sizes = "any shape" if tensor.sizes is None else f"[{', '.join(size.text.text for size in tensor.sizes)}]"
    return f"{_code(tensor.name.text)} {_text(f'{tensor.dtype.text} {sizes}')}"


@part_text.register
def _(part: Table) -> str:
    noted = any(row.note for row in part.rows)
    titles = [_text(column.title.text) for column in part.columns]
    rules = ["---:" if column.numeric else "---" for column in part.columns]
    lines = [_cells([*titles, ""] if noted else titles), _cells([*rules, "---"] if noted else rules)]
    return "\n".join([*lines, *(_row(row, part.columns, noted=noted) for row in part.rows)])


def _row(row: Row, columns: Sequence[Column], *, noted: bool) -> str:
    cells = [inline(cell) for cell, _ in zip(row.cells, columns, strict=True)]
    return _cells([*cells, inline(row.note)] if noted else cells)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


@part_text.register
def _(part: Tree) -> str:
    root, left_out = cut(part.root, TREE_ROWS)
    lines = [f"{'  ' * depth}- {_branch(branch)}" for depth, branch in root.walk()]
    lines += [f"- … {left_out:,} more"] if left_out else []
    return "\n".join(lines)


def _branch(branch: Branch) -> str:
    facts = [span.text for span in (branch.kind, branch.shape, branch.count, branch.weight, branch.cost)]
    return " · ".join([_code(branch.name.text), *(_text(fact) for fact in facts if fact)])


@part_text.register
def _(part: Shares) -> str:
    return "- " + " · ".join(_text(f"{share.label.text} {share.text.text}") for share in part.items)


@part_text.register
def _(part: Bars) -> str:
    titles = _cells([_text(title.text) for title in part.titles])
    rows = [_cells([_text(bar.label.text), _text(bar.text.text)]) for bar in part.bars]
    return "\n".join([titles, "| --- | ---: |", *rows])


@part_text.register
def _(_part: Drawing) -> str:
    # A page that shows Markdown drops pictures that are data; the tables hold what is drawn.
    return ""
