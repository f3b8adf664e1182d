"""The ways to colour a graph, planned once where the whole of it is known: a page only looks its boxes up.

A mode has seven colours, and 0 for none. Names get the seven that most nodes have. Costs get seven steps with as many
different figures in each, because a few nodes have nearly all of any cost. A page puts a mark to each colour, so that
none of it has to be seen in colour.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from onnxmagic.graph.outline import Outline
from onnxmagic.view import words
from onnxmagic.view.graph.figures import Figures, Total

__all__ = ["Plan", "plans"]

_COLOURS: Final = 7


@dataclass(frozen=True, slots=True)
class Plan:
    """One mode.

    Attributes
    ----------
    title : str
    steps : bool
        Whether a higher colour is more of something.
    labels : tuple of str
        What each colour stands for, the first that of 0; ``""`` where none has it.
    nodes, scopes : tuple of int
        The colour of each.
    """

    title: str
    steps: bool
    labels: tuple[str, ...]
    nodes: tuple[int, ...]
    scopes: tuple[int, ...]


def plans(figures: Figures) -> dict[str, Plan]:
    """Return the modes by name, in the order in which they are offered."""
    outline = figures.outline
    top = _top_modules(outline)
    unnamed = [""] * len(outline.scopes)
    nodes = [figures.of_node(index) for index in range(len(outline.nodes))]
    costs = (nodes, figures.totals)
    return {
        "module": _by_name("module", [top[scope] for scope in outline.of_node], top),
        "operator": _by_name("operator", [node.op_type for node in outline.nodes], unnamed),
        "parameters": _by_cost("parameters", words.count, *_each(costs, lambda total: total.parameters)),
        "flops": _by_cost("FLOPs", words.count, *_each(costs, lambda total: total.flops)),
        "bytes": _by_cost("bytes of weights", words.weight, *_each(costs, lambda total: total.nbytes)),
    }


def _each(costs: tuple[Sequence[Total], ...], of: Callable[[Total], int]) -> list[list[int]]:
    return [[of(total) for total in totals] for totals in costs]


def _top_modules(outline: Outline) -> list[str]:
    """Return for each scope the name of the one it is in on the first level that has more than one, or nodes."""
    children: list[list[int]] = [[] for _ in outline.scopes]
    for index, scope in enumerate(outline.scopes[1:], 1):
        children[scope.parent].append(index)
    direct = set(outline.of_node)
    top = 0
    while len(children[top]) == 1 and top not in direct:
        top = children[top][0]
    names = [""] * len(outline.scopes)
    for index, scope in enumerate(outline.scopes[1:], 1):
        names[index] = scope.name if scope.parent == top else names[scope.parent]
    return names


def _by_name(title: str, nodes: Sequence[str], scopes: Sequence[str]) -> Plan:
    most = [name for name, _ in Counter(filter(None, nodes)).most_common(_COLOURS)]
    colour = {name: number for number, name in enumerate(most, 1)}
    of_nodes, of_scopes = (tuple(colour.get(name, 0) for name in names) for names in (nodes, scopes))
    return Plan(title, False, ("others", *most), of_nodes, of_scopes)


def _by_cost(title: str, written: Callable[[int], str], nodes: Sequence[int], scopes: Sequence[int]) -> Plan:
    figures = sorted({cost for cost in (*nodes, *scopes) if cost > 0})
    least = [figures[step * len(figures) // _COLOURS] for step in range(_COLOURS)] if figures else []
    # With fewer figures than colours some steps have none.
    labels = ["" if cost in least[step + 1 :] else f"from {written(cost)}" for step, cost in enumerate(least)]
    if labels:
        labels[-1] += " (each step has as many different figures)"
    of_nodes, of_scopes = (tuple(bisect_right(least, cost) for cost in costs) for costs in (nodes, scopes))
    return Plan(title, True, ("none, or not known", *labels), of_nodes, of_scopes)
