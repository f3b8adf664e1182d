"""What running at other sizes showed, in the words of the report."""

from __future__ import annotations

import re
from collections.abc import Mapping

from onnxmagic.check.wording import code, enumerated, sentence
from onnxmagic.examine.inputs import Places
from onnxmagic.examine.resizing import AxisRuns
from onnxmagic.export.result import Axis

__all__ = ["axes", "bounded", "plain", "title"]

# What ONNX Runtime wraps around the message of a node.
_SHELL = re.compile(r"Non-zero status code returned while running (\w+) node\. Name:'[^']*' Status Message: ")

NOT_RUN = "declared dynamic in the file; not tried"


def axes(where: Places, runs: Mapping[str, AxisRuns]) -> tuple[Axis, ...]:
    """Return the axes for the result: none is ``proved``, as nothing was compared with PyTorch."""
    return tuple(
        Axis(
            name,
            index,
            "" if axis.startswith("?") else axis,
            "declared",
            _sizes(runs.get(axis)),
            _reason(runs.get(axis), where),
        )
        for axis, places in where.items()
        for name, index in places
    )


def bounded(where: Places, runs: Mapping[str, AxisRuns]) -> tuple[tuple[str, int, str], ...]:
    """Return input, index and size of the axes that no other size fits."""
    return tuple(
        (name, index, f"size {run.home} of those tried ({_failures(run)})")
        for axis, run in runs.items()
        if run.fixed
        for name, index in where[axis]
    )


def title(axis: str, where: Places) -> str:
    """Return how a person is told of an axis: its name, or its place when it has none."""
    name, index = where[axis][0]
    return f"axis {index} of {code(name)}" if axis.startswith("?") else code(axis)


def plain(axis: str, where: Places) -> str:
    """Return an axis's name as plain text: its own, or ``"x[0]"`` when it has none."""
    name, index = where[axis][0]
    return f"{name}[{index}]" if axis.startswith("?") else axis


def _sizes(run: AxisRuns | None) -> tuple[int, ...]:
    return tuple(sorted({run.home, *run.ran})) if run is not None else ()


def _reason(run: AxisRuns | None, where: Places) -> str:
    if run is None:
        return NOT_RUN
    if run.tied:
        return f"runs at other sizes only together with {enumerated([title(name, where) for name in run.tied])}"
    if run.fixed:
        return f"runs at size {run.home} only; {_failures(run)}"
    refused = f", not at {enumerated([str(n) for n in sorted(run.failed)])}" if run.failed else ""
    return f"ran at these sizes{refused}; not compared with PyTorch"


def _failures(run: AxisRuns) -> str:
    sizes = enumerated([str(size) for size in sorted(run.failed)])
    reason = sentence(_SHELL.sub(r"\1: ", next(iter(run.failed.values()))), 160).rstrip(".")
    return f"at {sizes} it fails: {reason}"
