"""A report as HTML, once: the same elements are the page without scripts, the page with scripts, and the widget.

``fragment`` is legible by itself. ``page`` adds a script (``export.js`` and its modules), which moves the fragment into
a shadow root (so that the notebook's style and ours do not meet), gives it a style sheet and makes it searchable. The
widget gets the fragment as a value. Nothing is drawn twice, so nothing can differ.
"""

from __future__ import annotations

from functools import singledispatch

from onnxmagic.view.graph.bundle import DIFF, ENTRY, page_script
from onnxmagic.view.html_bars import bars, shares
from onnxmagic.view.html_drawing import drawing
from onnxmagic.view.html_tree import tree
from onnxmagic.view.markup import Markup, joined, sign_mark, spans, tag
from onnxmagic.view.parts import (
    AXIS_SIGNS,
    Bars,
    Column,
    Drawing,
    Explanation,
    Folded,
    Item,
    Part,
    Report,
    Row,
    Section,
    Sentence,
    Shares,
    Signature,
    Size,
    Span,
    Table,
    Tensor,
    Tree,
)

__all__ = ["element", "fragment", "page"]


def page(report: Report, ident: str) -> str:
    """Return `report` as HTML that needs nothing else; `ident` lets a live view hide this copy."""
    script = page_script(ident, DIFF if report.kind == "diff" else ENTRY)
    return f'<div data-om="{ident}">{fragment(report)}</div><script>{script}</script>'


def fragment(report: Report) -> Markup:
    """Return the report's elements, with inline styles only."""
    header = report.header
    facts = [spans((fact,)) for fact in header.facts]
    between = [piece for fact in facts for piece in (" · ", fact)][1:]
    return tag(
        "div",
        tag(
            "div",
            sign_mark(header.sign),
            tag("b", spans(header.sentence), cls="sentence"),
            tag("span", *between, cls="facts"),
            cls="header",
        ),
        *[_section(section) for section in report.sections],
        cls="report",
        data_testid=f"om-{report.kind}",
        role="group",
        aria_label=f"{report.kind} report",
    )


def _section(section: Section) -> Markup:
    name = Span(section.label.capitalize())
    title = (name, Span(" · "), *section.title) if section.title else (name,)
    # Findings speak for themselves: their signs and codes are the heading.
    bare = bool(section.parts) and all(isinstance(part, Item) for part in section.parts)
    heading = () if bare else (tag("div", spans(title), cls="title"),)
    return tag("div", *heading, *[element(part) for part in section.parts], cls="section", data_section=section.label)


@singledispatch
def element(part: Part) -> Markup:
    """Return one part as an element; a kind of part is a function registered here."""
    raise TypeError(f"no HTML for {type(part).__name__}")


@element.register
def _(part: Sentence) -> Markup:
    mark = (sign_mark(part.sign), " ") if part.sign else ()
    return tag("div", *mark, spans(part.line), cls="prose")


@element.register
def _(part: Folded) -> Markup:
    lines = [tag("div", spans(line), cls="prose") for line in part.lines]
    return tag("details", tag("summary", spans((part.summary,)), cls="fold"), *lines)


@element.register
def _(part: Item) -> Markup:
    # Its name has no column of its own here, as in the text; it opens the line below.
    first, *others = part.more or ((),)
    named = spans((part.name, Span(" · ", "dim"), *first) if first else (part.name,))
    opening = _about(part.about, named) if part.about else tag("div", named, cls="more")
    more = [tag("div", spans(line), cls="more") for line in others]
    body = tag("div", spans(part.body), opening, *more, cls="body")
    label = tag("span", spans((Span(part.code.text, "code", part.name.text),)), cls="label")
    mark = tag("span", sign_mark(part.sign), cls="mark")
    return tag("div", mark, label, body, cls="item", data_key=part.key, data_module=part.module, data_node=part.node)


def _about(about: Explanation, named: Markup) -> Markup:
    """Return a disclosure behind the line `named`: a person opens what has the rule's name on it."""
    told: list[Markup] = []
    for title, paragraphs in about.sections:
        told += [tag("div", spans((title,)), cls="asked")] if title.text else []
        told += [tag("div", spans(line), cls="answer") for line in paragraphs]
    summary = tag("summary", named, cls="about", title="what it finds, why it hurts, how to mend it")
    why = tag("div", *told, cls="why", **{"data_again" if about.again else "data_rule": about.rule})
    return tag("details", summary, why, cls="more")


@element.register
def _(part: Signature) -> Markup:
    if not part.inputs and not part.outputs:
        return tag("div", "no inputs and no outputs", cls="dim")
    inputs = tag("div", *[_tensor(tensor) for tensor in part.inputs], cls="tensors")
    arrow = tag("span", "→", cls="arrow", aria_label="gives")
    outputs = tag("div", *[_tensor(tensor) for tensor in part.outputs], cls="tensors")
    return tag("div", inputs, tag("div", arrow, outputs, cls="outputs"), cls="io")


def _tensor(tensor: Tensor) -> Markup:
    sizes = [tag("span", "any shape", cls="dim")] if tensor.sizes is None else [_size(size) for size in tensor.sizes]
    if tensor.sizes == ():
        sizes = [tag("span", "scalar", cls="dim")]
    return tag("div", spans((tensor.name,)), spans((tensor.dtype,)), *sizes, cls="tensor")


def _size(size: Size) -> Markup:
    if size.sign is None:
        return tag("span", size.text.text, cls="size", title=size.text.title)
    mark = sign_mark(size.sign, AXIS_SIGNS)
    return tag("span", size.text.text, " ", mark, cls=f"size-{size.sign}", title=size.text.title)


@element.register
def _(part: Table) -> Markup:
    head = tag("tr", *[_heading(column) for column in part.columns])
    body = joined(tuple(_row(row, part.columns) for row in part.rows))
    return tag("div", tag("table", tag("thead", head), tag("tbody", body), cls="table"), cls="scroll")


def _heading(column: Column) -> Markup:
    return tag("th", tag("span", column.title.text, cls="dim"), cls="th-number" if column.numeric else "th")


def _row(row: Row, columns: tuple[Column, ...]) -> Markup:
    cells = [
        tag("td", spans(cell), cls="td-number" if column.numeric else "td")
        for cell, column in zip(row.cells, columns, strict=True)
    ]
    note = tag("td", spans(row.note), cls="note", colspan=str(len(columns) - 1))
    below = tag("tr", tag("td", cls="td"), note) if row.note else Markup()
    return joined((tag("tr", *cells), below))


element.register(Tree, tree)
element.register(Shares, shares)
element.register(Bars, bars)
element.register(Drawing, drawing)
