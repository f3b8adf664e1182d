"""The values of two models as one list: a value that matched nodes make is one value, whatever its names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from onnxmagic.graph.facts import Value
from onnxmagic.graph.outline import Outline
from onnxmagic.view.graph.marks import ADDED, REMOVED, SAME

__all__ = ["Values"]


class Values:
    """The first's values, and behind them those that only the second has.

    Attributes
    ----------
    all : tuple of Value
    inputs, outputs : tuple of int
        Indices in ``all``.
    input_marks, output_marks : tuple of int
    """

    def __init__(self, a: Outline, b: Outline, pairs: Mapping[int, int]) -> None:
        self._of_b = self._matched(a, b, pairs)
        own: list[Value] = []
        for index, value in enumerate(b.values):
            if self._of_b[index] < 0:
                self._of_b[index] = len(a.values) + len(own)
                own.append(value)
        self.all = (*a.values, *own)
        inputs = [self._of_b[value] for value in b.inputs]
        self.inputs, self.input_marks = _ends(a.inputs, inputs)
        # An output keeps its place whatever makes it now: a caller asks for it by name.
        self._outputs = {theirs: a.outputs[mine] for mine, theirs in _same(a, a.outputs, b, b.outputs)}
        outputs = [self.output(value) for value in b.outputs]
        self.outputs, self.output_marks = _ends(a.outputs, outputs)

    def of_b(self, value: int) -> int:
        """Return the number of a value of the second."""
        return self._of_b[value]

    def made(self, values: Iterable[int]) -> tuple[int, ...]:
        """Return the numbers of what a node of the second makes, -1 for what it leaves out."""
        return tuple(self._of_b[value] if value >= 0 else value for value in values)

    def output(self, value: int) -> int:
        """Return the number of a value of the second as the output that it is."""
        return self._outputs.get(value, self._of_b[value])

    @staticmethod
    def _matched(a: Outline, b: Outline, pairs: Mapping[int, int]) -> list[int]:
        found = [-1] * len(b.values)
        for mine, theirs in _same(a, a.inputs, b, b.inputs):
            found[theirs] = a.inputs[mine]
        for theirs, mine in pairs.items():
            for other, value in zip(b.makes[theirs], a.makes[mine], strict=False):
                if other >= 0 and value >= 0:
                    found[other] = value
        return found


def _same(a: Outline, mine: Sequence[int], b: Outline, theirs: Sequence[int]) -> list[tuple[int, int]]:
    """Return which ends are one, as (place in `mine`, value in `theirs`): by name, else in their order."""
    places = {a.values[value].name: place for place, value in enumerate(mine)}
    found = {places[b.values[value].name]: value for value in theirs if b.values[value].name in places}
    left = [place for place in range(len(mine)) if place not in found]
    others = [value for value in theirs if value not in found.values()]
    # Where one was added and another renamed, order says nothing.
    if len(left) == len(others):
        found.update(zip(left, others, strict=True))
    return list(found.items())


def _ends(mine: Sequence[int], theirs: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    both = list(dict.fromkeys((*mine, *theirs)))
    marks = [SAME if value in mine and value in theirs else REMOVED if value in mine else ADDED for value in both]
    return tuple(both), tuple(marks)
