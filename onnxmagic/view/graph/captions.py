"""What a box says, and how large that makes it.

Text from a model is cut where a box would grow too wide: a name may be megabytes long. The whole of it, up to a limit,
is the box's ``<title>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

from onnxmagic.view import words
from onnxmagic.view.graph.figures import Figures, type_text
from onnxmagic.view.graph.letters import fitted, text_width
from onnxmagic.view.graph.marks import Marked
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.span import clean

__all__ = ["LABEL", "SMALL", "Caption", "Captions"]

Kind = Literal["node", "scope", "input", "output"]

LABEL: Final = 13.0
SMALL: Final = 11.5
"""Sizes of the first line and of those below it, in pixels."""

_NARROW: Final = 76.0
_WIDE: Final = 260.0
_BESIDE: Final = 12.0
_HEIGHTS: Final = (26.0, 42.0, 58.0)
_TITLE: Final = 400


@dataclass(frozen=True, slots=True)
class Caption:
    """The lines of a box, cut to its width; ``title`` says more. The size is that of the closed box."""

    kind: Kind
    label: str
    sub: str
    third: str
    title: str
    width: float
    height: float


class Captions:
    """Captions of the boxes of one graph.

    Parameters
    ----------
    nest : Nest
    figures : Figures
    marked : Marked, optional
        What became of each box, where two models are drawn.
    """

    def __init__(self, nest: Nest, figures: Figures, marked: Marked | None = None) -> None:
        self.nest = nest
        self.marked = marked
        self.outline = nest.outline
        self.figures = figures

    def of(self, box: str) -> Caption:
        """Return what `box` says."""
        said = self._of(box)
        if self.marked is None or not (mark := self.marked.told(box)):
            return said
        sign, several, title = mark
        label = f"{sign} {said.label}" if sign else said.label
        return _caption(said.kind, label, *_beside(several, said), f"{said.title}\n{title}")

    def _of(self, box: str) -> Caption:
        index = int(box[1:])
        if box[0] == "n":
            return self._node(index)
        if box[0] == "s":
            return self._scope(index)
        kind: Kind = "input" if box[0] == "i" else "output"
        value = self.outline.values[(self.outline.inputs if kind == "input" else self.outline.outputs)[index]]
        said = type_text(value, usual="")
        return _caption(kind, value.name or f"{kind} {index}", said, "", f"{kind} {value.name}\n{said}")

    def _node(self, index: int) -> Caption:
        node = self.outline.nodes[index]
        gives = type_text(self.figures.given.get(index))
        operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        path = self.outline.scopes[self.outline.of_node[index]].path
        title = [operator, node.name and f"name {node.name}", path and f"in {path}", gives]
        return _caption("node", node.op_type or "?", gives, "", "\n".join(filter(None, title)))

    def _scope(self, index: int) -> Caption:
        scopes = self.outline.scopes
        chain = [index] if index == 0 else self.nest.chain(index)
        last = scopes[chain[-1]]
        # A list of modules has no class of its own worth a word; what holds it has.
        of_class = next((scopes[each].class_name for each in reversed(chain) if scopes[each].class_name), "")
        total = self.figures.totals[index]
        gives = type_text(self.figures.leaving.get(index))
        size = words.count(total.parameters) if total.parameters else ""
        if size and not gives:
            size = words.plural(total.parameters, "parameter")
        third = " · ".join(filter(None, (size, gives))) or words.plural(total.nodes, "node")
        more = [
            last.path,
            of_class,
            words.plural(total.nodes, "node"),
            total.parameters and words.plural(total.parameters, "parameter"),
            total.operations,
            gives,
        ]
        name = ".".join(scopes[each].name for each in chain)
        return _caption("scope", name, of_class, third, "\n".join(str(each) for each in more if each))


def _beside(several: str, said: Caption) -> tuple[str, str]:
    """Return the lines below a label with the counts of changes in the last."""
    below = [line for line in (said.sub, said.third) if line]
    if several and len(below) == 2:
        return below[0], f"{several} · {below[1]}"
    first, second = (*below, several, "", "")[:2]
    return (first, second) if several else (said.sub, said.third)


def _caption(kind: Kind, label: str, sub: str, third: str, title: str) -> Caption:
    lines = [clean(each[: 4 * int(_WIDE)]) for each in (label, sub, third)]
    wanted = [text_width(lines[0], LABEL, bold=True), *(text_width(each, SMALL) for each in lines[1:])]
    width = float(ceil(min(max(_NARROW, *(each + 2 * _BESIDE for each in wanted)), _WIDE)))
    room = width - 2 * _BESIDE
    label = fitted(lines[0], room, LABEL, bold=True)
    sub, third = (fitted(each, room, SMALL) for each in lines[1:])
    if not sub:
        sub, third = third, ""
    height = _HEIGHTS[bool(sub) + bool(third)]
    # Lines stay lines: each is made clean by itself.
    whole = "\n".join(clean(each) for each in title[:_TITLE].split("\n"))
    return Caption(kind, label, sub, third, whole, width, height)
