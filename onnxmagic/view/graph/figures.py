"""What is said of a scope and of a node, the same in picture and tree: what comes out, what it weighs and costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from onnxmagic.graph.cost import Cost
from onnxmagic.graph.facts import Value
from onnxmagic.graph.outline import Outline
from onnxmagic.view import words

__all__ = ["Figures", "Total", "shape_text", "type_text"]

_USUAL = "float32"


@dataclass(slots=True)
class Total:
    """What is in a scope, all below it counted; of ``unknown`` of its nodes the operations are not known."""

    nodes: int = 0
    parameters: int = 0
    nbytes: int = 0
    flops: int = 0
    unknown: int = 0

    @property
    def operations(self) -> str:
        """The floating-point operations as a person writes them (``≥ 3.6 GFLOP``), empty when none are known."""
        if not self.flops:
            return ""
        figure = words.count(self.flops)
        return f"{'≥ ' * bool(self.unknown)}{figure}{'' if ' ' in figure else ' '}FLOP"

    def add(self, other: Total) -> None:
        """Count `other` in."""
        self.nodes += other.nodes
        self.parameters += other.parameters
        self.nbytes += other.nbytes
        self.flops += other.flops
        self.unknown += other.unknown


class Figures:
    """Sums over the scopes of an outline, and the value that each node and scope gives.

    Parameters
    ----------
    outline : Outline
    costs : tuple of Cost
        One for each node, or none at all.
    """

    def __init__(self, outline: Outline, costs: tuple[Cost, ...]) -> None:
        self.outline = outline
        self.costs = costs

    @cached_property
    def totals(self) -> list[Total]:
        """One for each scope."""
        totals = [Total() for _ in self.outline.scopes]
        for index, scope in enumerate(self.outline.of_node):
            totals[scope].add(self.of_node(index))
        for index in range(len(totals) - 1, 0, -1):
            totals[self.outline.scopes[index].parent].add(totals[index])
        return totals

    def of_node(self, index: int) -> Total:
        """Return what one node weighs and costs; of a graph too large for costs only that it is there."""
        if index >= len(self.costs):
            return Total(1, unknown=1)
        cost = self.costs[index]
        return Total(1, cost.parameters, cost.nbytes, cost.flops or 0, int(cost.flops is None))

    @cached_property
    def given(self) -> dict[int, Value]:
        """The first output of each node that has one."""
        made = (
            (index, next((value for value in makes if value >= 0), -1))
            for index, makes in enumerate(self.outline.makes)
        )
        return {index: self.outline.values[value] for index, value in made if value >= 0}

    @cached_property
    def leaving(self) -> dict[int, Value]:
        """What comes out of each scope: of the values that leave it, the one that is made last."""
        scopes, of_node = self.outline.scopes, self.outline.of_node
        depth = [0] * len(scopes)
        for index, scope in enumerate(scopes[1:], 1):
            depth[index] = depth[scope.parent] + 1
        last: dict[int, tuple[int, int]] = {}
        for edge in self.outline.edges:
            if edge.source < 0:
                continue
            inner, outer = of_node[edge.source], of_node[edge.target] if edge.target >= 0 else 0
            # The graph's own outputs leave the root too.
            last[0] = (
                max(last.get(0, (-1, -1)), (edge.source, edge.value)) if edge.target < 0 else last.get(0, (-1, -1))
            )
            while inner != outer:
                if depth[inner] >= depth[outer]:
                    last[inner] = max(last.get(inner, (-1, -1)), (edge.source, edge.value))
                    inner = scopes[inner].parent
                else:
                    outer = scopes[outer].parent
        return {scope: self.outline.values[value] for scope, (source, value) in last.items() if source >= 0}


def shape_text(value: Value | None) -> str:
    """Return ``[batch, 64, 56, 56]``; empty when the shape is not known."""
    if value is None or value.shape is None:
        return ""
    return f"[{', '.join('?' if dim is None else str(dim) for dim in value.shape)}]"


def type_text(value: Value | None, usual: str = _USUAL) -> str:
    """Return the element type and the shape; the type is left out where it is the `usual` one."""
    if value is None:
        return ""
    dtype = "" if value.dtype == usual else value.dtype
    return f"{dtype} {shape_text(value)}".strip()
