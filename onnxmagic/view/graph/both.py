"""Two models as one drawing: what both have once, at one place, and what only one has among its neighbours.

Two drawings side by side cannot be compared by eye: one node more moves all that follows. So there is one outline, in
which the nodes of the first model stand in their order, and those that only the second has behind what they take from.
Every view of it (one over the other, side by side, a still picture) shows the same places and leaves out what it must.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from onnxmagic.diff.result import Diff
from onnxmagic.diff.side import Side
from onnxmagic.graph.cost import Cost
from onnxmagic.graph.drawn import drawn
from onnxmagic.graph.facts import Initializer
from onnxmagic.graph.outline import Edge, Outline
from onnxmagic.view.graph.both_scopes import Scopes, neighbours
from onnxmagic.view.graph.both_values import Values
from onnxmagic.view.graph.marks import ADDED, CHANGED, MOVED, REMOVED, SAME
from onnxmagic.view.graph.nest import Nest
from onnxmagic.view.graph.quiet import quiet, revealing

__all__ = ["Both", "both"]

Order = list[tuple[int, int]]
Stored = tuple[Initializer, ...]
Uses = tuple[tuple[int, ...], ...]
"""The weights that each node reads, by their numbers."""


@dataclass(frozen=True)
class Both:
    """The union of two models.

    Attributes
    ----------
    outline : Outline
        Of all nodes; one whose operator changed is called by both (``"Relu → Gelu"``). Its ``inner`` weights follow
        those of the first model's graph.
    marks : tuple of int
        One for each node; see ``view.graph.marks``.
    edges : tuple of int
        One for each edge: ``SAME``, ``ADDED`` or ``REMOVED``.
    of_a, of_b : tuple of int
        The node of the union that each node of the first, and of the second, is.
    inputs, outputs : tuple of int
        A mark for each input and output of the union.
    costs : tuple of Cost
        What each node costs: in the first, else in the second.
    """

    outline: Outline
    marks: tuple[int, ...]
    edges: tuple[int, ...]
    of_a: tuple[int, ...]
    of_b: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    costs: tuple[Cost, ...]

    @cached_property
    def quiet(self) -> tuple[Outline, set[str]]:
        """The outline with what is unchanged folded away, and the boxes of it to open at first."""
        folded = quiet(self.outline, self.marks)
        return folded, revealing(Nest(folded), self.marks)

    @cached_property
    def from_a(self) -> list[int]:
        """For each node of the union the first model's, -1 where it has none."""
        return _turned(self.of_a, len(self.marks))

    @cached_property
    def from_b(self) -> list[int]:
        """For each node of the union the second model's, -1 where it has none."""
        return _turned(self.of_b, len(self.marks))


def _turned(numbers: Sequence[int], count: int) -> list[int]:
    found = [-1] * count
    for index, number in enumerate(numbers):
        found[number] = index
    return found


_known: dict[int, tuple[weakref.ref[Diff], Both]] = {}
"""By the diff's id: a report, its picture and its live view each need it."""


def both(diff: Diff) -> Both:
    """Return the union of the models of `diff`, made once."""
    key = id(diff)
    if key in _known and _known[key][0]() is diff:
        return _known[key][1]
    made = _union(diff)
    _known[key] = (weakref.ref(diff, lambda _: _known.pop(key, None)), made)
    return made


def _union(diff: Diff) -> Both:
    a, b, pairs = diff.a.outline, diff.b.outline, diff.matching.of_b
    order = _order(a, b, [pairs.get(index, -1) for index in range(len(b.nodes))])
    of_a, of_b = _numbers(order, pairs, (len(a.nodes), len(b.nodes)))
    values = Values(a, b, pairs)
    edges = _edges(a, b, (of_a, of_b), values)
    outline = _outline(diff, order, Scopes(a, b, pairs, (of_a, of_b)), values)
    return Both(
        outline=replace(outline, edges=tuple(Edge(*edge) for edge in edges)),
        marks=tuple(_marks(diff, of_a, [other >= 0 for _, other in order])),
        edges=tuple(SAME if seen == 3 else REMOVED if seen == 1 else ADDED for seen in edges.values()),
        of_a=of_a,
        of_b=of_b,
        inputs=values.input_marks,
        outputs=values.output_marks,
        costs=_costs(diff, order),
    )


