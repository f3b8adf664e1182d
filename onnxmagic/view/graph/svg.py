"""A graph as a still picture, drawn without a browser.

For where no script runs: a notebook that is not trusted, a pull request, a paper. It is SVG text, so it stays sharp and
can be searched; light and dark follow the page it is on. Names in a model are hostile, so every text passes ``_text``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from onnxmagic.errors import UsageMistake
from onnxmagic.graph.drawn import drawn, outlined
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.outline import Outline
from onnxmagic.view import words
from onnxmagic.view.graph.captions import SMALL, Captions
from onnxmagic.view.graph.figures import Figures
from onnxmagic.view.graph.folding import MOST, Folding, asked, first_open, folded
from onnxmagic.view.graph.ink import MARKS, STYLE, tint
from onnxmagic.view.graph.labels import labels
from onnxmagic.view.graph.letters import fitted, text_width
from onnxmagic.view.graph.links import MOST_LINES
from onnxmagic.view.graph.marks import WORDS, Marked
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.graph.scene import HEADER, Box, Line, Point, Scene, scene
from onnxmagic.view.span import clean

__all__ = ["cut", "drawing", "picture", "save"]

_MARGIN: Final = 16.0
_FOOT: Final = 20.0
_NAME: Final = 200
_ROUND: Final = 7.0
_SOURCES: Final = {
    "modules": "",
    "names": "The boxes are the paths in the nodes' names.",
    "blocks": "The file names no modules: the boxes are blocks found by the structure of the graph.",
    "flat": "The file names no modules.",
}

# What XML 1.0 has no way to write, not even escaped; `clean` has made the control characters visible before.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def picture(graph: Graph, paths: str | Sequence[str] = ()) -> str:
    """Return `graph` as SVG text.

    Parameters
    ----------
    graph : Graph
    paths : str or sequence of str
        Modules to look into; with none, the first level that has 2 to 60 boxes is shown.

    Raises
    ------
    UsageMistake
        There is no module of such a path.
    """
    known = drawn(graph)
    outline = outlined(graph)
    nest = Nest(outline)
    named = (paths,) if isinstance(paths, str) else tuple(paths)
    folding = folded(nest, asked(nest, named) if named else first_open(nest))
    captions = Captions(nest, Figures(outline, () if isinstance(known, int) else known.costs))
    seen = scene(nest, captions, folding)
    notes = [note for note in (cut(folding, seen), _SOURCES[outline.source]) if note]
    title = f"{graph.name[:_NAME] or 'graph'}: {words.plural(len(outline.nodes), 'node')}"
    return drawing(seen, outline, title, notes)


def save(text: str, path: str | os.PathLike[str]) -> None:
    """Write a picture: what is at `path` is replaced whole or not touched."""
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageMistake(f"There is no folder `{target.parent}`; make it first, or write the picture elsewhere.")
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def cut(folding: Folding, seen: Scene) -> str:
    """Return what had to stay out of a picture, in a sentence; empty when nothing had to."""
    told: list[str] = []
    if folding.left_out:
        told.append(f"{words.whole(folding.left_out, 'more box')} not drawn")
    if folding.closed:
        told.append(f"{words.whole(folding.closed, 'box')} kept closed")
    if seen.missing:
        told.append(f"{words.whole(seen.missing, 'edge')} not drawn")
    limits = f"a picture holds {MOST:,} boxes" + (f" and {MOST_LINES:,} lines" if seen.missing else "")
    return f"{words.listing(told)}: {limits}." if told else ""


def drawing(seen: Scene, outline: Outline, title: str, notes: Sequence[str], marked: Marked | None = None) -> str:
    """Return a scene as SVG text, with `notes` below; `marked` are the marks of its boxes where it shows two models."""
    return "".join(_pieces(seen, outline, (title, *notes), marked))


def _pieces(seen: Scene, outline: Outline, said: Sequence[str], marked: Marked | None) -> Iterator[str]:
    title, *notes = said
    told = list(labels(seen, outline.values))
    right = max([seen.width, *(label.x + text_width(label.text, SMALL) for label in told)])
    width = round(max(right + 2 * _MARGIN, *(text_width(note, SMALL) + 2 * _MARGIN for note in ("", *notes))))
    height = round(seen.height + 2 * _MARGIN + _FOOT * len(notes))
    style = f"{STYLE}{MARKS}" if marked else STYLE
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img"><title>{_text(title)}</title><style>{style}</style>'
        f'<rect class="page" width="{width}" height="{height}"/>'
    )
    # A picture that is as wide as its note has the graph in the middle.
    yield f'<g transform="translate({_n((width - right) / 2)} {_n(_MARGIN)})">'
    frames = [box for box in seen.boxes if box.open]
    look = {box.id: f" {WORDS[mark]}" for box in seen.boxes if marked and (mark := marked.mark(box.id))}
    yield from map(_frame, frames)
    yield from _lines(seen.lines)
    yield from map(_band, frames)
    yield from (piece for box in seen.boxes if not box.open for piece in _box(box, outline, look.get(box.id, "")))
    for label in told:
        yield f'<text class="on" x="{_n(label.x)}" y="{_n(label.y)}">{_text(label.text)}</text>'
    yield "</g>"
    for index, note in enumerate(notes):
        y = height - 10 - _FOOT * (len(notes) - 1 - index)
        yield f'<text class="left dim" x="{_n(_MARGIN)}" y="{_n(y)}">{_text(note)}</text>'
    yield "</svg>\n"


def _frame(box: Box) -> str:
    shade = "deeper" if box.depth % 2 else "frame"
    return f'<rect class="{shade}" {_place(box.x, box.y, box.width, box.height)} rx="6"/>'


def _band(box: Box) -> str:
    """Return the name of an open box, over the lines that go in there."""
    caption = box.caption
    room = box.width - 24
    name = fitted(caption.label, room, 13, bold=True)
    left = room - text_width(name, 13, bold=True) - 12
    sub = fitted(caption.sub, left, SMALL) if left > 40 else ""
    return (
        f"<g><title>{_text(caption.title)}</title>"
        f'<rect class="band" {_place(box.x, box.y, box.width, HEADER - 2)} rx="6"/>'
        f'<text class="left" x="{_n(box.x + 12)}" y="{_n(box.y + 17.5)}"><tspan class="name">{_text(name)}</tspan>'
        + (f'<tspan class="dim" dx="10">{_text(sub)}</tspan>' if sub else "")
        + "</text></g>"
    )


def _box(box: Box, outline: Outline, mark: str) -> Iterator[str]:
    caption = box.caption
    ends = caption.kind in {"input", "output"}
    look = f'class="{"ends" if ends else "box"}{mark}" rx="{_n(box.height / 2) if ends else 4}"'
    yield f"<g><title>{_text(caption.title)}</title>"
    if caption.kind == "scope":
        # The edge of a second sheet: there is more inside.
        yield f'<rect class="box{mark}" {_place(box.x + 3, box.y + 3, box.width, box.height)} rx="4"/>'
    yield f"<rect {look} {_place(box.x, box.y, box.width, box.height)}/>"
    stripe = tint(outline.nodes[int(box.id[1:])].op_type) if caption.kind == "node" else ""
    if stripe:
        yield f'<rect class="{stripe}" {_place(box.x + 4, box.y + 6, 3, box.height - 12)} rx="1.5"/>'
    lines = [line for line in (caption.label, caption.sub, caption.third) if line]
    middle = box.x + box.width / 2
    top = box.y + box.height / 2 - 8 * len(lines) + 12.5
    for index, line in enumerate(lines):
        look = "dim" if index else f"name{mark}"
        yield f'<text class="{look}" x="{_n(middle)}" y="{_n(top + 16 * index)}">{_text(line)}</text>'
    yield "</g>"


def _lines(lines: Sequence[Line]) -> Iterator[str]:
    """Return all lines of a kind as one path and all arrows as another: a picture of thousands of lines stays small."""
    for mark in sorted({line.mark for line in lines}):
        kind = f" {WORDS[mark]}" if mark else ""
        some = [line for line in lines if line.mark == mark]
        drawn = "".join(_lane(line.points) if line.long else _curve(line.points) for line in some)
        heads = "".join(f"M{_n(x)} {_n(y)}l-3.5-6.5h7z" for x, y in (line.points[-1] for line in some if line.ends))
        yield f'<path class="edge{kind}" d="{drawn}"/>' if drawn else ""
        yield f'<path class="head{kind}" d="{heads}"/>' if heads else ""


def _curve(points: Sequence[Point]) -> str:
    """Return a line through `points`, upright at every one of them."""
    (x, y), *others = points
    path = [f"M{_n(x)} {_n(y)}"]
    for next_x, next_y in others:
        middle = _n((y + next_y) / 2)
        bent = f"C{_n(x)} {middle} {_n(next_x)} {middle} {_n(next_x)} {_n(next_y)}"
        path.append(bent if abs(next_x - x) > 0.5 else f"L{_n(next_x)} {_n(next_y)}")
        x, y = next_x, next_y
    return "".join(path)


def _lane(points: Sequence[Point]) -> str:
    """Return a line along `points`, upright and level in turn, its corners rounded."""
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        (x0, y0), (x1, y1) = _near(corner, before), _near(corner, after)
        path.append(f"L{_n(x0)} {_n(y0)}Q{_n(corner[0])} {_n(corner[1])} {_n(x1)} {_n(y1)}")
    return f"{''.join(path)}L{_n(points[-1][0])} {_n(points[-1][1])}"


def _near(corner: Point, other: Point) -> Point:
    """Return the point on the way from `corner` to `other` where the rounding ends."""
    (x, y), (dx, dy) = corner, (other[0] - corner[0], other[1] - corner[1])
    part = min(_ROUND / max(abs(dx) + abs(dy), 0.1), 0.5)
    return x + dx * part, y + dy * part


def _place(x: float, y: float, width: float, height: float) -> str:
    return f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'


def _n(value: float) -> str:
    """Return a number in tenths of a pixel: more digits are only bytes."""
    return (
        f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else f"{value:.1f}".removesuffix(".0")
    )


def _text(text: str) -> str:
    """Return a text from a model as XML can hold it."""
    lines = (clean(line) for line in text.split("\n"))
    return escape(_FORBIDDEN.sub("�", "\n".join(lines)), {'"': "&quot;", "'": "&#39;"})
