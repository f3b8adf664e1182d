"""The same drawing with what is unchanged folded away: boxes that say how many nodes they hide.

Where something changed, its siblings that did not are gathered into one box. Only what has the same changes above it
is gathered, so that nothing flows out of such a box, through a change, and back into it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from onnxmagic.graph.outline import Outline, Scope
from onnxmagic.view import words
from onnxmagic.view.graph.marks import counted
from onnxmagic.view.graph.nest import ROOT, Nest

__all__ = ["quiet", "revealing"]

_EASY = 60

Item = tuple[Literal["n", "s"], int]
"""A node or a scope, as it stands in another scope."""


@dataclass(slots=True)
class _Place:
    """The scope above a scope or a node, as numbers; new scopes are behind the old ones."""

    of_scope: list[int]
    of_node: list[int]
    hidden: list[tuple[int, int]]


def quiet(outline: Outline, marks: Sequence[int]) -> Outline:
    """Return `outline` with the unchanged in boxes of their own, wherever something else changed."""
    levels = _Levels(outline, marks)
    place = _Place([scope.parent for scope in outline.scopes], list(outline.of_node), [])
    for scope, items in levels.items.items():
        loud = [levels.is_loud(item) for item in items]
        # Where nothing is hidden by it, a box would only be one thing more.
        if len(items) < 3 or all(loud) or not any(loud):
            continue
        for group in _groups(levels.gives(scope), loud):
            if len(group) > 1:
                number = len(outline.scopes) + len(place.hidden)
                place.hidden.append((scope, sum(levels.size(items[each]) for each in group)))
                for kind, index in (items[each] for each in group):
                    (place.of_node if kind == "n" else place.of_scope)[index] = number
    return _numbered(outline, place)


class _Levels:
    """What stands in each scope, and what flows there from one to another."""

    def __init__(self, outline: Outline, marks: Sequence[int]) -> None:
        self._outline, self._marks = outline, marks
        self._several = counted(outline, marks)
        self._bodies: dict[int, list[int]] = {}
        self.items: dict[int, list[Item]] = {}
        for index, node_scope in enumerate(outline.of_node):
            self.items.setdefault(node_scope, []).append(("n", index))
        for index, scope in enumerate(outline.scopes[1:], 1):
            if scope.owner >= 0:
                self._bodies.setdefault(scope.owner, []).append(index)
            elif any(self._several[index]):
                self.items.setdefault(scope.parent, []).append(("s", index))

    def is_loud(self, item: Item) -> bool:
        """Return whether something is marked in it."""
        kind, index = item
        if kind == "n" and self._marks[index]:
            return True
        return any(any(self._several[scope][1:]) for scope in ([index] if kind == "s" else self._bodies.get(index, ())))

    def size(self, item: Item) -> int:
        """Return how many nodes it is, with all in it."""
        kind, index = item
        inside = [index] if kind == "s" else self._bodies.get(index, [])
        return sum(sum(self._several[scope]) for scope in inside) + (kind == "n")

    def gives(self, scope: int) -> list[set[int]]:
        """Return for each item of `scope` those that it gives to."""
        numbers = {item: number for number, item in enumerate(self.items[scope])}
        gives: list[set[int]] = [set() for _ in numbers]
        for source, target in self._flows.get(scope, ()):
            if source in numbers and target in numbers:
                gives[numbers[source]].add(numbers[target])
        return gives

    @cached_property
    def _flows(self) -> dict[int, list[tuple[Item, Item]]]:
        """Each edge where its ends meet: by the scope, as two of its items."""
        of_node = self._outline.of_node
        paths: dict[int, tuple[Item, ...]] = {}
        for scope in set(of_node):
            paths[scope] = self._path(scope)
        found: dict[int, list[tuple[Item, Item]]] = {}
        for edge in self._outline.edges:
            if edge.source < 0 or edge.target < 0:
                continue
            source: tuple[Item, ...] = (*paths[of_node[edge.source]], ("n", edge.source))
            target: tuple[Item, ...] = (*paths[of_node[edge.target]], ("n", edge.target))
            for one, other in zip(source, target, strict=False):
                if one != other:
                    found.setdefault(self._around(one), []).append((one, other))
                    break
        return found

    def _around(self, item: Item) -> int:
        return self._outline.of_node[item[1]] if item[0] == "n" else self._outline.scopes[item[1]].parent

    def _path(self, scope: int) -> tuple[Item, ...]:
        """Return the items that one goes into to be in `scope`, the outermost first."""
        path: list[Item] = []
        while scope > 0:
            owner = self._outline.scopes[scope].owner
            path.append(("n", owner) if owner >= 0 else ("s", scope))
            scope = self._around(path[-1])
        return tuple(reversed(path))


def _groups(gives: Sequence[set[int]], loud: Sequence[bool]) -> list[list[int]]:
    """Return the quiet items that hang together and have the same number of loud ones above them."""
    levels = _levels(gives, loud)
    near: list[set[int]] = [set(each) for each in gives]
    for item, others in enumerate(gives):
        for other in others:
            near[other].add(item)
    groups: list[list[int]] = []
    done = list(loud)
    for start in range(len(gives)):
        if done[start]:
            continue
        done[start] = True
        group, todo = [start], deque([start])
        while todo:
            for other in near[todo.popleft()]:
                if not done[other] and levels[other] == levels[start]:
                    done[other] = True
                    group.append(other)
                    todo.append(other)
        groups.append(sorted(group))
    return groups


def _levels(gives: Sequence[set[int]], loud: Sequence[bool]) -> list[int]:
    """Return of each item how many changes from quiet to loud and back are above it at most."""
    waits = [0] * len(gives)
    for others in gives:
        for other in others:
            waits[other] += 1
    levels = [0] * len(gives)
    todo = deque(item for item, count in enumerate(waits) if not count)
    while todo:
        item = todo.popleft()
        for other in gives[item]:
            levels[other] = max(levels[other], levels[item] + (loud[item] != loud[other]))
            waits[other] -= 1
            if not waits[other]:
                todo.append(other)
    # Scopes may give to one another in a circle: whatever is in one, or below it, stays apart.
    return [-1 - item if waits[item] else level for item, level in enumerate(levels)]


def _numbered(outline: Outline, place: _Place) -> Outline:
    """Return the outline with its scopes in an order that has parents before children."""
    old = [replace(scope, parent=place.of_scope[index]) for index, scope in enumerate(outline.scopes)]
    taken = {scope.path for scope in old}
    for number, (parent, count) in enumerate(place.hidden):
        path = f"{outline.scopes[parent].path}.unchanged {number}"
        while path in taken:
            path += "~"
        old.append(Scope(f"{words.whole(count, 'node')} unchanged", path, "", parent, "block"))
    below: list[list[int]] = [[] for _ in old]
    for index, scope in enumerate(old[1:], 1):
        below[scope.parent].append(index)
    order: list[int] = []
    todo = deque([0])
    while todo:
        order.append(todo.popleft())
        todo.extend(below[order[-1]])
    numbers = {index: number for number, index in enumerate(order)}
    scopes = tuple(replace(old[index], parent=numbers.get(old[index].parent, -1)) for index in order)
    return replace(outline, scopes=scopes, of_node=tuple(numbers[scope] for scope in place.of_node))


def revealing(nest: Nest, marks: Sequence[int], most: int = _EASY) -> set[str]:
    """Return the boxes to open so that as many changes are seen as `most` boxes allow, the outer ones first."""
    several = [sum(found[1:]) for found in counted(nest.outline, marks)]
    chosen = {ROOT}
    seen = len(nest.contents(ROOT))
    todo = deque(nest.contents(ROOT))
    while todo:
        box = todo.popleft()
        index = int(box[1:])
        bodies = nest.bodies(index) if box[0] == "n" else [index]
        inside = nest.contents(box) if any(several[scope] for scope in bodies) else []
        if not inside or (seen + len(inside) > most and seen > 1):
            continue
        seen += len(inside) - 1
        chosen |= {box, *(f"s{scope}" for body in bodies for scope in nest.chain(body))}
        todo.extend(inside)
    return chosen
