"""A graph as the data that a script draws: columns, deflated, and text at last, so that a page can hold it.

Everything that a person can see, search or ask for without a kernel is in it, and no weight ever: 20,000 nodes are
less than 200 KB. What can be known before anything is drawn (what a module costs and gives, the colours) is worked out
here, once: a script that is in every report must be small.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from onnxmagic.check.finding import Finding, Severity
from onnxmagic.graph.drawn import Drawn
from onnxmagic.graph.facts import Initializer, Node, Value
from onnxmagic.view.graph.colours import plans
from onnxmagic.view.graph.columns import Column, Texts, column, short
from onnxmagic.view.graph.figures import Figures
from onnxmagic.view.graph.folding import first_scopes
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.parts import Sign

__all__ = ["VERSION", "colour_columns", "columns", "packed", "payload", "scope_columns"]

VERSION = 1
"""Of the columns; a script refuses to draw what it does not know."""

_SIGNS: dict[Severity, Sign] = {"error": "bad", "warning": "warn", "info": "info"}

LineOf = Callable[[Node], str]
"""From a node to the line of the notebook it came from, for a person; empty where nobody knows."""


def payload(drawn: Drawn, name: str, findings: Sequence[Finding] = (), line_of: LineOf | None = None) -> str:
    """Return the data of a drawing as base64: ``packed(columns(…))``."""
    return packed(columns(drawn, name, findings, line_of))


def packed(data: Mapping[str, Any]) -> str:
    """Return `data` as JSON, deflated (zlib), as base64."""
    written = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.b64encode(zlib.compress(written, 9)).decode("ascii")


def columns(
    drawn: Drawn,
    name: str,
    findings: Sequence[Finding] = (),
    line_of: LineOf | None = None,
    more: Callable[[Texts], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the data of a drawing, before it is packed.

    Parameters
    ----------
    drawn : Drawn
    name : str
        What the graph is called, for a person.
    findings : sequence of Finding
        As the report has them: the first is ``f0``.
    line_of : callable, optional
    more : callable, optional
        What else belongs to it, its texts in the same table.
    """
    outline, texts = drawn.outline, Texts()
    figures = Figures(outline, drawn.costs)
    data: dict[str, Any] = {
        "v": VERSION,
        "name": short(name),
        "source": outline.source,
        "scopes": scope_columns(figures, texts),
        "nodes": _nodes(drawn, texts, line_of),
        "values": {
            "name": texts.column(value.name for value in outline.values),
            "type": texts.column(type_text(value) for value in outline.values),
        },
        "edges": {
            "from": column([edge.source for edge in outline.edges]),
            "to": column([edge.target for edge in outline.edges]),
            "value": column([edge.value for edge in outline.edges]),
        },
        "inputs": list(outline.inputs),
        "outputs": list(outline.outputs),
        "weights": _weights(drawn, texts),
        "cost": _costs(drawn),
        "colours": colour_columns(figures),
        "open": first_scopes(Nest(outline), [total.nodes for total in figures.totals]),
        "findings": [_finding(drawn, index, finding) for index, finding in enumerate(findings)],
    }
    data["findings"] = [finding for finding in data["findings"] if finding["node"] >= 0]
    data |= more(texts) if more else {}
    return {**data, "strings": texts.written()}


def scope_columns(figures: Figures, texts: Texts) -> dict[str, Column]:
    """Return the columns of scopes: what they are called, what they give, and the sums over all that is in them."""
    scopes, totals, leaving = figures.outline.scopes, figures.totals, figures.leaving
    gives = (leaving.get(index) for index in range(len(scopes)))
    return {
        "parent": column([scope.parent for scope in scopes]),
        "name": texts.column(scope.name for scope in scopes),
        "cls": texts.column(scope.class_name for scope in scopes),
        "kind": texts.column(scope.kind for scope in scopes),
        "owner": column([scope.owner for scope in scopes]),
        "path": texts.column(scope.path for scope in scopes),
        "gives": texts.column(type_text(value) if value else "" for value in gives),
        "nodes": column([total.nodes for total in totals]),
        "params": column([total.parameters for total in totals]),
        "flops": column([-1 if total.unknown == total.nodes else total.flops for total in totals]),
        "bytes": column([total.nbytes for total in totals]),
    }


def colour_columns(figures: Figures) -> dict[str, dict[str, Any]]:
    """Return the ways to colour nodes and scopes, by name."""
    return {
        mode: {
            **{each.name: getattr(plan, each.name) for each in fields(plan)},
            "nodes": column(plan.nodes),
            "scopes": column(plan.scopes),
        }
        for mode, plan in plans(figures).items()
    }


def _nodes(drawn: Drawn, texts: Texts, line_of: LineOf | None) -> dict[str, Any]:
    nodes = drawn.outline.nodes
    return {
        "op": texts.column(node.op_type for node in nodes),
        "domain": texts.column(node.domain for node in nodes),
        "name": texts.column(node.name for node in nodes),
        "scope": column(drawn.outline.of_node),
        "attrs": texts.column(attributes_text(node.attributes) for node in nodes),
        "line": texts.column(line_of(node) if line_of else "" for node in nodes),
    }


def _weights(drawn: Drawn, texts: Texts) -> dict[str, Any]:
    stored = (*drawn.graph.initializers, *drawn.outline.inner)
    uses = [(node, stored[index]) for node, used in enumerate(drawn.outline.weights) for index in used]
    return {
        "of": column([node for node, _ in uses]),
        "name": texts.column(weight.name for _, weight in uses),
        "type": texts.column(type_text(weight) for _, weight in uses),
        "bytes": column([weight.nbytes for _, weight in uses]),
    }


def _costs(drawn: Drawn) -> dict[str, Any]:
    costs = drawn.costs
    return {
        "params": column([cost.parameters for cost in costs]),
        "flops": column([-1 if cost.flops is None else cost.flops for cost in costs]),
        "bytes": column([cost.nbytes for cost in costs]),
    }


def _finding(drawn: Drawn, index: int, finding: Finding) -> dict[str, Any]:
    return {
        "key": f"f{index}",
        "node": drawn.find(finding.where.node),
        "sign": _SIGNS[finding.severity],
        "code": finding.code,
        "text": short(finding.message.replace("`", "")),
    }


def type_text(value: Value | Initializer) -> str:
    """Return a type as a person reads it: ``float32 [batch, 64, 56, 56]``; empty where nothing is known."""
    if value.shape is None:
        return value.dtype
    # A shape of a million axes is cut when it is shown; it need not be written first.
    sizes = ", ".join("?" if size is None else str(size)[:100] for size in value.shape[:100])
    return f"{value.dtype or '?'} [{sizes}]"


def attributes_text(attributes: Mapping[str, Any]) -> str:
    """Return a node's attributes in one line: ``axis=1, pads=[0, 0]``."""
    return ", ".join(f"{name[:100]}={_value(value)}" for name, value in _first(attributes.items()))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, _first(value)))}]"
    return str(value)[:200]


def _first(items: Iterable[Any]) -> list[Any]:
    """Return as many items as can be read in 200 characters."""
    return [item for _, item in zip(range(100), items, strict=False)]
