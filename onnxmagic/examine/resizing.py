"""Whether an axis that a file declares dynamic really takes other sizes; only the file itself is asked.

An axis may rightly refuse sizes: a network that halves an image five times wants multiples of 32, a mask must be as
long as the ids. So an axis is called fixed only when the file runs at one size, fails at every other one that was
tried, smaller, larger, odd and multiples, and fails too when it grows together with others. Failing is an error of the
runtime, or an output that does not have the size that the file itself declares for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Final

import numpy as np

from onnxmagic.examine.inputs import Feeds, Places, Sizes, size_of
from onnxmagic.graph.facts import Graph

__all__ = ["Attempt", "AxisRuns", "OutOfTime", "Trier", "candidates", "resize_axes"]

_LEADING: Final = (2, 1, 3, 4, 8, 16, 32)
_OTHER: Final = (8, 64, 224, 16, 32, 1, 128, 256)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run.

    ``outputs`` are None when the runtime refused, for ``reason``. ``untrue`` are the (output, axis) pairs that have
    another size than the file declares, ``infinite`` the outputs with NaN or infinity.
    """

    sizes: Sizes
    outputs: tuple[Any, ...] | None
    reason: str = ""
    untrue: tuple[tuple[str, int], ...] = ()
    infinite: tuple[str, ...] = ()

    def fails(self, home: Attempt) -> str:
        """Return in which way this fails where `home` does not; empty when it does not fail."""
        if self.outputs is None:
            return self.reason
        new = [place for place in self.untrue if place not in home.untrue]
        return f"axis {new[0][1]} of output `{new[0][0]}` has another size than the file declares" if new else ""


@dataclass(slots=True)
class AxisRuns:
    """One axis and what happened: sizes it ran at, sizes it failed at with reasons; ``tied`` to which other axes.

    ``runs`` are the attempts that did not fail, without their outputs.
    """

    name: str
    home: int
    ran: list[int] = field(default_factory=list[int])
    runs: list[Attempt] = field(default_factory=list[Attempt])
    failed: dict[int, str] = field(default_factory=dict[int, str])
    tied: tuple[str, ...] = ()

    @property
    def fixed(self) -> bool:
        """Whether no other size works, neither alone nor with other axes."""
        return len(self.failed) > 1 and not self.ran and not self.tied


class OutOfTime(Exception):
    """There is no time left for another run; its text is a clause for the report."""

    def __str__(self) -> str:
        return "it took too long"


RunFile = Callable[[Feeds], "Sequence[Any] | str"]
"""Runs the file; returns its outputs, or the runtime's reason for refusing."""


@dataclass(frozen=True)
class Trier:
    """Runs the file at sizes. ``feeds`` makes the inputs; ``run`` raises ``OutOfTime`` when it is enough."""

    graph: Graph
    feeds: Callable[[Sizes], Feeds]
    run: RunFile

    def at(self, sizes: Sizes) -> Attempt:
        """Run the file at `sizes`."""
        outputs = self.run(self.feeds(sizes))
        if isinstance(outputs, str):
            return Attempt(sizes, None, outputs)
        untrue, infinite = _untrue(self.graph, outputs, sizes), _not_finite(self.graph, outputs)
        return Attempt(sizes, tuple(outputs), "", tuple(untrue), tuple(infinite))


def candidates(where: Places) -> Iterator[Sizes]:
    """Yield sizes for all axes, most likely ones first: leading axes count samples, the others are lengths."""
    if not where:
        yield {}
        return
    leading = {name for name, axes in where.items() if any(index == 0 for _, index in axes)}
    others = set(where) - leading
    pairs = [(2, size) for size in _OTHER] if others else []
    pairs += [(size, _OTHER[0]) for size in _LEADING] if leading else []
    if leading and others:
        pairs += [(1, size) for size in _OTHER]
    for lead, other in dict.fromkeys(pairs):
        yield {name: lead if name in leading else other for name in where}


def resize_axes(trier: Trier, where: Places, home: Attempt) -> Iterator[AxisRuns]:
    """Yield what each axis does at other sizes than at `home`, where the file runs."""
    stuck: list[AxisRuns] = []
    for name in where:
        axis = _alone(trier, name, home)
        if axis.failed and not axis.ran:
            stuck.append(axis)
        else:
            yield axis
    for axis in stuck:
        _tie(trier, axis, list(where), [each.name for each in stuck], home)
        yield axis


def _alone(trier: Trier, name: str, home: Attempt) -> AxisRuns:
    axis = AxisRuns(name, home.sizes[name])
    for size in _other_sizes(axis.home):
        attempt = trier.at({**home.sizes, name: size})
        reason = attempt.fails(home)
        if reason:
            axis.failed[size] = reason
        else:
            axis.ran.append(size)
            axis.runs.append(replace(attempt, outputs=None))
        if len(axis.ran) == 2:
            break
    return axis


def _tie(trier: Trier, axis: AxisRuns, names: Sequence[str], stuck: Sequence[str], home: Attempt) -> None:
    """Look for the axes that have to grow with this one."""
    others = [other for other in names if other != axis.name]
    groups: list[tuple[str, ...]] = [(other,) for other in others]
    groups += [tuple(other for other in stuck if other != axis.name), tuple(others)]
    groups += combinations(others, max(len(others) - 1, 0))
    for group in dict.fromkeys(group for group in groups if group):
        attempt = trier.at({**home.sizes, **{each: 2 * home.sizes[each] for each in (axis.name, *group)}})
        if not attempt.fails(home):
            axis.tied = group
            axis.runs.append(replace(attempt, outputs=None))
            return


def _other_sizes(home: int) -> Iterable[int]:
    """Return sizes to try: a multiple first, since some axes take nothing else."""
    wanted = (2 * home, home + 1, 1, 3 * home, home // 2, 4 * home)
    return list(dict.fromkeys(size for size in wanted if size > 0 and size != home))


def _untrue(graph: Graph, outputs: Sequence[Any], sizes: Sizes) -> Iterator[tuple[str, int]]:
    """Yield the axes of outputs whose size is another one than the file declares."""
    for value, output in zip(graph.outputs, outputs, strict=False):
        if value.shape is None or not isinstance(output, np.ndarray) or len(value.shape) != output.ndim:
            continue
        for index, dim in enumerate(value.shape):
            # An output's axis without a name promises nothing.
            declared = None if dim is None else size_of(dim, index, sizes)
            if declared is not None and declared != output.shape[index]:
                yield value.name, index


def _not_finite(graph: Graph, outputs: Sequence[Any]) -> Iterator[str]:
    for value, output in zip(graph.outputs, outputs, strict=False):
        if isinstance(output, np.ndarray) and output.dtype.kind == "f" and not np.isfinite(output).all():
            yield value.name
