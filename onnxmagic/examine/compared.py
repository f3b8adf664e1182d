"""A file compared with the PyTorch model that was given for it, and what follows for its dynamic axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onnxmagic.check.finding import Finding
from onnxmagic.examine import axis_runs
from onnxmagic.examine.alone import Alone
from onnxmagic.examine.inputs import places
from onnxmagic.examine.request import CheckRequest
from onnxmagic.export.result import Axis, Case, Parity
from onnxmagic.graph.facts import Graph
from onnxmagic.runtime.isolated import Isolated

__all__ = ["WithModel", "compare_file"]


@dataclass(frozen=True, slots=True)
class WithModel:
    """The comparison: ``parity`` is None when there was nothing to compare on, for reasons in ``untried``."""

    parity: Parity | None = None
    findings: tuple[Finding, ...] = ()
    axes: tuple[Axis, ...] = ()
    untried: tuple[str, ...] = ()


def compare_file(
    runtime: Isolated,
    path: Path,
    graph: Graph,
    request: CheckRequest,
    *,
    alone: Alone,
    progress: Callable[[str], None] | None = None,
) -> WithModel:
    """Compare the file at `path` with ``request.against``, on the user's data, or on inputs it runs on (`alone`)."""
    from onnxmagic.examine.against import compare

    if request.data is None and not alone.feeds:
        untried = (
            () if runtime.missing() else ("Not compared with PyTorch: there were no inputs on which the file runs.",)
        )
        return WithModel(axes=alone.axes, untried=untried)
    if request.data is None:
        compared = compare(path, graph, request.against, list(alone.feeds), None, runtime, progress, kind="made up")
        said = ("Compared with PyTorch on made-up inputs only: pass yours, data=… (--data).",)
    else:
        compared = compare(
            path,
            graph,
            request.against,
            request.data,
            request.samples,
            runtime,
            progress,
            executor=request.executor,
        )
        said = ("No other sizes than those of the data were tried.",) if places(graph) else ()
    known = alone.axes or axis_runs.axes(places(graph), {})
    axes = tuple(_axis(axis, compared.parity.cases) for axis in known)
    return WithModel(compared.parity, compared.findings, axes, (*said, *compared.untried))


def _axis(axis: Axis, cases: Sequence[Case]) -> Axis:
    """Return `axis` with the sizes at which the file agreed with PyTorch; proved when there are two and no other."""
    tried = {case.sizes[axis.name] for case in cases if axis.name in case.sizes}
    wrong = {case.sizes[axis.name] for case in cases if axis.name in case.sizes and not case.ok}
    agreed = tuple(sorted(tried - wrong))
    if len(agreed) > 1 and not wrong:
        return replace(axis, status="proved", sizes=agreed, reason="")
    if not tried:
        return axis
    reason = (
        f"agrees with PyTorch at size {agreed[0]}, the only one tried" if agreed and not wrong else "does not agree"
    )
    return replace(axis, sizes=agreed, reason=reason)
