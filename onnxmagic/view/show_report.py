"""From what ``%onnx_show`` looks at to the parts of its report: what there is to see, and no verdict.

Nothing was run or compared, and whoever sees a tidy picture of a network takes it for a good one; so the first sentence
says what was not done.
"""

from __future__ import annotations

from onnxmagic.graph.drawn import Drawn, drawn
from onnxmagic.show.result import Shown
from onnxmagic.view import sections, words
from onnxmagic.view.graph.figures import Figures
from onnxmagic.view.graph.section import graph_section
from onnxmagic.view.parts import Header, Line, Report, Span

__all__ = ["show_report"]

_SENTENCE = "This is what is in the file. Nothing was run, compared or judged."
_MOST_AXES = 3


def show_report(shown: Shown) -> Report:
    """Return the parts of `shown`'s report."""
    graph = shown.graph
    all_sections = (
        sections.signature(graph, ()),
        graph_section(graph, shown.name, places=shown.places, opened=shown.opened),
        sections.modules(graph, shown.name, "s.graph.modules"),
    )
    header = Header("info", words.spans(_SENTENCE), _facts(shown))
    return Report("show", header, tuple(section for section in all_sections if section.title or section.parts))


def _facts(shown: Shown) -> Line:
    graph = shown.graph
    facts = [
        shown.name and Span(shown.name, "strong", str(shown.path or "")),
        shown.nbytes and Span(words.weight(shown.nbytes)),
        graph.opset and Span(f"opset {graph.opset}"),
        Span(words.plural(len(graph.nodes), "node")),
        graph.parameters and Span(words.plural(graph.parameters, "parameter")),
        _operations(drawn(graph)),
    ]
    return tuple(fact for fact in facts if isinstance(fact, Span))


def _operations(found: Drawn | int) -> Span | None:
    """Return how many floating-point operations one run takes, as far as shapes tell."""
    if isinstance(found, int) or not found.costs:
        return None
    told = Figures(found.outline, found.costs).totals[0].operations
    if not told:
        return None
    axes = list(dict.fromkeys(axis for cost in found.costs for axis in cost.per))
    several = [f"{axis} 1" for axis in axes[:_MOST_AXES]] + (["…"] if len(axes) > _MOST_AXES else [])
    at = f" at {', '.join(several)}" if several else ""
    return Span(f"{told}{at}", title="multiply-adds count 2; ≥ where some nodes' shapes are not known")
