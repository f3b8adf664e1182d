"""What the two models cost, as far as their files tell; how long they take only a measurement says.

A tool that rewrites a graph forgets the modules. Then a node counts in the module of the node that it is matched with,
so that a module is not said to be gone whose nodes are all there. It forgets shapes as well, and then nobody knows what
its products take; so operations are told only where both sides leave out the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnxmagic.diff.matching import Matching
from onnxmagic.diff.result import CostDiff, ModuleCost
from onnxmagic.diff.side import Side
from onnxmagic.graph.cost import Cost
from onnxmagic.graph.drawn import drawn

__all__ = ["cost_diff"]


@dataclass(slots=True)
class _Total:
    """What some nodes cost; ``known`` says that the operations of one of them at least are known.

    ``lost`` says that those of a node are not known and those of the other model's are: the sum cannot be held against
    the other's.
    """

    parameters: int = 0
    flops: int = 0
    nbytes: int = 0
    nodes: int = 0
    known: bool = False
    lost: bool = False

    def add(self, cost: Cost, *, lost: bool) -> None:
        """Count a node in."""
        self.parameters += cost.parameters
        self.flops += cost.flops or 0
        self.nbytes += cost.nbytes
        self.nodes += 1
        self.known |= cost.flops is not None
        self.lost |= lost

    @property
    def operations(self) -> int | None:
        """FLOPs, those of operators that neither side has any of left out; None where they cannot be compared."""
        return self.flops if self.known and not self.lost else None


def cost_diff(a: Side, b: Side, matching: Matching) -> CostDiff:
    """Return the costs of both, and of the modules that do not cost the same, without their children."""
    figures = _figures(a), _figures(b)
    lost = _lost(figures[0], figures[1], matching.of_a), _lost(figures[1], figures[0], matching.of_b)
    modules = [node.module for node in a.nodes], _modules(a, b, matching)
    before, after = (_by_module(*each) for each in zip(modules, figures, lost, strict=True))
    whole = _sum(figures[0], lost[0]), _sum(figures[1], lost[1])
    return CostDiff(
        parameters=(a.graph.parameters, b.graph.parameters),
        flops=(whole[0].operations, whole[1].operations),
        nbytes=(a.graph.nbytes, b.graph.nbytes),
        nodes=(len(a.nodes), len(b.nodes)),
        modules=tuple(
            _row(module, before.get(module), after.get(module))
            for module in dict.fromkeys((*before, *after))
            if before.get(module) != after.get(module)
        ),
    )


def _figures(side: Side) -> Sequence[Cost]:
    """Return what each node costs; nothing for a graph that is too large to be drawn."""
    found = drawn(side.graph)
    return () if isinstance(found, int) else found.costs


def _lost(figures: Sequence[Cost], others: Sequence[Cost], matched: Mapping[int, int]) -> Sequence[bool]:
    """Return for each node whether its operations are not known, and are not missing in the other model as well."""
    return [
        cost.flops is None and (index not in matched or _flops(others, matched[index]) is not None)
        for index, cost in enumerate(figures)
    ]


def _flops(figures: Sequence[Cost], index: int) -> int | None:
    return figures[index].flops if index < len(figures) else None


def _modules(a: Side, b: Side, matching: Matching) -> Sequence[str | None]:
    told = [node.module for node in b.nodes]
    return [
        a.nodes[matching.of_b[index]].module if module is None and index in matching.of_b else module
        for index, module in enumerate(told)
    ]


def _by_module(modules: Sequence[str | None], figures: Sequence[Cost], lost: Sequence[bool]) -> Mapping[str, _Total]:
    totals: dict[str, _Total] = defaultdict(_Total)
    for module, cost, gone in zip(modules, figures, lost, strict=False):
        if module is not None:
            totals[module].add(cost, lost=gone)
    return dict(totals)


def _sum(figures: Sequence[Cost], lost: Sequence[bool]) -> _Total:
    total = _Total()
    for cost, gone in zip(figures, lost, strict=True):
        total.add(cost, lost=gone)
    return total


def _row(module: str, before: _Total | None, after: _Total | None) -> ModuleCost:
    return ModuleCost(
        module,
        (before and before.parameters, after and after.parameters),
        (before and before.operations, after and after.operations),
        (before and before.nbytes, after and after.nbytes),
        (before.nodes if before else 0, after.nodes if after else 0),
    )
