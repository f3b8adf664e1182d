"""What is known of a node by itself, at several degrees of strictness.

Retraining changes all weights, a conversion changes attributes, another exporter tells other modules or none. So
nodes are compared strictly first, and what is left is compared by less and less.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from onnxmagic.diff.match.colours import Codes, Colours, Ints, Segments, column, mixed
from onnxmagic.diff.match.columns import Columns, Leaf
from onnxmagic.diff.side import Side
from onnxmagic.graph.facts import Node, Value

__all__ = ["ANY", "SHAPES", "TYPES", "VALUES", "Labels", "Level", "Tags", "arrows", "paired", "tags"]

VALUES: Final = 3
TYPES: Final = 2
SHAPES: Final = 1
ANY: Final = 0
"""What counts of a weight: its values, its type and shape, its shape, or nothing (nor do attributes count then)."""

_CONSTANTS: Final = {"value_float": "float32", "value_int": "int64", "value_floats": "float32", "value_ints": "int64"}


class Level(NamedTuple):
    """How strictly nodes are compared: what counts of a weight, and whether the module does."""

    weights: int
    modules: bool


class Tags(NamedTuple):
    """What each node of a side says of itself alone: operator, operator with attributes, module."""

    op: Colours
    full: Colours
    module: Colours


def tags(side: Side, code: Codes) -> Tags:
    """Return the tags of all nodes."""
    nodes = side.outline.nodes
    ops = [(node.domain, node.op_type) for node in nodes]
    full: list[Hashable] = [
        (op, _attributes(node)) if node.attributes else op for op, node in zip(ops, nodes, strict=True)
    ]
    for index, hashed in side.constants.items():
        full[index] = (full[index], hashed)
    modules = column([code(node.module) for node in nodes])
    return Tags(column([code(op) for op in ops]), column([code(each) for each in full]), modules)


def _attributes(node: Node) -> str:
    """Return the attributes as text; bodies are compared node by node, not by how many they are."""
    plain = node.attributes.items()
    if node.body:
        plain = [(name, value) for name, value in plain if not (isinstance(value, str) and "graph of " in value)]
    return repr(sorted(plain, key=lambda item: item[0]))


Ends = tuple[Mapping[int, int], Mapping[int, int]]
"""Numbers of a graph's inputs and of its outputs, by position; partners on both sides have the same."""


class Labels:
    """The labels of the nodes of one side in one way of looking, at every level; ``of_table`` those of its leaves."""

    def __init__(self, seen: Columns, own: Tags, inside: Sequence[tuple[Ints, Ints]], code: Codes, ends: Ends) -> None:
        self._own = own
        self._inside = inside
        self._seen = seen
        flat = [number for some in seen.leaves for leaf in some for number in leaf]
        rows = np.array(flat, np.int64).reshape(-1, 2)
        counts = np.fromiter(map(len, seen.leaves), np.int64, len(seen.leaves))
        self._places = Segments(np.repeat(np.arange(len(counts)), counts))
        self._slots = mixed(rows[:, 0].astype(np.uint64))
        facts = _Facts(seen.side, code, ends[0])
        table = np.array([facts.of(leaf) for leaf in seen.table], np.uint64)
        self.of_table: list[int] = table[:, VALUES - 1].tolist()
        self._leaves = table[rows[:, 1]]
        self._fixed = np.zeros(len(own.op), np.uint64)
        for index, results in seen.results.items():
            facts_of = sorted((port, ends[1].get(position, -1)) for port, position in results)
            self._fixed[index] = code(("result", tuple(facts_of)))
        self._fed = self._sum_of_feeds()

    def at(self, level: Level) -> Colours:
        """Return a colour for each node."""
        own = self._own.full if level.weights > ANY else self._own.op
        labels = mixed(own + mixed(self._fixed))
        if level.modules:
            labels = mixed(labels + self._own.module)
        if level.weights == ANY:
            return labels
        labels += self._fed
        self._places.add_to(labels, mixed(self._leaves[:, level.weights - 1] + self._slots))
        labels = mixed(labels)
        # Two that do the same to the same have the same bodies, node by node; an edit in one is for weaker levels.
        for nodes, owners in self._inside if level.weights == VALUES else ():
            Segments(owners).add_to(labels, mixed(labels[nodes]))
        return labels

    def _sum_of_feeds(self) -> Colours:
        """Return for each node a number for which of its inputs are made by nodes."""
        _, target, slot, port = self._seen.edges
        sums = np.zeros(len(self._own.op), np.uint64)
        Segments(target).add_to(sums, arrows(slot, port))
        return sums


def arrows(slot: Ints, port: Ints) -> Colours:
    """Return a number for each pair of input and output."""
    return mixed((slot * 64 + port + 1).astype(np.uint64))


class _Facts:
    """What is known of leaves: by shape, by type and shape, by values; the order of the constants above."""

    def __init__(self, side: Side, code: Codes, inputs: Mapping[int, int]) -> None:
        self._side = side
        self._code = code
        self._inputs = inputs
        self._known = {value.name: value for value in side.outline.values}

    def of(self, leaf: Leaf) -> tuple[int, int, int]:
        if leaf.kind == "weight":
            return self._weight(leaf.number)
        if leaf.kind == "constant":
            return self._constant(leaf.number)
        number = self._inputs.get(leaf.number, -1) if leaf.kind == "input" else leaf.number
        code = self._code((leaf.kind, number))
        return code, code, code

    def _weight(self, number: int) -> tuple[int, int, int]:
        weight = self._side.stored[number]
        values = self._side.hash_of(number) if weight.value is None else weight.value
        return self._three(weight.dtype, weight.shape, values)

    def _constant(self, index: int) -> tuple[int, int, int]:
        node = self._side.outline.nodes[index]
        name, value = next(iter(node.attributes.items()), ("", None))
        known = self._known.get(node.outputs[0])
        dtype = _CONSTANTS.get(name) or (known.dtype if known else "")
        if name in _CONSTANTS:
            return self._three(dtype, (len(value),) if isinstance(value, tuple) else (), _listed(value))
        # Of a large tensor the facts have a text in place of its values.
        hashed = self._side.constants.get(index)
        return self._three(dtype, known.shape if known else None, hashed if isinstance(value, str) else value)

    def _three(self, dtype: str, shape: Sequence[Any] | None, values: Any) -> tuple[int, int, int]:
        known = (dtype, shape) if values is None else (dtype, shape, repr(values))
        return self._code(shape), self._code((dtype, shape)), self._code(known)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def paired(a: Sequence[Value], b: Sequence[Value]) -> tuple[dict[int, int], dict[int, int]]:
    """Return numbers for the inputs (or outputs) of two graphs: one for both partners, none for those without.

    Partners have one name and type, else one type and shape, else one type, else they are next in order. They are what
    a program calls the model by, so here names mean something.
    """
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    keys: tuple[Callable[[Value], Hashable], ...] = (
        lambda value: (value.name, value.dtype),
        lambda value: (value.dtype, value.shape),
        lambda value: value.dtype,
        lambda _: None,
    )
    for key in keys:
        of_a, of_b = _grouped(a, found[0], key), _grouped(b, found[1], key)
        for kind, places in of_a.items():
            for first, second in zip(places, of_b.get(kind, ()), strict=False):
                found[0][first] = found[1][second] = first
    return found


def _grouped(
    values: Sequence[Value], done: Mapping[int, int], key: Callable[[Value], Hashable]
) -> dict[Hashable, list[int]]:
    grouped: dict[Hashable, list[int]] = {}
    for position, value in enumerate(values):
        if position not in done:
            grouped.setdefault(key(value), []).append(position)
    return grouped
