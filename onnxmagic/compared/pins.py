"""Pins: pairs of nodes that the user says are one, looked up in both graphs before anything is matched."""

from __future__ import annotations

from collections.abc import Iterable

from onnxmagic.check.wording import code, enumerated
from onnxmagic.compared.request import Pin
from onnxmagic.diff.side import Side
from onnxmagic.errors import UsageMistake
from onnxmagic.inside.near import did_you_mean

__all__ = ["pinned"]


def pinned(a: Side, b: Side, pins: Iterable[Pin]) -> tuple[tuple[int, int], ...]:
    """Return `pins` as indices into the nodes of both.

    Raises
    ------
    UsageMistake
        A node is not there, is one of several of that name, or is pinned twice.
    """
    found = tuple((_index(a, one), _index(b, other)) for one, other in pins)
    for side, indices in ((a, [one for one, _ in found]), (b, [other for _, other in found])):
        twice = [index for place, index in enumerate(indices) if index in indices[:place]]
        if twice:
            raise UsageMistake(f"{code(side.nodes[twice[0]].name)} of {side.name} is pinned twice.")
    return found


def _index(side: Side, wanted: str | int) -> int:
    nodes = side.nodes
    if isinstance(wanted, int):
        if 0 <= wanted < len(nodes):
            return wanted
        raise UsageMistake(f"{side.name} has no node {wanted}, but 0 to {len(nodes) - 1}.")
    name = str(wanted)
    found = [index for index, node in enumerate(nodes) if node.name == name]
    # What makes a value is known by it where a node has no name.
    found = found or [index for index, node in enumerate(nodes) if name and name in node.outputs]
    if len(found) == 1:
        return found[0]
    if found:
        places = enumerated([str(index) for index in found[:5]])
        raise UsageMistake(f"{len(found)} nodes of {side.name} are called {code(name)}; pin by index: {places}.")
    near = did_you_mean(name, (node.name for node in nodes), "d.a.nodes and d.b.nodes have them all.")
    raise UsageMistake(f"{side.name} has no node {code(name)} to pin. {near}")
