"""The only place where strings become HTML.

``tag`` escapes every child and attribute that is not ``Markup`` already, so markup from a model's names cannot reach a
page by forgetting something. Every class has its inline style here: an untrusted notebook, or a mail, strips style
sheets and scripts, and must still be legible on a light and on a dark page. So the styles inherit the text's colour and
use middle tones only; where scripts run, ``export.js`` drops them for ``export.css``.
"""

from __future__ import annotations

import html

from onnxmagic.view.parts import SIGNS, Line, Sign, Span

__all__ = ["Markup", "joined", "sign_mark", "spans", "tag"]

_MONO = "font-family: monospace; font-size: 12.5px"
_CHIP = "display: inline-block; padding: 0 6px; border-radius: 5px; border: 1px solid #8c959f"

STYLES: dict[str, str] = {
    "report": "max-width: 880px; border: 1px solid #8c959f; border-radius: 8px; font-family: sans-serif; "
    "font-size: 14px; line-height: 1.45",
    "header": "display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: baseline; padding: 12px 16px",
    "sentence": "flex: 1 1 300px; font-size: 15px",
    "facts": _MONO,
    "section": "padding: 10px 16px; border-top: 1px solid #8c959f",
    "title": "margin: 0 0 6px 0; font-size: 12.5px; font-weight: 600",
    "item": "display: flex; gap: 10px; padding: 5px 0; align-items: baseline",
    "mark": "flex: 0 0 14px",
    "label": "flex: 0 0 60px",
    "body": "flex: 1 1 0; min-width: 0; overflow-wrap: anywhere",
    "more": "font-size: 12.5px",
    "about": "cursor: pointer",
    "fold": "cursor: pointer; font-size: 12.5px",
    "why": "margin: 4px 0 6px 0; padding: 2px 12px; border-left: 2px solid #8c959f",
    "asked": "font-weight: 600; margin: 4px 0 0 0",
    "answer": "margin: 0 0 4px 0",
    "prose": "padding: 3px 0; overflow-wrap: anywhere",
    "io": "display: flex; flex-wrap: wrap; gap: 4px 20px",
    "outputs": "flex: 1 1 300px; min-width: 0; display: flex; gap: 10px",
    "arrow": "opacity: 0.75; padding: 3px 0",
    "tensors": "flex: 1 1 300px; min-width: 0",
    "tensor": f"{_MONO}; display: flex; flex-wrap: wrap; gap: 4px 8px; padding: 3px 0; overflow-wrap: anywhere",
    "size": _CHIP,
    "size-ok": f"{_CHIP}; border-color: #1f9d4d",
    "size-warn": f"{_CHIP}; border-color: #b7791f",
    "size-info": f"{_CHIP}; border-style: dashed",
    "scroll": "overflow-x: auto; padding: 0 0 6px 0",
    "table": "border-collapse: collapse; font-size: 13px; margin: 0; border: none",
    "th": "text-align: left; font-weight: 500; padding: 2px 18px 2px 0",
    "th-number": "text-align: right; font-weight: 500; padding: 2px 18px 2px 0",
    "td": "text-align: left; white-space: nowrap; padding: 2px 18px 2px 0",
    "note": "text-align: left; padding: 2px 0 4px 0; overflow-wrap: anywhere",
    "td-number": "text-align: right; white-space: nowrap; padding: 2px 18px 2px 0; font-family: monospace",
    "length": "width: 180px; padding: 2px 18px 2px 0",
    "tree": f"{_MONO}; white-space: pre; overflow-x: auto; line-height: 1.6",
    "children": "margin-left: 15px",
    "branch": "",
    "summary": "cursor: pointer",
    "leaf": "padding-left: 14px",
    "row": "",
    "name": "",
    "kind": "",
    "shape": "",
    "bar": "",
    "count": "",
    "weight": "",
    "cost": "",
    "stages": "display: flex; height: 8px; border-radius: 4px; overflow: hidden; margin: 4px 0 6px 0",
    "legend": "display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: 12.5px",
    "graph": "overflow-x: auto",
    "picture": "display: block; max-width: 100%; height: auto",
    "strong": "font-weight: 700",
    "dim": "opacity: 0.75",
    "code": f"{_MONO}; padding: 0; background: transparent; color: inherit",
    "ok": "color: #1f9d4d",
    "warn": "color: #b7791f",
    "bad": "color: #e5484d",
    "info": "color: #3b82f6",
}

_SPOKEN: dict[Sign, str] = {"ok": "good", "warn": "warning", "bad": "error", "info": "note"}


class Markup(str):
    """A string that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: str, cls: str = "", **attributes: str) -> Markup:
    """Return an element; `cls` gives its class and its inline style; ``data_key`` is written ``data-key``.

    Attributes without a value are left out. A picture, which holds no children, is not closed.
    """
    names = {"class": f"om-{cls}", "style": STYLES[cls]} if cls else {}
    names |= {key.replace("_", "-"): value for key, value in attributes.items()}
    written = "".join(f' {key}="{html.escape(value)}"' for key, value in names.items() if value)
    return Markup(f"<{name}{written}>" if name == "img" else f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: tuple[str, ...]) -> Markup:
    """Return `children` one after the other, escaped where they are no markup."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(child) for child in children))


def spans(line: Line) -> Markup:
    """Return a line of spans."""
    return joined(tuple(_span(span) for span in line))


def _span(span: Span) -> Markup:
    if span.tone == "plain" and not span.title and not span.go:
        return joined((span.text,))
    name = {"code": "code", "strong": "b"}.get(span.tone, "span")
    return tag(name, span.text, cls="" if span.tone == "plain" else span.tone, title=span.title, data_go=span.go)


def sign_mark(sign: Sign, signs: dict[Sign, str] = SIGNS) -> Markup:
    """Return a sign that is also spoken."""
    return tag("span", signs[sign], cls=sign, role="img", aria_label=_SPOKEN[sign], title=_SPOKEN[sign])
