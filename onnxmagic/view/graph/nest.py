"""What stands in what: the boxes that open, and what is in each.

An outline is flat, two columns of parents. A picture needs the other direction, and a few things smoothed: a scope that
holds nothing but one other scope is one box with it (``encoder.layer``), and the body of a loop is the inside of the
loop's own box.

A box is named as on a page: ``n12`` is node 12, ``s3`` scope 3, ``i0`` the first input and ``o0`` the first output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from onnxmagic.graph.outline import Outline, Scope

__all__ = ["ROOT", "Nest"]

ROOT = "s0"


class Nest:
    """The boxes of an outline, as a tree.

    Parameters
    ----------
    outline : Outline
    """

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        scopes = range(len(outline.scopes))
        self._scopes: list[list[int]] = [[] for _ in scopes]
        self._nodes: list[list[int]] = [[] for _ in scopes]
        self._bodies: dict[int, list[int]] = {}
        for index, of in enumerate(outline.of_node):
            self._nodes[of].append(index)
        filled = self._filled()
        for index in scopes[1:]:
            scope = outline.scopes[index]
            if _is_body(scope):
                self._bodies.setdefault(scope.owner, []).append(index)
            elif filled[index]:
                self._scopes[scope.parent].append(index)

    def _filled(self) -> list[bool]:
        """Return of each scope whether a node is in it or below it."""
        filled = [bool(nodes) for nodes in self._nodes]
        for index in range(len(filled) - 1, 0, -1):
            filled[self.outline.scopes[index].parent] |= filled[index]
        return filled

    @cached_property
    def first(self) -> list[int]:
        """First node of each scope: what stands in one scope is in the order of the file."""
        first = [nodes[0] if nodes else len(self.outline.nodes) for nodes in self._nodes]
        for index in range(len(first) - 1, 0, -1):
            parent = self.outline.scopes[index].parent
            first[parent] = min(first[parent], first[index])
        return first

    def chain(self, scope: int) -> list[int]:
        """Return `scope` and the scopes that are one box with it, the innermost last."""
        chain = [scope]
        while not self._nodes[chain[-1]] and len(self._scopes[chain[-1]]) == 1:
            chain += self._scopes[chain[-1]]
        return chain

    def contents(self, box: str) -> list[str]:
        """Return the boxes in `box`, none for what does not open."""
        index = int(box[1:])
        if box[0] == "s":
            # The root is the picture itself: it is in no chain.
            return self._inside(index if box == ROOT else self.chain(index)[-1])
        bodies = self._bodies.get(index, []) if box[0] == "n" else []
        return self._inside(self.chain(bodies[0])[-1]) if len(bodies) == 1 else [f"s{body}" for body in bodies]

    def _inside(self, scope: int) -> list[str]:
        nodes, scopes = self._nodes[scope], self._scopes[scope]
        both = [*((node, f"n{node}") for node in nodes), *((self.first[each], f"s{each}") for each in scopes)]
        return [box for _, box in sorted(both, key=lambda pair: pair[0])]

    def opens(self, box: str) -> list[int]:
        """Return the scopes that open with `box`: those that are one box with it, or the bodies of a node."""
        index = int(box[1:])
        scopes = [index] if box[0] == "s" else self.bodies(index)
        return [scope for each in scopes for scope in self.chain(each)]

    def bodies(self, node: int) -> Sequence[int]:
        """Return the scopes that are the bodies of `node`."""
        return self._bodies.get(node, ())

    def above(self, scope: int) -> Iterator[str]:
        """Yield `scope`'s own box name and those of everything it stands in, outwards; the root is the last."""
        while scope >= 0:
            yield f"s{scope}"
            entry = self.outline.scopes[scope]
            if _is_body(entry):
                yield f"n{entry.owner}"
                scope = self.outline.of_node[entry.owner]
            else:
                scope = entry.parent


def _is_body(scope: Scope) -> bool:
    return scope.kind == "body" and scope.owner >= 0
