"""What a node costs, as far as shapes tell: floating-point operations, bytes of weights, parameters."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from onnxmagic.graph.facts import Graph, Initializer
from onnxmagic.graph.flops import MOST, Shapes, flops
from onnxmagic.graph.outline import Outline

__all__ = ["Cost", "costs"]

_ROUNDS: Final = frozenset({"Loop", "Scan"})


@dataclass(frozen=True, slots=True)
class Cost:
    """What one node costs.

    Attributes
    ----------
    flops : int or None
        A multiply-add counts 2. None where a shape is not known or nobody has a formula. A dynamic axis counts as 1.
    nbytes, parameters : int
        Of the weights that the node reads; a weight that several read counts with the first, so that sums are true.
    per : tuple of str
        The dynamic axes that counted as 1.
    """

    flops: int | None
    nbytes: int
    parameters: int
    per: tuple[str, ...] = ()


def costs(outline: Outline, graph: Graph) -> tuple[Cost, ...]:
    """Return the cost of each node of `outline`, which was made of `graph`.

    A node whose body is laid open costs nothing itself, for its body's nodes do; so sums over boxes are true. The nodes
    of a loop's body count for one round, and how many there are only a run shows: a Loop and a Scan have no count. Both
    branches of an If count, though one is run.
    """
    stored = [*graph.initializers, *outline.inner]
    opened = {scope.owner for scope in outline.scopes if scope.kind == "body"}
    weights = _weights(outline, opened)
    return tuple(_cost(outline, stored, index, weights[index], index in opened) for index in range(len(outline.nodes)))


def _weights(outline: Outline, opened: Collection[int]) -> list[list[int]]:
    """Return for each node the weights that count there: of those that read one, the first that is no mere call."""
    counted: set[int] = set()
    weights: list[list[int]] = [[] for _ in outline.nodes]
    for index in sorted(range(len(outline.nodes)), key=lambda index: index in opened):
        weights[index] = [each for each in outline.weights[index] if each not in counted]
        counted.update(weights[index])
    return weights


def _cost(outline: Outline, stored: Sequence[Initializer], index: int, weights: list[int], is_open: bool) -> Cost:
    node = outline.nodes[index]
    nbytes = min(MOST, sum(stored[each].nbytes for each in weights))
    parameters = min(MOST, sum(stored[each].size for each in weights if stored[each].is_parameter))
    if is_open:
        return Cost(None if node.op_type in _ROUNDS and not node.domain else 0, nbytes, parameters)
    dynamic: dict[str, None] = {}
    shapes = Shapes(
        node.op_type,
        node.attributes,
        [_sizes(outline, stored, number, dynamic) for number in outline.reads[index]],
        [_sizes(outline, stored, number, dynamic) for number in outline.makes[index]],
    )
    count = flops(shapes, node.domain)
    return Cost(count, nbytes, parameters, tuple(dynamic) if count else ())


def _sizes(
    outline: Outline, stored: Sequence[Initializer], number: int, dynamic: dict[str, None]
) -> tuple[int, ...] | None:
    """Return a shape with 1 for every dynamic axis, whose names go into `dynamic`; None when a size is not known."""
    if number < 0:
        return stored[-2 - number].shape if number < -1 else None
    shape = outline.values[number].shape
    if shape is None or None in shape:
        return None
    dynamic.update((size, None) for size in shape if isinstance(size, str))
    return tuple([size if isinstance(size, int) else 1 for size in shape])
