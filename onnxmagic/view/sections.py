"""The sections that reports share: what needs attention, what goes in and out, the weights, the time.

Each takes the data it shows and not a whole result, so an export and a check have them from one place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnxmagic.check.finding import Finding
from onnxmagic.diff.result import Diff
from onnxmagic.export.result import Axis, Stage
from onnxmagic.graph.facts import Graph, Module, Value
from onnxmagic.view import words
from onnxmagic.view.explanation import explanation
from onnxmagic.view.findings import Offer, finding_item
from onnxmagic.view.graph.section import node_keys
from onnxmagic.view.graph.tree import origin, tree
from onnxmagic.view.parts import (
    Folded,
    Item,
    Section,
    Sentence,
    Share,
    Shares,
    Signature,
    Size,
    Span,
    Tensor,
    line,
)

__all__ = ["findings", "modules", "said", "signature", "since", "taken", "time"]

UNFOLDED = 6
"""Sentences about the inputs that are read at once."""


def findings(found: Sequence[Finding], graph: Graph | None, offer: Offer) -> Section:
    """Return the findings as they are sorted; `offer` gives a rewrite's button its words."""
    branches = {module.path: key for key, module in _keyed(graph) if module.path}
    of_nodes = {node.name: node.module for node in graph.walk()} if graph and branches else {}
    explained: set[str] = set()
    items: list[Item] = []
    for index, (finding, node) in enumerate(zip(found, node_keys(graph, found), strict=True)):
        about = explanation(finding.code, again=finding.code in explained)
        explained.add(finding.code)
        # A file alone says which module a node came from; a finding of it names the node.
        module = finding.where.module or of_nodes.get(finding.where.node or "")
        branch = branches.get(module or "", "")
        items.append(finding_item(finding, f"f{index}", about, module=branch, offer=offer, node=node))
    return Section("findings", parts=tuple(items) or (Sentence(line("Nothing to mend.", tone="dim")),))


def said(label: str, sentences: Sequence[str]) -> Section:
    """Return a section of plain sentences in a low voice; one that has none is left out of a report."""
    return Section(label, parts=tuple(Sentence(words.dim(words.spans(sentence))) for sentence in sentences))


def since(changes: Diff | None, not_compared: str) -> Section:
    """Return in one sentence what changed since the file that was replaced; nothing where none was."""
    if changes is not None:
        summary = changes.summary
        same = changes.identical and not changes.signature.changes
        told = "The same as the file before." if same else f"Since the file before: {summary[:1].lower()}{summary[1:]}"
        return Section("changes", parts=(Sentence(words.spans(told)),))
    return said("changes", [f"Not compared with the file before: {not_compared}."] if not_compared else [])


def taken(sentences: Sequence[str]) -> Section:
    """Return how the inputs were found and which calls the file does not stand for; a page folds what is beyond six."""
    told = tuple(words.spans(sentence) for sentence in sentences)
    # One more line is no longer than what would fold it.
    shown = len(told) if len(told) <= UNFOLDED + 1 else UNFOLDED
    folded = (Folded(Span(f"{len(told) - shown} more"), told[shown:]),) if told[shown:] else ()
    return Section("inputs", parts=(*(Sentence(each) for each in told[:shown]), *folded))


def signature(graph: Graph, axes: Sequence[Axis]) -> Section:
    """Return what goes in and what comes out, and what is known of the axes."""
    by_place = {(axis.input, axis.index): axis for axis in axes}
    by_name = {axis.name: axis for axis in axes if axis.status in {"proved", "declared"}}
    inputs = tuple(_tensor(value, by_place, by_name) for value in graph.inputs)
    outputs = tuple(_tensor(value, {}, by_name) for value in graph.outputs)
    return Section("signature", parts=(Signature(inputs, outputs), *_axis_notes(axes)))


def _tensor(value: Value, by_place: dict[tuple[str, int], Axis], by_name: dict[str, Axis]) -> Tensor:
    sizes = None
    if value.shape is not None:
        sizes = tuple(
            _size(dim, by_place.get((value.name, index)) or by_name.get(dim if isinstance(dim, str) else ""))
            for index, dim in enumerate(value.shape)
        )
    return Tensor(Span(value.name, "strong"), Span(value.dtype or "unknown", "dim"), sizes)


def _size(dim: int | str | None, axis: Axis | None) -> Size:
    text = "?" if dim is None else str(dim)
    if axis is None:
        known = isinstance(dim, int)
        return Size(Span(text, title="" if known else "follows from the inputs"))
    if axis.status == "proved":
        return Size(Span(text, title=f"ran at {words.sizes(axis.sizes)} and agreed"), "ok")
    if axis.status == "declared":
        ran = f"ran at {words.sizes(axis.sizes)}, not compared with PyTorch" if axis.sizes else "not tried"
        return Size(Span(text, title=f"dynamic in the file, {ran}"), "info")
    if axis.status == "refused":
        return Size(Span(text, title=f"{axis.name} stays fixed: {axis.reason}"), "warn")
    return Size(Span(text, title="fixed" + (f": {axis.reason}" if axis.reason else "")))


def _axis_notes(axes: Sequence[Axis]) -> Iterator[Sentence]:
    for axis in axes:
        place = line(f"axis {axis.index} of ", Span(axis.input, "code"))
        if axis.name:
            place = line(Span(axis.name, "code"), " (", *place, ")")
        if axis.status == "refused":
            yield Sentence((*place, Span(" stays fixed: "), *words.spans(axis.reason or "no reason is known")), "warn")
        elif axis.status == "declared" and not axis.reason:
            yield Sentence((*place, Span(" is dynamic in the file; other sizes were not tried")), "info")
        elif axis.status == "declared":
            # The reason speaks of the sizes that the axis holds.
            reason = axis.reason.replace("these sizes", words.sizes(axis.sizes))
            yield Sentence((*place, Span(": "), *words.spans(reason)), "info")


def modules(graph: Graph, name: str, elsewhere: str) -> Section:
    """Return the tree; `name` is its root's, `elsewhere` the Python expression that has the whole of it."""
    facts = [words.plural(graph.parameters, "parameter"), f"{words.weight(graph.nbytes)} of weights", _nodes(graph)]
    title = line(" · ".join(facts))
    found = tree(graph, name, elsewhere)
    if found is None:
        note = Sentence(line("The file does not say which PyTorch module a node came from.", tone="dim"))
        return Section("modules", title, (note,))
    told = origin(graph)
    return Section("modules", title, (found, *((Sentence(line(told, tone="dim")),) if told else ())))


def _keyed(graph: Graph | None) -> list[tuple[str, Module]]:
    """Return the modules with their keys, as ``widget.choices`` counts them too."""
    root = graph.modules if graph else None
    return [(f"m{index}", module) for index, module in enumerate(root.walk() if root else ())]


def _nodes(graph: Graph) -> str:
    return words.plural(len(graph.nodes), "node")


def time(stages: Sequence[Stage]) -> Section:
    """Return how long each stage took."""
    total = sum(stage.seconds for stage in stages)
    items = tuple(Share(Span(s.name), s.seconds, Span(words.seconds(s.seconds))) for s in stages)
    return Section("time", line(words.seconds(total)) if items else (), (Shares(items),) if items else ())
