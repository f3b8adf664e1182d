"""The drawing in the report of a diff: both models as one graph, with a script to walk through what changed."""

from __future__ import annotations

from onnxmagic.diff.result import Diff
from onnxmagic.graph.drawn import MOST_NODES
from onnxmagic.view import words
from onnxmagic.view.graph.both import both
from onnxmagic.view.graph.both_picture import both_picture
from onnxmagic.view.graph.diff_payload import diff_columns, has_changes
from onnxmagic.view.graph.marks import counts, told
from onnxmagic.view.graph.payload import packed
from onnxmagic.view.parts import Drawing, Section, Sentence, Span, line

__all__ = ["diff_section"]


def diff_section(diff: Diff) -> Section:
    """Return the section that draws both models; an empty one where nothing in them differs.

    Other sections link into it with ``Span(text, go="a12")``: node 12 of the first model (``AtNode.index``), ``b12`` of
    the second, ``w:NAME`` the node that reads this weight of the first, ``m:PATH`` a module.
    """
    count = len(diff.a.nodes) + len(diff.b.nodes) - len(diff.matching.pairs)
    if not diff.matching.pairs or not count:
        return Section("graph")
    if count > MOST_NODES:
        note = words.spans(f"{count:,} nodes are too many to draw here; `.nodes` has what changed.")
        return Section("graph", parts=(Sentence(words.dim(note)),))
    union = both(diff)
    if not has_changes(union):
        return Section("graph")
    title = f"both models in one: {told(counts(union.marks)) or 'other connections only'}"
    if diff.weights.changed:
        title += ", those with other weights among them"
    alt = f"The graph of {diff.a.name} and {diff.b.name} in one: {words.whole(count, 'node')}."
    drawing = Drawing(Span(alt), packed(diff_columns(diff)), both_picture(diff), mount="diff")
    return Section("graph", line(title), (drawing,))