def _order(a: Outline, b: Outline, pairs: Sequence[int]) -> Order:
    """Return all nodes in the order of the union, as (first's, -1) or (what it stands behind, second's)."""
    anchors = list(pairs)
    takes, gives = neighbours(b)
    added = [index for index, pair in enumerate(pairs) if pair < 0]
    for index in added:
        anchors[index] = max((anchors[each] for each in takes[index]), default=-1)
    for index in reversed(added):
        if anchors[index] < 0:
            behind = [anchors[each] for each in gives[index] if anchors[each] >= 0]
            anchors[index] = min(behind, default=0) - 1
    return sorted([*((index, -1) for index in range(len(a.nodes))), *((anchors[index], index) for index in added)])


def _numbers(
    order: Order, pairs: Mapping[int, int], counts: tuple[int, int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the union's numbers of both models' nodes."""
    of_a, of_b = [0] * counts[0], [0] * counts[1]
    for number, (index, other) in enumerate(order):
        if other < 0:
            of_a[index] = number
        else:
            of_b[other] = number
    for other, index in pairs.items():
        of_b[other] = of_a[index]
    return tuple(of_a), tuple(of_b)


def _outline(diff: Diff, order: Order, scopes: Scopes, values: Values) -> Outline:
    """Return the outline without its edges."""
    a, b = diff.a.outline, diff.b.outline
    stored, weights = _weights(diff.a, diff.b, order)
    nodes = {
        change.a.index: replace(a.nodes[change.a.index], op_type=f"{change.a.op_type} → {change.b.op_type}")
        for change in diff.nodes.changed
        if change.a.op_type != change.b.op_type
    }
    return Outline(
        source=a.source,
        scopes=scopes.all,
        nodes=tuple(b.nodes[other] if other >= 0 else nodes.get(index, a.nodes[index]) for index, other in order),
        of_node=tuple(scopes.of_b(other) if other >= 0 else a.of_node[index] for index, other in order),
        values=values.all,
        edges=(),
        weights=weights,
        inputs=values.inputs,
        outputs=values.outputs,
        inner=stored,
        reads=tuple(() if other >= 0 else a.reads[index] for index, other in order),
        makes=tuple(values.made(b.makes[other]) if other >= 0 else a.makes[index] for index, other in order),
    )


def _costs(diff: Diff, order: Order) -> tuple[Cost, ...]:
    """Return what each node costs; nothing where a model is too large for that."""
    first, second = drawn(diff.a.graph), drawn(diff.b.graph)
    if isinstance(first, int) or isinstance(second, int):
        return ()
    return tuple(second.costs[other] if other >= 0 else first.costs[index] for index, other in order)


def _edges(
    a: Outline, b: Outline, numbers: tuple[Sequence[int], Sequence[int]], values: Values
) -> dict[tuple[int, int, int], int]:
    """Return all edges, each with 1 where the first has it and 2 where the second has it."""
    of_a, of_b = numbers
    found: dict[tuple[int, int, int], int] = {}
    for edge in a.edges:
        source, target = (of_a[end] if end >= 0 else -1 for end in (edge.source, edge.target))
        found[source, target, edge.value] = 1
    for edge in b.edges:
        source, target = (of_b[end] if end >= 0 else -1 for end in (edge.source, edge.target))
        value = values.of_b(edge.value) if target >= 0 else values.output(edge.value)
        key = (source, target, value)
        found[key] = found.get(key, 0) | 2
    return found


def _weights(a: Side, b: Side, order: Order) -> tuple[Stored, Uses]:
    """Return the weights behind those of the first's graph, and the numbers of those that each node reads."""
    first = len(a.stored)
    numbers: dict[int, int] = {}
    weights: list[tuple[int, ...]] = []
    for index, other in order:
        if other < 0:
            weights.append(a.outline.weights[index])
        else:
            weights.append(tuple(numbers.setdefault(w, first + len(numbers)) for w in b.outline.weights[other]))
    return (*a.outline.inner, *(b.stored[w] for w in numbers)), tuple(weights)


def _marks(diff: Diff, of_a: Sequence[int], added: Sequence[bool]) -> list[int]:
    marks = [ADDED if new else SAME for new in added]
    matched = diff.matching.of_a
    for index, number in enumerate(of_a):
        if index not in matched:
            marks[number] = REMOVED
    changed = {weight.before for weight in diff.weights.changed}
    if changed:
        using = [bool({diff.a.stored[w].name for w in used} & changed) for used in diff.a.outline.weights]
        for index, uses in enumerate(using):
            if uses and marks[of_a[index]] == SAME:
                marks[of_a[index]] = CHANGED
    for change in diff.nodes.moved:
        marks[of_a[change.a.index]] = MOVED
    for change in diff.nodes.changed:
        marks[of_a[change.a.index]] = CHANGED
    return marks
