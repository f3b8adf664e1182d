"""The parts of a report whose lengths mean something, as HTML.

A length is an inline style that stays where a style sheet takes over, and where everything but inline styles is
stripped. The figure always stands beside it, so that nothing is lost where a style is.
"""

from __future__ import annotations

from onnxmagic.view.markup import Markup, joined, sign_mark, spans, tag
from onnxmagic.view.parts import Bar, Bars, Shares, Span

__all__ = ["bare", "bars", "shares"]

_STAGE_COLOURS = ("#8c959f", "#a475f9", "#3b82f6", "#1f9d4d", "#14a3a3", "#d29922")
_BAR, _BAD = "#3b82f6", "#e5484d"


def bare(style: str) -> Markup:
    """Return an empty element whose style is a figure: it stays where a style sheet takes over."""
    return tag("span", **{"class": "om-fill"}, style=style)


def shares(part: Shares) -> Markup:
    """Return one bar of all the pieces, and what each is."""
    whole = sum(share.amount for share in part.items) or 1.0
    colours = [_STAGE_COLOURS[index % len(_STAGE_COLOURS)] for index in range(len(part.items))]
    pieces = [_piece(share.amount / whole, colour) for share, colour in zip(part.items, colours, strict=True)]
    legend = [
        tag("span", _swatch(colour), spans((share.label, Span(" "), share.text)))
        for share, colour in zip(part.items, colours, strict=True)
    ]
    return joined((tag("div", *pieces, cls="stages", aria_hidden="true"), tag("div", *legend, cls="legend")))


def _piece(share: float, colour: str) -> Markup:
    return bare(f"display: block; height: 100%; width: {share:.1%}; background: {colour}")


def _swatch(colour: str) -> Markup:
    style = "display: inline-block; width: 8px; height: 8px; border-radius: 2px; margin-right: 5px; background: "
    return bare(style + colour)


def bars(part: Bars) -> Markup:
    """Return a distribution as a table, each row with its bar."""
    label, figure = (tag("span", spans((title,)), cls="dim") for title in part.titles)
    titles = [tag("th", label, cls="th"), tag("th", cls="th"), tag("th", figure, cls="th-number")]
    signed = any(bar.sign for bar in part.bars)
    titles = [tag("th", cls="th"), *titles] if signed else titles
    rows = joined(tuple(_bar(bar, signed) for bar in part.bars))
    table = tag("table", tag("thead", tag("tr", *titles)), tag("tbody", rows), cls="table")
    return tag("div", table, cls="scroll")


def _bar(bar: Bar, signed: bool) -> Markup:
    mark = (tag("td", *((sign_mark(bar.sign),) if bar.sign else ()), cls="td"),) if signed else ()
    colour = _BAD if bar.sign == "bad" else _BAR
    # A single sample among thousands must be seen too.
    style = f"display: block; height: 9px; min-width: 2px; border-radius: 2px; width: {bar.share:.1%}; background: "
    length = (bare(style + colour),) if bar.share else ()
    return tag(
        "tr",
        *mark,
        tag("td", spans((bar.label,)), cls="td"),
        tag("td", *length, cls="length", aria_hidden="true"),
        tag("td", spans((bar.text,)), cls="td-number"),
    )
