"""From an export to the parts of its report.

The order is the reader's: the verdict, what needs attention, what goes in and out, the proof, the weights, the time.
"""

from __future__ import annotations

from onnxmagic.export.result import Export
from onnxmagic.view import sections, words
from onnxmagic.view.graph.section import graph_section
from onnxmagic.view.parts import Header, Report, Span
from onnxmagic.view.proof import proof
from onnxmagic.view.sweep import sweep
from onnxmagic.view.verdict import verdict

__all__ = ["export_report"]


def export_report(export: Export) -> Report:
    """Return the parts of `export`'s report."""
    sign, sentence = verdict(export)
    name = Span(export.path.name if export.path else "not on disk", "strong", str(export.path or ""))
    facts = (name, Span(words.weight(export.nbytes)), Span(f"opset {export.graph.opset}"))
    all_sections = (
        sections.findings(export.findings, export.graph, export.offer),
        sections.since(export.changes, export.not_compared),
        sections.said("changed", export.fixed),
        sections.said("chosen", export.chosen),
        sections.taken(export.taken),
        sections.signature(export.graph, export.axes),
        proof(export.parity, "e.parity.cases"),
        sweep(export.parity.sweep, "e.parity.worst"),
        graph_section(export.graph, export.model_name, export.findings, export.places),
        sections.modules(export.graph, export.model_name, "e.graph.modules"),
        sections.time(export.stages),
    )
    header = Header(sign, words.spans(sentence), facts)
    return Report("export", header, tuple(section for section in all_sections if section.title or section.parts))
