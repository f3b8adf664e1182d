"""Which box each node of a graph, or of a body, is in.

The exporter's metadata says it, or the paths in the nodes' names, or nobody; then the structure must. And where a file
says it of most nodes, those that an optimiser put in between belong to what they connect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from onnxmagic.graph.facts import Node
from onnxmagic.graph.scopes import MAX_DEPTH

__all__ = ["Box", "Boxes", "ancestors", "by_module", "settle", "slash_paths"]

_LONGEST: Final = 1000
"""Characters of a name that are looked at for a path."""


@dataclass(slots=True)
class Box:
    """A scope while it is being found: ``path`` and ``parent`` as within the part of the graph that it is in."""

    name: str
    path: str
    parent: int
    class_name: str = ""
    kind: Literal["module", "block"] = "module"


@dataclass
class Boxes:
    """The boxes of one part, its root first, and the box of each node; -1 while nobody knows."""

    boxes: list[Box] = field(default_factory=lambda: [Box("", "", -1)])
    of_node: list[int] = field(default_factory=list[int])

    def depths(self) -> list[int]:
        """Return how deep each box lies; a box may stand before the one around it."""
        depths = [0, *([-1] * (len(self.boxes) - 1))]
        for index in range(len(self.boxes)):
            chain = [index]
            while depths[chain[-1]] < 0:
                chain.append(self.boxes[chain[-1]].parent)
            depth = depths[chain.pop()]
            while chain:
                depth += 1
                depths[chain.pop()] = depth
        return depths


def slash_paths(nodes: Sequence[Node]) -> bool:
    """Return whether most nodes are named by path without a slash in front, as by TensorFlow (``bert/layer/Add``)."""
    if any(node.module is not None for node in nodes):
        return False
    return 2 * sum(_from_slashes(node.name) is not None for node in nodes) > len(nodes)


def by_module(nodes: Sequence[Node], base: str, *, slashes: bool) -> Boxes:
    """Return boxes by what the nodes say of their module.

    Parameters
    ----------
    nodes : sequence of Node
    base : str
        The module of the node whose body this is: paths are counted from there. ``""`` for the main graph.
    slashes : bool
        Names without a slash in front are paths too.
    """
    found = Boxes()
    known = {"": 0}
    for node in nodes:
        module = node.module
        if module is None and slashes:
            module = _from_slashes(node.name)
        if module is None:
            found.of_node.append(-1)
            continue
        skipped = len(base.split(".")) if base else 0
        if module == base:
            module = ""
        elif base and module.startswith(f"{base}."):
            module = module[len(base) + 1 :]
        else:
            # A module from elsewhere in a body: all of its path is new there.
            skipped = 0
        found.of_node.append(_box(found.boxes, known, module))
        _name_classes(found, node.classes[skipped:])
    return found


def _from_slashes(name: str) -> str | None:
    # With a slash in front it is torch's older exporter's, and a module already.
    if "/" not in name[1:_LONGEST] or name.startswith("/"):
        return None
    parts = [part for part in name[:_LONGEST].replace(".", "/").split("/") if part]
    return ".".join(parts[:-1][:MAX_DEPTH]) if len(parts) > 1 else None


def _box(boxes: list[Box], known: dict[str, int], path: str) -> int:
    """Return the number of the box at `path`, made with all around it when it is new."""
    if path in known:
        return known[path]
    parts = path.split(".")
    at = 0
    for depth, part in enumerate(parts, 1):
        prefix = ".".join(parts[:depth])
        if prefix not in known:
            boxes.append(Box(part, prefix, at))
            known[prefix] = len(boxes) - 1
        at = known[prefix]
    return at


def _name_classes(found: Boxes, classes: Sequence[str]) -> None:
    """Give the box of the last node, and those around it, the class names that it tells, the outermost first."""
    if not classes or found.boxes[found.of_node[-1]].class_name:
        return
    chain = [found.of_node[-1]]
    while chain[-1] > 0:
        chain.append(found.boxes[chain[-1]].parent)
    for box, name in zip(reversed(chain), classes, strict=False):
        found.boxes[box].class_name = found.boxes[box].class_name or name


def settle(found: Boxes, edges: Iterable[tuple[int, int]]) -> None:
    """Put nodes of which nobody says anything where they belong: into the innermost box around all that they connect.

    `edges` are pairs of positions in ``of_node``. A node that connects nothing lands in the root.
    """
    if len(found.boxes) == 1:
        found.of_node = [0] * len(found.of_node)
    if -1 not in found.of_node:
        return
    common = ancestors(found)
    unknown = [box < 0 for box in found.of_node]
    both = [edge for edge in edges if unknown[edge[0]] or unknown[edge[1]]]
    before = _spread(found.of_node, sorted(both, key=lambda edge: edge[1]), common)
    after = _spread(found.of_node, sorted(((b, a) for a, b in both), key=lambda edge: -edge[1]), common)
    for index, is_unknown in enumerate(unknown):
        if is_unknown:
            found.of_node[index] = max(0, common(before[index], after[index]))


def _spread(known: Sequence[int], edges: Iterable[tuple[int, int]], common: Callable[[int, int], int]) -> list[int]:
    """Return for each node what its neighbours on one side say, through any number that say nothing themselves."""
    said = list(known)
    for source, target in edges:
        if known[target] < 0:
            said[target] = common(said[source], said[target])
    return said


def ancestors(found: Boxes) -> Callable[[int, int], int]:
    """Return a function from two boxes to the innermost that is around both; one that is not known (-1) has no say."""
    depths = found.depths()
    parents = [box.parent for box in found.boxes]
    met: dict[tuple[int, int], int] = {}

    def common(one: int, other: int) -> int:
        if one < 0 or other < 0 or one == other:
            return max(one, other)
        if (one, other) not in met:
            a, b = one, other
            while a != b:
                if depths[a] >= depths[b]:
                    a = parents[a]
                else:
                    b = parents[b]
            met[one, other] = a
        return met[one, other]

    return common
