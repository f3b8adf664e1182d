"""Which boxes of a picture stand open.

A person who sees a model first wants its main parts: neither one box nor a thousand. And a picture must end: what would
be too many boxes stays closed, and the picture says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from onnxmagic.errors import UsageMistake
from onnxmagic.graph.outline import Outline
from onnxmagic.view.graph.nest import ROOT, Nest
from onnxmagic.view.span import clean

__all__ = ["MOST", "Folding", "asked", "first_open", "first_scopes", "folded"]

FEWEST: Final = 2
EASY: Final = 60
"""A first view has that many boxes at most."""

FEW: Final = 20
"""As long as a first view has fewer boxes, one that holds more than half of everything is opened."""

MOST: Final = 2000
"""A picture has that many boxes at most."""

_NEAR: Final = 3


@dataclass(frozen=True, slots=True)
class Folding:
    """What is seen: open boxes with their contents, outer before inner, and what had to stay out.

    ``closed`` counts the boxes that were to be open and are not, ``left_out`` the contents of the outermost level that
    are not drawn.
    """

    contents: dict[str, list[str]]
    closed: int = 0
    left_out: int = 0


def first_open(nest: Nest) -> set[str]:
    """Return the boxes that are open at first: the first level with 2 to 60 boxes is seen, and small bodies in it."""
    chosen = {ROOT}
    level = nest.contents(ROOT)
    while len(level) < FEWEST and level and nest.contents(level[0]):
        chosen.add(level[0])
        level = nest.contents(level[0])
    room = EASY - len(level)
    todo = deque(level)
    while todo:
        box = todo.popleft()
        inside = nest.contents(box) if box[0] == "n" else []
        if not inside:
            continue
        # The branches of an If are boxes around what is in them: shown together with it or not at all.
        branches = [each for each in inside if each[0] == "s" and nest.outline.scopes[int(each[1:])].kind == "body"]
        deeper = [each for branch in branches for each in nest.contents(branch)]
        if len(inside) + len(deeper) <= room:
            room -= len(inside) + len(deeper)
            chosen |= {box, *branches}
            todo.extend(deeper or inside)
    return chosen


def first_scopes(nest: Nest, nodes: Sequence[int]) -> list[int]:
    """Return the scopes that are open at first in a page, which a person can open and close from there.

    2 to 60 boxes are seen, and none that holds nearly everything.

    Parameters
    ----------
    nest : Nest
    nodes : sequence of int
        How many nodes are in each scope, and in all below it.
    """
    outline = nest.outline
    everything = len(outline.nodes) + len(outline.inputs) + len(outline.outputs)

    def weight(box: str) -> int:
        index = int(box[1:])
        return nodes[index] if box[0] == "s" else 1 + sum(nodes[body] for body in nest.bodies(index))

    opened: list[int] = []
    level = nest.contents(ROOT)
    while largest := max((box for box in level if nest.contents(box)), key=weight, default=""):
        inside = nest.contents(largest)
        heavy = len(inside) > 1 and weight(largest) > max(everything / 2, 8) and len(level) < FEW
        if len(level) > 1 and not (heavy and len(level) + len(inside) <= EASY):
            break
        opened += nest.opens(largest)
        level = [*(box for box in level if box != largest), *inside]
    return opened


def asked(nest: Nest, paths: Iterable[str]) -> set[str]:
    """Return the boxes that must be open so that the inside of each scope in `paths` is seen.

    Raises
    ------
    UsageMistake
        There is no scope of that path.
    """
    known = {scope.path: index for index, scope in enumerate(nest.outline.scopes)}
    chosen = {ROOT}
    for path in paths:
        if path not in known:
            raise UsageMistake(_unknown(path, nest.outline))
        chosen.update(nest.above(known[path]))
    return chosen


def _unknown(path: str, outline: Outline) -> str:
    known = [scope.path for scope in outline.scopes if scope.path]
    shown = clean(path[:80])
    if not known:
        return f"There is no `{shown}` to open: the graph has no modules, and no repeated blocks were found in it."
    near = get_close_matches(path[:200], [each[:200] for each in known[:20_000]], n=_NEAR, cutoff=0.6)
    words = "Did you mean" if near else "It has, for example,"
    listed = " or ".join(f"`{clean(each)}`" for each in near) or ", ".join(
        f"`{clean(each[:80])}`" for each in known[:_NEAR]
    )
    return f"The graph has no `{shown}` to open. {words} {listed}{'?' if near else '.'}"


def folded(nest: Nest, wanted: Collection[str], most: int = MOST) -> Folding:
    """Return what is seen when the boxes `wanted` are open, at most `most` boxes in all."""
    outline = nest.outline
    inputs = [f"i{index}" for index in range(len(outline.inputs))]
    outputs = [f"o{index}" for index in range(len(outline.outputs))]
    ends = [*inputs, *outputs][: most // 2]
    inner = nest.contents(ROOT)
    contents = {ROOT: [*inner[: most - len(ends)], *ends]}
    seen, closed = len(contents[ROOT]), 0
    todo = deque(contents[ROOT])
    while todo:
        box = todo.popleft()
        inside = nest.contents(box) if _is_open(nest, box, wanted) else []
        if seen + len(inside) > most:
            closed += 1
        elif inside:
            contents[box] = inside
            seen += len(inside)
            todo.extend(inside)
    return Folding(contents, closed, len(inner) + len(inputs) + len(outputs) - len(contents[ROOT]))


def _is_open(nest: Nest, box: str, wanted: Collection[str]) -> bool:
    """Return whether `box`, or a scope that is one box with it, is among those `wanted`."""
    if box[0] == "s":
        return any(f"s{scope}" in wanted for scope in nest.chain(int(box[1:])))
    return box in wanted
