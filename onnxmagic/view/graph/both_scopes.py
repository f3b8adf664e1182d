"""The boxes of two models as one tree: the first's, and of the second's those that hold nothing the first has.

A box of the second is the box of the first in which most of its nodes are. So a module that was renamed is one box, and
a file that names no modules (an optimised one) is drawn in the modules of the other. A node that only the second has
belongs to no box of the first by itself: it goes where the nodes are in whose place it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from onnxmagic.graph.outline import Outline, Scope

__all__ = ["Scopes", "neighbours"]

_TRUSTED = frozenset({"modules", "names"})


class Scopes:
    """The scopes of the union of two outlines.

    Parameters
    ----------
    a, b : Outline
    pairs : mapping of int to int
        Nodes of the first by those of the second.
    numbers : tuple of two sequences of int
        The union's numbers of both models' nodes.
    """

    def __init__(
        self, a: Outline, b: Outline, pairs: Mapping[int, int], numbers: tuple[Sequence[int], Sequence[int]]
    ) -> None:
        self._a, self._b, self._pairs, self._numbers = a, b, pairs, numbers
        self._new: list[tuple[Scope, int]] = []
        # Boxes found by repetition mean nothing beside modules.
        self._trusted = a.source == b.source or {a.source, b.source} <= _TRUSTED
        self._map = self._mapped()

    @cached_property
    def all(self) -> tuple[Scope, ...]:
        """All scopes; their owners are nodes of the union."""
        of_a, of_b = self._numbers
        first = [replace(scope, owner=of_a[scope.owner]) if scope.owner >= 0 else scope for scope in self._a.scopes]
        known = {scope.path for scope in first}
        for scope, parent in self._new:
            path = scope.path
            while path in known:
                path += "~"
            known.add(path)
            owner = of_b[scope.owner] if scope.owner >= 0 else -1
            first.append(replace(scope, path=path, parent=parent, owner=owner))
        return tuple(first)

    def of_b(self, node: int) -> int:
        """Return the scope of a node that only the second has."""
        own = self._b.of_node[node]
        if self._map[own] >= len(self._a.scopes) or self._in_body(own) or self._trusted:
            return self._map[own]
        return self._beside[node]

    def _in_body(self, scope: int) -> bool:
        while scope >= 0:
            if self._b.scopes[scope].owner >= 0:
                return True
            scope = self._b.scopes[scope].parent
        return False

    def _mapped(self) -> list[int]:
        """Return for each scope of the second the union's."""
        most = self._votes()
        found: list[int] = []
        for index, scope in enumerate(self._b.scopes):
            if index == 0:
                found.append(0)
            elif scope.owner >= 0:
                found.append(self._body(scope, found))
            elif most[index] >= 0:
                found.append(most[index])
            elif self._trusted:
                found.append(self._add(scope, found[scope.parent]))
            else:
                found.append(found[scope.parent])
        return found

    def _votes(self) -> list[int]:
        """Return for each scope of the second that of the first with most of its nodes; -1 where none has any."""
        votes: list[dict[int, int]] = [{} for _ in self._b.scopes]
        for theirs, mine in self._pairs.items():
            own = votes[self._b.of_node[theirs]]
            own[self._a.of_node[mine]] = own.get(self._a.of_node[mine], 0) + 1
        found = [-1] * len(votes)
        for index in range(len(votes) - 1, 0, -1):
            if not votes[index]:
                continue
            name = self._b.scopes[index].name
            found[index] = max(votes[index], key=lambda s: (votes[index][s], self._a.scopes[s].name == name, -s))
            above = votes[self._b.scopes[index].parent]
            for mine, count in votes[index].items():
                parent = max(self._a.scopes[mine].parent, 0)
                above[parent] = above.get(parent, 0) + count
        return found

    def _body(self, scope: Scope, found: Sequence[int]) -> int:
        """Return the same body of the matched owner, or a new one."""
        owner = self._pairs.get(scope.owner, -1)
        if owner >= 0 and (owner, scope.name) in self._bodies:
            return self._bodies[owner, scope.name]
        return self._add(scope, found[scope.parent])

    @cached_property
    def _bodies(self) -> dict[tuple[int, str], int]:
        return {(s.owner, s.name): index for index, s in enumerate(self._a.scopes) if s.owner >= 0}

    def _add(self, scope: Scope, parent: int) -> int:
        self._new.append((scope, parent))
        return len(self._a.scopes) + len(self._new) - 1

    # ---------------------------------------------------------------- nodes of a file without boxes of its own

    @cached_property
    def _beside(self) -> list[int]:
        """For each node of the second a scope of the first: that of the nodes in whose place it stands."""
        takes, gives = neighbours(self._b)
        found = [-1 if index not in self._pairs else self._a.of_node[self._pairs[index]] for index in range(len(takes))]
        added = [index for index, scope in enumerate(found) if scope < 0]
        for index in added:
            found[index] = self._common(self._replaced(takes[index], gives[index]))
            around = [{found[each] for each in side if each in self._pairs} for side in (takes[index], gives[index])]
            if found[index] < 0 and all(around):
                found[index] = self._common(set.union(*around))
        for order in (added, reversed(added)):
            for index in order:
                if found[index] < 0:
                    near = [found[each] for each in takes[index] or gives[index] if found[each] >= 0]
                    found[index] = near[-1] if near else -1
        return [max(scope, 0) for scope in found]

    def _replaced(self, takes: Iterable[int], gives: Iterable[int]) -> set[int]:
        """Return the scopes of the first's own nodes between the same matched nodes."""
        mine_takes, mine_gives = self._first
        between = {n for each in takes if each in self._pairs for n in mine_gives[self._pairs[each]]}
        between |= {n for each in gives if each in self._pairs for n in mine_takes[self._pairs[each]]}
        return {self._a.of_node[node] for node in between if node not in self._matched}

    @cached_property
    def _first(self) -> tuple[list[list[int]], list[list[int]]]:
        return neighbours(self._a)

    @cached_property
    def _matched(self) -> frozenset[int]:
        return frozenset(self._pairs.values())

    def _common(self, scopes: Iterable[int]) -> int:
        """Return the innermost scope that holds all of `scopes`; -1 for none."""
        left = set(scopes)
        while len(left) > 1:
            # Parents have lower numbers than their children.
            deepest = max(left)
            left.remove(deepest)
            left.add(max(self._a.scopes[deepest].parent, 0))
        return left.pop() if left else -1


def neighbours(outline: Outline) -> tuple[list[list[int]], list[list[int]]]:
    """Return for each node those that it takes from, and those that it gives to."""
    takes: list[list[int]] = [[] for _ in outline.nodes]
    gives: list[list[int]] = [[] for _ in outline.nodes]
    for edge in outline.edges:
        if edge.source >= 0 and edge.target >= 0:
            takes[edge.target].append(edge.source)
            gives[edge.source].append(edge.target)
    return takes, gives
