"""A graph as HTML: an element that a script draws into, and in it a picture for where none runs.

An untrusted notebook keeps a picture that is an ``img`` of an SVG, and drops an SVG itself; in an ``img`` nothing that
an SVG holds is ever run.
"""

from __future__ import annotations

import base64

from onnxmagic.view.markup import Markup, tag
from onnxmagic.view.parts import Drawing

__all__ = ["drawing"]


def drawing(part: Drawing) -> Markup:
    """Return the element with its data and its picture; a live view asks Python for the data instead."""
    source = base64.b64encode(part.picture.encode()).decode("ascii")
    picture = (tag("img", cls="picture", alt=part.alt.text, src=f"data:image/svg+xml;base64,{source}"),)
    return tag(
        "div",
        *(picture if part.picture else ()),
        cls="graph",
        data_testid="om-graph",
        data_payload=part.payload,
        data_open=" ".join(map(str, part.opened)),
        data_mount=part.mount,
    )
