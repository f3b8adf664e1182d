"""Two targets, compared: read, matched, run on the same inputs, timed where that was asked for, held at the gate.

What costs least comes first, so that an interrupt of the runs leaves a diff of all that was done before them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from onnxmagic.compared.findings import findings_diff
from onnxmagic.compared.measured import measured
from onnxmagic.compared.pins import pinned
from onnxmagic.compared.request import DiffRequest
from onnxmagic.compared.targets import Target, targets_of
from onnxmagic.diff.between import between
from onnxmagic.diff.result import Diff, FindingsDiff, OutputsDiff
from onnxmagic.diff.summary import summarised
from onnxmagic.errors import DiffFound

__all__ = ["compare"]

Cells = Callable[[str], int | None] | None
Progress = Callable[[str], None] | None

NOT_RUN = "run=False (--no-run)"


def compare(a: Any, b: Any, request: DiffRequest, *, cells: Cells = None, progress: Progress = None) -> Diff:
    """Compare `a` with `b`; see ``onnxmagic.diff``."""
    first, second = targets_of(a, b, request.names, cells=cells, progress=progress)
    pins = pinned(first.side, second.side, request.pins)
    found = between(first.side, second.side, pins=pins, progress=progress)
    notes = dict.fromkeys((*_same(a, b), *first.notes, *second.notes, *found.notes))
    found = replace(found, findings=_findings(first, second, found), notes=tuple(notes))
    found = _run(found, first, second, request, progress)
    if request.markdown is not None:
        request.markdown.write_text(found.to_markdown(), encoding="utf-8")
    _gate(found, request)
    return found


def _same(a: Any, b: Any) -> tuple[str, ...]:
    return ("Both are one and the same.",) if a is b else ()


def _findings(a: Target, b: Target, found: Diff) -> FindingsDiff:
    try:
        return findings_diff(a, b, found.matching)
    except KeyboardInterrupt:
        return FindingsDiff(reason="interrupted")


def _run(found: Diff, a: Target, b: Target, request: DiffRequest, progress: Progress) -> Diff:
    """Return `found` with what running both tells."""
    if not request.run:
        return replace(found, outputs=OutputsDiff(reason=NOT_RUN, tolerance=request.tolerance))
    ran = measured(
        a,
        b,
        found.matching,
        data=request.data,
        samples=request.samples,
        tolerance=request.tolerance,
        timed=request.time,
        progress=progress,
    )
    cost = replace(found.cost, latency=ran.latency, reason=ran.reason)
    return summarised(replace(found, outputs=ran.outputs, cost=cost))


def _gate(found: Diff, request: DiffRequest) -> None:
    if request.fail_on == "never":
        return
    if what := found.violations(request.fail_on):
        raise DiffFound(f"{found.b.name} does not pass --fail-on {request.fail_on}: {what}", found)
