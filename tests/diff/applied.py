"""Apply what a diff reports to the first model, and see whether that gives the second one's structure.

Both are written down node by node, in the second model's own names: operator, attributes, and where each input comes
from. Whatever a diff forgot to report is left as it was in the first model, and so shows.
"""

from __future__ import annotations

from typing import Any

import onnx.defs

from onnxmagic.diff.attributes import operator, plain
from onnxmagic.diff.comparison import Comparison
from onnxmagic.diff.origins import Origin, Origins
from onnxmagic.diff.ports import ports
from onnxmagic.diff.result import Change, Diff

__all__ = ["Written", "applied", "written"]

Written = dict[int, dict[str, Any]]


def written(diff: Diff) -> Written:
    """Return the structure of the second model."""
    b = Origins(diff.b)
    return {
        index: {
            "operator": operator(node),
            "attributes": _attributes(b, index),
            "inputs": [_named(b, origin) for origin in b.read(index)],
            "returns": [[_named(b, origin) for origin in body.returns] for body in b.bodies.get(index, ())],
        }
        for index, node in enumerate(diff.b.nodes)
    }


def applied(diff: Diff) -> Written:
    """Return the structure of the first model with the edits that `diff` reports."""
    return _Applying(diff).done()


class _Applying:
    def __init__(self, diff: Diff) -> None:
        self.diff = diff
        self.a, self.b = Origins(diff.a), Origins(diff.b)
        self.comparison = Comparison(self.a, self.b, diff.matching, ports(self.a, self.b, diff.matching))
        self.changes = {change.b.index: change.changes for change in diff.nodes.changed}
        self.added = {node.index for node in diff.nodes.added}
        self.removed = {node.index for node in diff.nodes.removed}

    def done(self) -> Written:
        second = written(self.diff)
        found = {index: second[index] for index in self.added}
        for pair in self.diff.matching.pairs:
            found[pair.b] = self._node(pair.a, pair.b, second[pair.b])
        return dict(sorted(found.items()))

    def _node(self, a: int, b: int, after: dict[str, Any]) -> dict[str, Any]:
        changes = self.changes.get(b, ())
        reported = {change.what: change for change in changes}
        node = {
            "operator": reported["operator"].after if "operator" in reported else operator(self.a.outline.nodes[a]),
            "attributes": self._attributes(a, b, changes),
            "inputs": self._inputs(self.a.read(a), self.b.read(b), "input {}", after["inputs"], changes),
            "returns": [],
        }
        for before, now, names in zip(
            self.a.bodies.get(a, ()), self.b.bodies.get(b, ()), after["returns"], strict=True
        ):
            what = f"output {{}} of {before.name}"
            node["returns"].append(self._inputs(before.returns, now.returns, what, names, changes))
        if "operator" in reported:
            node["attributes"] = after["attributes"]
        return node

    def _attributes(self, a: int, b: int, changes: tuple[Change, ...]) -> dict[str, str]:
        # What one version alone knows does there, unasked, what the other does anyway.
        known = _defaults(self.a, a), _defaults(self.b, b)
        found = {
            name: text
            for name, text in _attributes(self.a, a).items()
            if name in known[1] or known[0].get(name) != text
        }
        found.update({name: text for name, text in known[1].items() if name not in known[0]} | found)
        for change in changes:
            if change.kind == "attribute":
                found[change.what.removeprefix("attribute ")] = change.after
        return {name: text for name, text in found.items() if text != "not given" and not text.startswith("input ")}

    def _inputs(self, before, after, what: str, names: list[str], changes: tuple[Change, ...]) -> list[str]:
        reported = {change.what for change in changes}
        reported |= {what.format(_slot(change.after)) for change in changes if change.after.startswith("input ")}
        found: list[str] = []
        for slot, origin in enumerate(after):
            old = before[slot] if slot < len(before) else Origin("nothing", -1)
            # An edge from a node that came, or to one that went, is part of that edit.
            edge = self._alone(old, self.removed) or self._alone(origin, self.added)
            told = what.format(slot) in reported or edge
            found.append(names[slot] if told else self._mapped(old, origin, names[slot]))
        return found

    def _alone(self, origin: Origin, nodes: set[int]) -> bool:
        return origin.kind == "node" and origin.number in nodes

    def _mapped(self, old: Origin, new: Origin, name: str) -> str:
        """Return what stands in the first model, in the second's names."""
        if old.kind == "weight":
            same = new.kind == "weight" and self.a.side.hash_of(old.number) == self.b.side.hash_of(new.number)
            return name if same else f"the first model's {_named(self.a, old)}"
        other = self.comparison._other(old)
        return "gone" if other is None else _named(self.b, other)


def _slot(text: str) -> str:
    return text.removeprefix("input ").partition(":")[0]


def _attributes(side: Origins, index: int) -> dict[str, str]:
    """Return attributes as text, those that are left out with their defaults."""
    node = side.outline.nodes[index]
    bodies = {f"graph of {len(body.nodes)} nodes" for body in node.body}
    given = {name: plain(value) for name, value in node.attributes.items() if value not in bodies}
    return {**_defaults(side, index), **given}


def _defaults(side: Origins, index: int) -> dict[str, str]:
    node = side.outline.nodes[index]
    opset = side.side.graph.opsets.get(node.domain, 1)
    if not onnx.defs.has(node.op_type, opset, node.domain):
        return {}
    found: dict[str, str] = {}
    for name, about in onnx.defs.get_schema(node.op_type, opset, node.domain).attributes.items():
        if about.default_value.type:
            default = onnx.helper.get_attribute_value(about.default_value)
            found[name] = plain(default.decode() if isinstance(default, bytes) else default)
    return found


def _named(side: Origins, origin: Origin) -> str:
    return f"{origin.kind} {origin.number} {origin.slot}"
