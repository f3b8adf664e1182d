"""Two versions of one file as sides, read together: what every export does that replaces a file.

Nearly always only the weights are new. Then nothing needs a hash: the two weights in one place are held against each
other, which stops at the first block that differs, and takes a third of the time. Where the structure changed, every
weight may be anywhere, and both files are hashed as for any other diff.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from onnxmagic.diff.digest import of_text
from onnxmagic.diff.reading import Source, side_of
from onnxmagic.diff.side import Side
from onnxmagic.diff.values import Values, opened
from onnxmagic.graph.facts import Graph

__all__ = ["versions"]


def versions(
    before: Source, after: Source, names: tuple[str, str], graphs: tuple[Graph | None, Graph | None] = (None, None)
) -> tuple[Side, Side]:
    """Return two versions of a file as sides.

    Parameters
    ----------
    before, after : path or bytes
    names : tuple of str
        What the diff calls them.
    graphs : tuple of Graph
        Their facts, None where somebody has not read them yet.

    Raises
    ------
    NotAModel
        One of them is no ONNX model, or a damaged one.
    OSError
        A file cannot be opened.
    """
    a, b = side_of(before, names[0], graphs[0], hashed=False), side_of(after, names[1], graphs[1], hashed=False)
    if _built_alike(a.graph, b.graph):
        return _told_apart(a, b)
    return side_of(before, names[0], a.graph), side_of(after, names[1], b.graph)


def _built_alike(a: Graph, b: Graph) -> bool:
    """Whether two graphs are the same but for the values of their weights, down to all names."""
    stored = [[(weight.name, weight.dtype, weight.shape) for weight in graph.initializers] for graph in (a, b)]
    return stored[0] == stored[1] and (a.inputs, a.outputs, a.nodes, a.local) == (b.inputs, b.outputs, b.nodes, b.local)


def _told_apart(a: Side, b: Side) -> tuple[Side, Side]:
    """Return both with marks in place of hashes: equal ones for weights of equal bytes in the same place."""
    marks: tuple[dict[str, bytes], dict[str, bytes]] = ({}, {})
    with opened(a) as ours, opened(b) as theirs:
        for index, weight in enumerate(a.graph.initializers):
            same = _same(ours, theirs, index)
            for place, found in enumerate(marks):
                if same is not None:
                    found[weight.name] = of_text("", (), (index, same or place))
    return replace(a, hashes=marks[0]), replace(b, hashes=marks[1])


def _same(a: Values, b: Values, index: int) -> bool | None:
    """Return whether the values of a weight are the same bytes; None where they cannot be read in both."""
    weight, other = a.stored[index], b.stored[index]
    if weight.value is not None and other.value is not None:
        return repr(weight.value) == repr(other.value)
    if not (a.readable(index) and b.readable(index)):
        return None
    return all(one == two for one, two in zip_longest(a.raw(index), b.raw(index)))
