"""Two models as the data that a script draws: the columns of a graph, and a table of what is not the same.

The graph is the union, so a page has both models at the cost of a little more than one. Numbers are there, so that a
tolerance can be moved without a kernel; values of weights are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from onnxmagic.check.finding import Severity
from onnxmagic.diff.result import Diff, ValueChange
from onnxmagic.graph.drawn import Drawn
from onnxmagic.view import words
from onnxmagic.view.graph.both import Both, both
from onnxmagic.view.graph.columns import Texts, column, short
from onnxmagic.view.graph.figures import Figures
from onnxmagic.view.graph.marks import SAME
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.graph.payload import colour_columns, columns, scope_columns
from onnxmagic.view.graph.quiet import revealing
from onnxmagic.view.graph.section import line_of

__all__ = ["diff_columns", "finding_places", "has_changes"]

_SIGNS: dict[Severity, str] = {"error": "bad", "warning": "warn", "info": "info"}


def diff_columns(diff: Diff) -> dict[str, Any]:
    """Return the data of the drawing, before it is packed."""
    union = both(diff)
    data = columns(
        Drawn(diff.a.graph, union.outline, union.costs),
        f"{diff.a.name} → {diff.b.name}",
        line_of=line_of({}),
        more=lambda texts: {"diff": _table(diff, union, texts)},
    )
    data["nodes"]["mark"] = column(union.marks)
    data["edges"]["mark"] = column(union.edges)
    data["findings"] = list(_findings(diff, union))
    return data


def _table(diff: Diff, union: Both, texts: Texts) -> dict[str, Any]:
    folded, opened = union.quiet
    figures = Figures(folded, union.costs)
    reasons = {pair.a: pair.reason for pair in diff.matching.pairs}
    others = [diff.b.nodes[b].name if b >= 0 else "" for b in union.from_b]
    return {
        "names": [short(diff.a.name), short(diff.b.name)],
        "a": column(union.from_a),
        "b": column(union.from_b),
        "other": texts.column(
            "" if name == node.name else name for name, node in zip(others, union.outline.nodes, strict=True)
        ),
        "reason": texts.column(reasons.get(index, "") for index in union.from_a),
        "inputs": list(union.inputs),
        "outputs": list(union.outputs),
        "changes": _rows(texts, _changes(diff, union)),
        "weights": list(_weights(diff, union)),
        "values": _values(diff, union),
        "quiet": {
            "scopes": scope_columns(figures, texts),
            "colours": colour_columns(figures),
            "scope": column(folded.of_node),
            "open": _opened(opened),
        },
        "open": _opened(revealing(Nest(union.outline), union.marks)),
    }


def _opened(boxes: Iterable[str]) -> list[int]:
    return sorted(int(box[1:]) for box in boxes if box[0] == "s" and box != "s0")


def _rows(texts: Texts, rows: Iterable[tuple[int, str, str, str]]) -> dict[str, Any]:
    """Return what changed as columns: the node, what it is, before and after."""
    nodes, *said = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return {"node": column(list(nodes)), **dict(zip(("what", "before", "after"), map(texts.column, said), strict=True))}


def _changes(diff: Diff, union: Both) -> Iterable[tuple[int, str, str, str]]:
    for change in (*diff.nodes.changed, *diff.nodes.moved):
        number = union.of_a[change.a.index]
        for each in change.changes:
            yield number, each.what or each.kind, each.before, each.after
    for change in diff.nodes.moved:
        yield union.of_a[change.a.index], "module", change.a.module or "", change.b.module or ""
    for region in diff.regions:
        before, after = (words.whole(len(nodes), "node") for nodes in (region.removed, region.added))
        said = f"{region.name}, {after}" if region.name else after
        removed, added = region.indices
        for number in (*(union.of_a[index] for index in removed), *(union.of_b[index] for index in added)):
            yield number, "rewritten", before, said


def _weights(diff: Diff, union: Both) -> Iterable[dict[str, Any]]:
    """Yield the weights that changed, each with the nodes that read it."""
    stored = diff.a.stored
    readers: dict[str, list[int]] = {}
    for index, used in enumerate(diff.a.outline.weights):
        for weight in used:
            readers.setdefault(stored[weight].name, []).append(union.of_a[index])
    for change in diff.weights.changed:
        yield {
            "name": short(change.name),
            "before": short(change.before),
            "nodes": readers.get(change.before, []),
            "max": _figure(change.max_abs),
            "mean": _figure(change.mean_abs),
            "cosine": _figure(change.cosine),
            "nan": list(change.nan),
            "said": short(change.reason or ", ".join(change.seen_through)),
        }


def _values(diff: Diff, union: Both) -> dict[str, Any]:
    """Return what each node's values differ by, as far as both were run."""
    outputs = diff.outputs
    worst: dict[int, ValueChange] = {}
    for value in (*outputs.values, *outputs.outputs):
        if value.node is None:
            continue
        number = union.of_a[value.node.index]
        if number not in worst or _worse(value, worst[number]):
            worst[number] = value
    several = sorted(worst.items())
    first = outputs.first.node.index if outputs.first and outputs.first.node else -1
    return {
        "compared": outputs.compared,
        "said": short(outputs.on if outputs.compared else outputs.reason),
        "tolerance": outputs.tolerance,
        "first": union.of_a[first] if first >= 0 else -1,
        "node": column([number for number, _ in several]),
        "abs": [_figure(value.max_abs) for _, value in several],
        "rel": [_figure(value.max_rel) for _, value in several],
        "nan": {str(place): list(value.nan) for place, (_, value) in enumerate(several) if any(value.nan)},
    }


def _worse(one: ValueChange, other: ValueChange) -> bool:
    return not isfinite(one.max_rel) or one.max_rel > other.max_rel


def _figure(number: float) -> float | None:
    """Return a figure to four digits; None where there is none, which JSON cannot write."""
    return float(f"{number:.4g}") if isfinite(number) else None


def _findings(diff: Diff, union: Both) -> Iterable[dict[str, Any]]:
    """Yield the findings that appeared and those that vanished, at their nodes."""
    new = len(diff.findings.appeared)
    all_of_them = (*diff.findings.appeared, *diff.findings.vanished)
    for index, (finding, place) in enumerate(zip(all_of_them, finding_places(diff), strict=True)):
        if place:
            how = "appeared" if index < new else "vanished"
            node = (union.of_b if index < new else union.of_a)[int(place[1:])]
            sign = _SIGNS[finding.severity] if index < new else "ok"
            text = short(f"{how}: {finding.message.replace('`', '')}")
            yield {"key": f"f{index}", "node": node, "sign": sign, "code": finding.code, "text": text}


def finding_places(diff: Diff) -> list[str]:
    """Return the places of findings in the drawing, as ``Span.go`` has them; empty for one that has none.

    Of those that appeared it is a node of the second model, of those that vanished, behind them, one of the first.
    """
    found: list[str] = []
    for letter, side, findings in (("b", diff.b, diff.findings.appeared), ("a", diff.a, diff.findings.vanished)):
        nodes = enumerate(side.nodes) if findings else ()
        # Backwards, so that of two nodes with one name the first is found.
        names = {node.name: f"{letter}{index}" for index, node in reversed(tuple(nodes))}
        found += [names.get(finding.where.node, "") if finding.where.node else "" for finding in findings]
    return found


def has_changes(union: Both) -> bool:
    """Return whether anything is to be seen."""
    return any(mark != SAME for mark in (*union.marks, *union.edges, *union.inputs, *union.outputs))
