"""A report as text for a terminal: aligned, wrapped to its width, coloured only where colour is wanted."""

from __future__ import annotations

from functools import singledispatch

from onnxmagic.view.parts import (
    AXIS_SIGNS,
    SIGNS,
    Bars,
    Drawing,
    Folded,
    Item,
    Line,
    Part,
    Report,
    Section,
    Sentence,
    Shares,
    Signature,
    Size,
    Span,
    Table,
    Tensor,
    Tone,
    Tree,
    line,
)
from onnxmagic.view.text_table import bars, indented, padded, table
from onnxmagic.view.text_tree import tree
from onnxmagic.view.wrap import width, wrap

__all__ = ["items", "paint", "part_lines", "render"]

GUTTER = 12
MARGIN = 2

_COLOURS: dict[Tone, str] = {
    "strong": "1",
    "dim": "2",
    "code": "36",
    "ok": "32",
    "warn": "33",
    "bad": "31",
    "info": "34",
}


def render(report: Report, columns: int = 100, colour: bool = False) -> str:
    """Return `report` as text at most `columns` characters wide (at least 72), with ANSI colours if `colour`."""
    columns = max(columns, 72)
    lines = _header(report, columns)
    for section in (each for each in report.sections if not _is_drawing(each)):
        lines += [(), *_section(section, columns)]
    return "\n".join(paint(spans, colour) for spans in lines)


def paint(spans: Line, colour: bool) -> str:
    """Return one line as a string."""
    if not colour:
        return "".join(span.text for span in spans).rstrip()
    coded = ((span, _COLOURS.get(span.tone)) for span in spans)
    return "".join(f"\x1b[{code}m{span.text}\x1b[0m" if code else span.text for span, code in coded)


def _header(report: Report, columns: int) -> list[Line]:
    header = report.header
    first = line(Span(f"{SIGNS[header.sign]} ", header.sign), *_bold(header.sentence))
    facts = _between(header.facts, " · ")
    gap = columns - width(first) - width(facts)
    if gap >= 3:
        return [(*first, Span(" " * gap), *facts)]
    return [*_hang(first[:1], first[1:], columns), *indented(MARGIN, wrap(facts, columns - MARGIN))]


def _bold(spans: Line) -> Line:
    return tuple(Span(span.text, "strong") if span.tone == "plain" else span for span in spans)


def _between(spans: Line, separator: str) -> Line:
    out: list[Span] = []
    for span in spans:
        out += [Span(separator, "dim"), span] if out else [span]
    return tuple(out)


def _hang(first: Line, rest: Line, columns: int) -> list[Line]:
    """Return `rest` wrapped, with `first` before its first line and blanks before the others."""
    indent = width(first)
    lines = wrap(rest, columns - indent)
    return [(*first, *lines[0]), *indented(indent, lines[1:])]


def _is_drawing(section: Section) -> bool:
    """Tell whether a section is for eyes alone: what it draws is in the tree below it, too."""
    return bool(section.parts) and all(isinstance(part, Drawing) for part in section.parts)


def _section(section: Section, columns: int) -> list[Line]:
    if section.parts and all(isinstance(part, Item) for part in section.parts):
        return items([part for part in section.parts if isinstance(part, Item)], columns)
    inner = columns - GUTTER
    body = wrap(section.title, inner) if section.title else []
    for before, part in zip((None, *section.parts), section.parts, strict=False):
        # Two tables one below the other would read as one.
        body += [()] if isinstance(before, Table) and isinstance(part, Table) else []
        body += part_lines(part, inner)
    label = Span(" " * MARGIN + section.label.ljust(GUTTER - MARGIN), "dim")
    return [(label, *body[0]), *indented(GUTTER, body[1:])]


def items(items: list[Item], columns: int) -> list[Line]:
    """Return findings as lines of at most `columns`, their messages below one another."""
    names = max(len(item.name.text) for item in items)
    lines: list[Line] = []
    for item in items:
        code = Span(item.code.text.ljust(6), item.code.tone)
        name = Span(item.name.text.ljust(names), item.name.tone)
        first = line(" " * MARGIN, Span(SIGNS[item.sign], item.sign), " ", code, name, "  ")
        lines += _hang(first, item.body, columns)
        indent = width(first)
        for more in item.more:
            lines += indented(indent, wrap(more, columns - indent))
    return lines


@singledispatch
def part_lines(part: Part, columns: int) -> list[Line]:
    """Return one part as lines of at most `columns`; a kind of part is a function registered here."""
    raise TypeError(f"no text for {type(part).__name__} in {columns} columns")


@part_lines.register
def _(part: Sentence, columns: int) -> list[Line]:
    sign = line(Span(f"{SIGNS[part.sign]} ", part.sign)) if part.sign else ()
    return _hang(sign, part.line, columns)


@part_lines.register
def _(part: Folded, columns: int) -> list[Line]:
    return [wrapped for told in part.lines for wrapped in wrap(told, columns)]


@part_lines.register
def _(part: Signature, _columns: int) -> list[Line]:
    tensors = (*part.inputs, *part.outputs)
    names = max((width((tensor.name,)) for tensor in tensors), default=0)
    dtypes = max((width((tensor.dtype,)) for tensor in tensors), default=0)
    lines = [line("  ", *_tensor(tensor, names, dtypes)) for tensor in part.inputs]
    lines += [line(Span("→ ", "dim"), *_tensor(tensor, names, dtypes)) for tensor in part.outputs]
    return lines or [line("no inputs and no outputs", tone="dim")]


def _tensor(tensor: Tensor, names: int, dtypes: int) -> Line:
    sizes: list[Span] = []
    for size in tensor.sizes or ():
        sizes += [Span(", "), *_size(size)] if sizes else _size(size)
    body = [Span("["), *sizes, Span("]")] if tensor.sizes is not None else [Span("any shape", "dim")]
    return (*padded((tensor.name,), names), Span("  "), *padded((tensor.dtype,), dtypes), Span("  "), *body)


def _size(size: Size) -> list[Span]:
    return [Span(size.text.text, size.sign), Span(AXIS_SIGNS[size.sign], size.sign)] if size.sign else [size.text]


@part_lines.register
def _(part: Shares, columns: int) -> list[Line]:
    pieces = tuple(Span(f"{share.label.text} {share.text.text}") for share in part.items)
    return wrap(_between(pieces, " · "), columns)


part_lines.register(Table, table)
part_lines.register(Tree, tree)
part_lines.register(Bars, bars)
