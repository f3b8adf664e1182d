"""Where the samples of a batch are: the rows along the axis that the file calls by one name.

A person asks for samples, and finds the worst of them by its number; a batch is only how they travel. The file's own
names of axes decide, because sizes alone can be equal by accident. A batch whose outputs have no rows, such as a loss,
is one sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from onnxmagic.graph.facts import Dim, Graph

if TYPE_CHECKING:  # a file without a model has rows too, where torch may be missing
    from onnxmagic.export.sweep.bind import Binder, Bound

__all__ = ["Rows", "axis_of"]


@dataclass(frozen=True, slots=True)
class Rows:
    """The axes of rows: of the inputs that have them, and of each output, None where it has none.

    ``first`` is the input that tells how many there are; ``dynamic`` whether a batch may have fewer.
    """

    first: str = ""
    inputs: Mapping[str, int] | None = None
    outputs: tuple[int | None, ...] = ()
    dynamic: bool = False

    @classmethod
    def of(cls, graph: Graph) -> Rows:
        """Return the rows of the file, as far as it tells; sizes that it leaves open are settled by a run."""
        dim = _batch_dim(graph)
        if dim is None:
            return cls()
        inputs = {value.name: value.shape.index(dim) for value in graph.inputs if value.shape and dim in value.shape}
        if not isinstance(dim, str):  # equal sizes mean something on the first axis only
            inputs = {name: axis for name, axis in inputs.items() if axis == 0}
        outputs = tuple(_output_axis(value.shape, dim) for value in graph.outputs)
        first = next(name for name, axis in inputs.items() if axis == 0)
        return cls(first, inputs, outputs, isinstance(dim, str))

    def count(self, feeds: Mapping[str, Any]) -> int:
        """Return the samples of a batch."""
        if all(axis is None for axis in self.outputs):
            return 1
        return int(feeds[self.first].shape[0])

    def settled(self, shapes: Sequence[Sequence[int]], feeds: Mapping[str, Any]) -> Rows:
        """Return the rows as a run shows them: an output of another size along its axis has none."""
        size = self.count(feeds)
        outputs = [axis_of(shape, axis, size) for shape, axis in zip(shapes, self.outputs, strict=False)]
        return replace(self, outputs=tuple(outputs))

    def cut(self, bound: Bound, most: int, binder: Binder) -> Bound:
        """Return the first `most` samples of a batch; all of them where the file takes no other number."""
        size = self.count(bound.feeds)
        if size <= most or not self.dynamic or self.inputs is None or all(axis is None for axis in self.outputs):
            return bound
        tensors: list[Any] = []
        for leaf, name in zip(bound.example.tensors, bound.names, strict=True):
            # A tensor that the file does not know has its rows, if any, where most have them.
            axis = self.inputs.get(name) if name is not None else axis_of(leaf.value.shape, 0, size)
            tensors.append(leaf.value if axis is None else leaf.value.narrow(axis, 0, most))
        return binder.bound(bound.example.with_tensors(tensors), bound.dropped)

    def fewer(self, feeds: Mapping[str, Any], most: int) -> dict[str, Any]:
        """Return the first `most` samples of arrays; all of them where the file takes no other number."""
        if not self.dynamic or all(axis is None for axis in self.outputs):
            return dict(feeds)
        axes = self.inputs or {}
        return {n: a.take(range(most), axes[n]) if n in axes else a for n, a in feeds.items()}

    def of_input(self, name: str, value: Any, row: int) -> Any:
        """Return one row of an input, as a copy; all of one without rows."""
        axis = (self.inputs or {}).get(name)
        if axis is None or all(each is None for each in self.outputs):
            return value.copy()
        return value.take([row], axis)


def axis_of(shape: Sequence[int], axis: int | None, size: int) -> int | None:
    """Return `axis` where a value of this shape has `size` rows along it."""
    return axis if axis is not None and len(shape) > axis and shape[axis] == size else None


def _batch_dim(graph: Graph) -> Dim:
    """Return what the file calls the first axis of its inputs: a name that an output has too, else a fixed size."""
    firsts = [value.shape[0] for value in graph.inputs if value.shape]
    given = {dim for value in graph.outputs for dim in value.shape or ()}
    names = [dim for dim in firsts if isinstance(dim, str)]
    return next((name for name in names if name in given), next(iter([*names, *firsts]), None))


def _output_axis(shape: tuple[Dim, ...] | None, dim: Dim) -> int | None:
    if shape is None:
        return 0
    if isinstance(dim, str) and dim in shape:
        return shape.index(dim)
    return 0 if shape and shape[0] in (dim, None) else None
