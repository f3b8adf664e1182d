"""The graph in a report: its title, its data for a script, its picture for where no script runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnxmagic.check.finding import Finding, Where
from onnxmagic.check.places import where_from_trace
from onnxmagic.graph.drawn import Drawn, drawn
from onnxmagic.graph.facts import Graph, Node
from onnxmagic.view import words
from onnxmagic.view.graph.payload import LineOf, payload
from onnxmagic.view.graph.svg import picture
from onnxmagic.view.parts import Drawing, Section, Sentence, Span, line

__all__ = ["graph_section", "line_of", "node_keys"]

_SOURCES = {
    "modules": "by module",
    "names": "by the names of its nodes",
    "blocks": "by blocks that repeat",
    "flat": "without modules",
}
"""Where the boxes come from, as a title says it."""


def graph_section(
    graph: Graph | None,
    name: str,
    findings: Sequence[Finding] = (),
    places: Mapping[str, Where] | None = None,
    opened: Sequence[str] = (),
) -> Section:
    """Return the section that draws `graph`; an empty one where there is none.

    Parameters
    ----------
    graph : Graph or None
    name : str
        What it is called, for a person.
    findings : sequence of Finding
        As the report has them: the first is ``f0``.
    places : mapping of node name to Where, optional
    opened : sequence of str
        Paths of the modules that are looked into at first; with none, the first level that has enough to see.
    """
    if graph is None or not graph.nodes:
        return Section("graph")
    found = drawn(graph)
    if isinstance(found, int):
        place = "the tree has them" if graph.modules else "`.graph.nodes` has them"
        told = words.spans(f"{found:,} nodes are too many to draw here; {place}.")
        return Section("graph", parts=(Sentence(words.dim(told)),))
    title = f"{words.whole(len(found.outline.nodes), 'node')} · {_SOURCES[found.outline.source]}"
    data = payload(found, name, findings, line_of(places or {}))
    told = Span(f"The graph of {name}: {title}.")
    drawing = Drawing(told, data, picture(graph, opened), _numbers(found, opened))
    return Section("graph", line(title), (drawing,))


def _numbers(found: Drawn, opened: Sequence[str]) -> tuple[int, ...]:
    """Return the numbers of the scopes at `opened`; whoever opens a module sees what it is in, too."""
    numbers = {scope.path: number for number, scope in enumerate(found.outline.scopes)}
    wanted: set[int] = set()
    for path in opened:
        number = numbers.get(path, 0)
        while number > 0:
            wanted.add(number)
            number = found.outline.scopes[number].parent
    return tuple(sorted(wanted))


def node_keys(graph: Graph | None, findings: Sequence[Finding]) -> list[str]:
    """Return for each finding the key of its node in the drawing (``n12``); empty where it has none."""
    found = drawn(graph) if graph is not None and graph.nodes else 0
    if not isinstance(found, Drawn):
        return [""] * len(findings)
    numbers = [found.find(finding.where.node) for finding in findings]
    return [f"n{number}" if number >= 0 else "" for number in numbers]


def line_of(places: Mapping[str, Where]) -> LineOf:
    """Return what tells of a node which line it came from: ``cell 4, line 12 · y = self.fc(x)``.

    An export knows the lines of its nodes; a file that kept its Python stacks tells them itself.
    """
    # Nodes of one line have one stack, which is as long as a page.
    known: dict[str, Where] = {}

    def told(node: Node) -> str:
        where = places.get(node.name)
        if where is None and node.trace:
            where = known.get(node.trace) or known.setdefault(node.trace, where_from_trace(node.trace))
        return " · ".join(text for text in (str(where), where.source) if text) if where else ""

    return told
