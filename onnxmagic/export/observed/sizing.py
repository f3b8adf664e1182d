"""How large a tensor is that a call did not have.

The calls that had it tell: an axis that went with another tensor's goes with it here too. What comes out is only an
offer, tried in PyTorch afterwards, so a likely guess may be made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from onnxmagic.export.observed.taken import Taken
from onnxmagic.export.trials import Place

__all__ = ["Sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of every axis over calls of one form, and of a call that lacks some of its tensors.

    ``known`` are the sizes in that call; an axis that is to be empty in it is there with 0.
    """

    vectors: dict[Place, tuple[int, ...]]
    known: dict[Place, int]

    @classmethod
    def make(cls, members: Sequence[Taken], call: Taken) -> Sizes:
        """Return the sizes over `members`, which have one form, for `call`."""
        shapes = [member.shapes for member in members]
        vectors = {
            (path, axis): tuple(each[path][axis] for each in shapes)
            for path, shape in shapes[0].items()
            for axis in range(len(shape))
        }
        own = {(path, axis): size for path, shape in call.shapes.items() for axis, size in enumerate(shape)}
        return cls(vectors, {place: size for place, size in own.items() if place in vectors})

    def open(self, path: str) -> tuple[int, ...]:
        """Return the axes that differed and go with nothing that the call has: those that may be empty in it."""
        return tuple(axis for name, axis in self.vectors if name == path and self.size((name, axis)) is None)

    def shape(self, path: str, rank: int, empty: Sequence[int], *, linked: bool) -> tuple[int, ...] | None:
        """Return the shape of the tensor at `path`, its axes `empty` being 0; None where one is not known.

        Without `linked`, an axis that did not differ keeps its size whatever the call's other tensors have.
        """
        sizes = [0 if axis in empty else self._size((path, axis), linked=linked) for axis in range(rank)]
        return None if None in sizes else tuple(size for size in sizes if size is not None)

    def size(self, place: Place) -> int | None:
        """Return the size of an axis, where it can be told."""
        return self._size(place, linked=True)

    def _size(self, place: Place, *, linked: bool) -> int | None:
        vector = self.vectors[place]
        constant = len(set(vector)) == 1
        found = self._equal(place, vector, constant) if linked or not constant else None
        return found if found is not None or not constant else vector[0]

    def _equal(self, place: Place, vector: tuple[int, ...], constant: bool) -> int | None:
        """Return the size of an axis that was as long in every call, or of two that were together.

        Axes that never differed are equal by chance more often than not, unless they are in the same position.
        """
        for other, size in self.known.items():
            if self.vectors[other] == vector and (not constant or other[1] == place[1]):
                return size
        if place[1] == 0 or (constant and sum(name == place[0] for name, _ in self.vectors) > 2):
            return None
        for a, b in combinations([other for other in self.known if other[1] > 0 and other[0] != place[0]], 2):
            if vector == tuple(x + y for x, y in zip(self.vectors[a], self.vectors[b], strict=True)):
                return self.known[a] + self.known[b]
        return None
