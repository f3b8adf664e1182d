"""Loops over a sequence that were written out, found by what only they do.

Equal layers repeat a structure too, and so does a network that shares its layers. A loop over time takes the pieces of
one sequence in order, each step needs the one before it, and all steps are the same operators on the same weights.
Module scopes are not needed for that, and not trusted.

Along the graph every value gets the last piece that went into it, and the length of the longest chain of ever later
pieces behind it. Pieces that go their own ways and meet at the end make chains of two; a loop makes one of all of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from onnxmagic.graph.facts import Graph, Node

__all__ = ["Unrolled", "unrolled"]

FEWEST_STEPS: Final = 3
FEWEST_WITHOUT_WEIGHTS: Final = 8
"""Without common weights few steps may be arithmetic, as the coefficients of a polynomial are; many are a loop."""

_VISITS: Final = 2
"""How often a node is looked at on average; what a graph made of nothing but cuts asks for beyond is not done."""

Labels = tuple[int, int]
"""The last piece behind a value, and the length of the chain of pieces behind it."""


@dataclass(frozen=True, slots=True)
class Unrolled:
    """A loop that was written out: over which value, a node of its second step, the steps, and the nodes in each."""

    sequence: str
    node: Node
    steps: int
    nodes: int


@dataclass(slots=True)
class _Step:
    """What one step of a loop does besides getting its piece ready."""

    nodes: list[Node] = field(default_factory=list[Node])
    weights: set[str] = field(default_factory=set[str])

    @property
    def operators(self) -> Counter[str]:
        return Counter(node.op_type for node in self.nodes)


def unrolled(graph: Graph) -> Iterator[Unrolled]:
    """Yield the loops over time that are written out in the main graph."""
    families = {key: places for key, places in _cuts(graph).items() if len(set(places.values())) >= FEWEST_STEPS}
    if not families:
        return
    search = _Search(graph)
    for (sequence, _), pieces in families.items():
        if search.exhausted:
            return
        order = {place: rank for rank, place in enumerate(sorted(set(pieces.values())))}
        last = len(order) - 1
        forward = {name: order[place] for name, place in pieces.items()}
        for ranks in (forward, {name: last - rank for name, rank in forward.items()}):
            found = search.loop(sequence, ranks, last + 1)
            if found:
                yield found
                break


class _Search:
    """One graph, with what every search in it needs."""

    def __init__(self, graph: Graph) -> None:
        self._nodes = graph.nodes
        self._weights = {i.name for i in graph.initializers if i.is_parameter and i.size > 1}
        self._made_by = {name: at for at, node in enumerate(graph.nodes) for name in node.outputs if name}
        self._last_use = {name: at for at, node in enumerate(graph.nodes) for name in node.inputs}
        self._left = _VISITS * len(graph.nodes) + 1000

    @property
    def exhausted(self) -> bool:
        """Whether as much was looked at as may be."""
        return self._left <= 0

    def loop(self, sequence: str, pieces: Mapping[str, int], count: int) -> Unrolled | None:
        """Return the loop over `pieces`, value names with the step that each belongs to, if there is one."""
        steps = [_Step() for _ in range(count)]
        if self._fill(steps, pieces) < count:
            return None
        second, *others = steps[1:-1]
        # Of the last step only the part up to where its piece comes in was walked.
        if len(second.nodes) < 2 or any(step.operators != second.operators for step in others):
            return None
        if any(step.weights != second.weights for step in others):
            return None
        shared = second.weights & steps[0].weights
        if count < (FEWEST_STEPS if shared else FEWEST_WITHOUT_WEIGHTS):
            return None
        return Unrolled(sequence, second.nodes[0], count, len(second.nodes))

    def _fill(self, steps: Sequence[_Step], pieces: Mapping[str, int]) -> int:
        """Walk from the first piece to where the last is used, note each step's nodes, and return the longest chain."""
        self._left -= len(pieces)
        if self._left < 0:
            return 0
        labels: dict[str, Labels] = {name: (rank, 1) for name, rank in pieces.items()}
        at = min(self._made_by[name] for name in pieces)
        end = max(self._last_use.get(name, 0) for name in pieces)
        longest = 1
        while at <= end and self._left > 0:
            self._left -= 1
            node = self._nodes[at]
            at += 1
            before = [labels[name] for name in node.inputs if name in labels]
            if not before or any(name in pieces for name in node.outputs):
                continue
            rank = max(label[0] for label in before)
            chain = max(length + (r < rank) for r, length in before)
            labels.update(dict.fromkeys(filter(None, node.outputs), (rank, chain)))
            longest = max(longest, chain)
            steps[rank].weights |= self._weights.intersection(node.inputs) if chain > 1 or rank == 0 else set()
            if chain == 1:  # still a piece by itself, or the first step
                end = max([end, *(self._last_use.get(name, 0) for name in node.outputs)])
            else:
                steps[rank].nodes.append(node)
        return longest


def _cuts(graph: Graph) -> dict[tuple[str, Any], dict[str, int]]:
    """Return the pieces that values are cut into: by value and axis, the piece's name with its place."""
    constants: dict[str, Any] = {i.name: i.value for i in graph.initializers}
    constants.update(
        (n.outputs[0], n.attributes.get("value")) for n in graph.nodes if n.op_type == "Constant" and n.outputs
    )
    found: dict[tuple[str, Any], dict[str, int]] = defaultdict(dict)
    for node in graph.nodes:
        if node.domain or not node.inputs or node.inputs[0] in constants or not node.outputs:
            continue
        if node.op_type == "Split":
            pieces = {name: place for place, name in enumerate(node.outputs) if name}
            found[node.inputs[0], ("split", node.outputs[0])].update(pieces)
        elif node.op_type in {"Gather", "SequenceAt", "Slice"}:
            axis, place = _place(node, constants)
            if place is not None:
                found[node.inputs[0], axis][node.outputs[0]] = place
    return found


def _place(node: Node, constants: Mapping[str, Any]) -> tuple[Any, int | None]:
    """Return the axis that a node cuts and where it cuts it; None where that is not a fixed place."""
    if node.op_type == "Slice":
        axes, starts = (_numbers(node, constants, at, name) for at, name in ((3, "axes"), (1, "starts")))
        return (("slice", axes[0]), starts[0]) if len(starts) == 1 and len(axes) == 1 else (None, None)
    index = constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
    if isinstance(index, list) and len(index) == 1:
        index = index[0]
    return (node.op_type, node.attributes.get("axis", 0)), index if isinstance(index, int) else None


def _numbers(node: Node, constants: Mapping[str, Any], position: int, attribute: str) -> list[int]:
    """Return numbers that are an input since opset 10, an attribute before."""
    value = constants.get(node.inputs[position]) if len(node.inputs) > position else node.attributes.get(attribute)
    return (
        [int(v) for v in value] if isinstance(value, (list, tuple)) and all(isinstance(v, int) for v in value) else []
    )
