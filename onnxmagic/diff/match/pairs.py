"""Match the nodes of two graphs: the sure ones first, then what they make sure.

Each step is one that takes most of what is left and is nearly never wrong, so that the next has more to hold on to:
what computes the same from the inputs, what stands in the same surroundings, what is next to a pair; all that with
weights and modules, then with less and less (``labels.Level``); then the order of what looks alike, what is behind an
edit, what stands in an edit's place. Names of nodes and values decide only between nodes that nothing else tells apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from onnxmagic.diff.match.colours import Codes
from onnxmagic.diff.match.columns import columns
from onnxmagic.diff.match.labels import Labels, Tags, paired, tags
from onnxmagic.diff.match.neighbours import Alike
from onnxmagic.diff.match.pairing import Pairing
from onnxmagic.diff.match.parts import Zones, owners, parts
from onnxmagic.diff.match.settle import Settling
from onnxmagic.diff.matching import Matching, Pair
from onnxmagic.diff.side import Side
from onnxmagic.errors import UsageMistake
from onnxmagic.graph.facts import Value

__all__ = ["match"]

Pairs = list[tuple[int, int]]


def match(a: Side, b: Side, pins: Sequence[tuple[int, int]] = (), alike: Alike | None = None) -> Matching:
    """Return which node of `a` is which node of `b`.

    Parameters
    ----------
    a, b : Side
    pins : sequence of (int, int)
        Pairs that are given, by the nodes' indices in the outlines; the others are matched around them.
    alike : callable, optional
        For a weight of `a` and one of `b`, by their positions in ``Side.stored``, how much their values are alike (1
        for the same, NaN where nobody knows). Asked only where nothing else tells nodes apart.

    Raises
    ------
    UsageMistake
        A pin names a node twice, or one that there is not, or one in a body and one in another.
    """
    given = _given(a, b, pins)
    if not given and _same_order(a, b):
        return Matching(
            tuple([Pair(index, index, "the same place in the same structure") for index in range(len(a.nodes))])
        )
    code = Codes()
    own = tags(a, code), tags(b, code)
    # The same question asked the other way round has the same answer.
    if _after(a, b, own):
        turned = None if alike is None else lambda first, second: alike(second, first)
        found = _matched((b, a), (own[1], own[0]), code, [(second, first) for first, second in given], turned)
        pairs = sorted((partner, node, reason) for node, partner, reason in found)
    else:
        pairs = _matched((a, b), own, code, given, alike)
    return Matching(tuple([Pair(*pair) for pair in pairs]))


def _same_order(a: Side, b: Side) -> bool:
    """Whether the two are the same node by node, but for names and weights, as after another training."""
    one, other = a.outline, b.outline
    if one is other:
        return True
    if len(one.nodes) != len(other.nodes) or one.reads != other.reads or one.makes != other.makes:
        return False
    if one.outputs != other.outputs or not (_in_order(_inputs(a), _inputs(b)) and _in_order(_outputs(a), _outputs(b))):
        return False
    facts = [[(n.op_type, n.domain, n.module, n.attributes, len(n.body)) for n in each.nodes] for each in (one, other)]
    return facts[0] == facts[1] and parts(a) == parts(b)


def _in_order(a: Sequence[Value], b: Sequence[Value]) -> bool:
    of_a, of_b = paired(a, b)
    return of_a == of_b and len(of_a) == len(a) == len(b)


def _after(a: Side, b: Side, own: tuple[Tags, Tags]) -> bool:
    """Whether `b` is to be the first; the same for both orders of the two, but where they are the same in all."""
    for turn in (np.sort, np.asarray):
        one, other = (b"".join(turn(column).tobytes() for column in each) for each in own)
        if one != other:
            return (len(one), one) > (len(other), other)
    one, other = ([a.outline.reads, a.outline.outputs], [b.outline.reads, b.outline.outputs])
    if one != other:
        return one > other
    return sorted(a.hashes.values()) > sorted(b.hashes.values())


def _matched(
    sides: tuple[Side, Side], own: tuple[Tags, Tags], code: Codes, given: Pairs, alike: Alike | None
) -> list[tuple[int, int, str]]:
    """Match one level of nesting after the other, each without what only carries values on, then with it."""
    pairing = Pairing(len(sides[0].nodes), len(sides[1].nodes))
    for a, b in given:
        pairing.put(a, b, "pinned")
    inner = parts(sides[0]), parts(sides[1])
    inputs, outputs = paired(*map(_inputs, sides)), paired(*map(_outputs, sides))
    ends = (inputs[0], outputs[0]), (inputs[1], outputs[1])
    looks: list[Settling] = []
    for through in (True, False):
        seen = [columns(side, of.formals, of.returns, through=through) for side, of in zip(sides, inner, strict=True)]
        facts = zip(seen, own, (of.inside for of in inner), strict=True)
        labels = [Labels(*each, code, end) for each, end in zip(facts, ends, strict=True)]
        looks.append(Settling((seen[0], seen[1]), (labels[0], labels[1]), own, pairing, alike))
        if not any(any(each.hidden) for each in seen):
            break
    zones = Zones(inner)
    for depth in range(zones.depth + 1):
        nodes = zones.open(depth, pairing.of_a)
        for look in looks:
            look.settle(*nodes, zones.of_node)
    return [(a, b, pairing.reasons[a]) for a, b in enumerate(pairing.of_a) if b >= 0]


def _inputs(side: Side) -> Sequence[Value]:
    return [side.outline.values[value] for value in side.outline.inputs]


def _outputs(side: Side) -> Sequence[Value]:
    return side.graph.outputs


def _given(a: Side, b: Side, pins: Sequence[tuple[int, int]]) -> Pairs:
    """Return the pins, with the owners of the bodies that they are in."""
    found: dict[int, int] = {}
    inner = (parts(a), parts(b)) if pins else None
    for pin in pins:
        if inner is None or not (0 <= pin[0] < len(a.nodes) and 0 <= pin[1] < len(b.nodes)):
            raise UsageMistake(f"There are no nodes {pin[0]} and {pin[1]} to pin to each other; see the nodes of both.")
        for first, second in owners(inner, pin):
            if found.setdefault(first, second) != second or list(found.values()).count(second) > 1:
                raise UsageMistake(
                    f"`{_named(a, first)}` and `{_named(b, second)}` cannot both be pinned so: one of them is pinned "
                    "to another node already, or is around one that is. Leave one of the pins out."
                )
    return list(found.items())


def _named(side: Side, node: int) -> str:
    return side.nodes[node].name or f"{side.nodes[node].op_type} (node {node})"
