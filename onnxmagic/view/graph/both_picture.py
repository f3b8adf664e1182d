"""Two models as one still picture: what changed, and around it boxes that say how much did not."""

from __future__ import annotations

from onnxmagic.diff.result import Diff
from onnxmagic.view import words
from onnxmagic.view.graph.both import both
from onnxmagic.view.graph.captions import Captions
from onnxmagic.view.graph.figures import Figures
from onnxmagic.view.graph.folding import folded
from onnxmagic.view.graph.marks import SIGNS, WORDS, Marked
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.graph.scene import scene
from onnxmagic.view.graph.svg import cut, drawing

__all__ = ["both_picture"]


def both_picture(diff: Diff) -> str:
    """Return both models as SVG text; the legend stands below."""
    union = both(diff)
    outline, opened = union.quiet
    nest = Nest(outline)
    marked = Marked(outline, union.marks, union.inputs, union.outputs)
    folding = folded(nest, opened)
    seen = scene(nest, Captions(nest, Figures(outline, union.costs), marked), folding, union.edges)
    title = f"{diff.a.name} and {diff.b.name}: {words.plural(len(outline.nodes), 'node')}"
    legend = "   ".join(f"{SIGNS[mark]} {WORDS[mark]}" for mark in range(1, len(WORDS)))
    notes = [f"{legend}   from {diff.a.name} to {diff.b.name}", *filter(None, [cut(folding, seen)])]
    return drawing(seen, outline, title, notes, marked)
