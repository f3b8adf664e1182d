"""What is checked: the target is told apart, brought to what examines it, and the gate is held at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onnxmagic.check.gate import stopped_by
from onnxmagic.errors import CheckFailed, UsageMistake
from onnxmagic.examine.exported import check_export
from onnxmagic.examine.file import check_file
from onnxmagic.examine.mended import mend
from onnxmagic.examine.request import CheckRequest
from onnxmagic.examine.result import Check
from onnxmagic.examine.subject import is_module, subject_of
from onnxmagic.export.clock import Clock
from onnxmagic.export.result import Export

__all__ = ["run"]


def run(
    target: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    request: CheckRequest,
    *,
    cells: Callable[[str], int | None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Check:
    """Check `target`; see ``onnxmagic.check``."""
    clock = Clock(progress, lambda: None)
    if is_module(target):
        from onnxmagic.examine.model import check_model

        check = check_model(target, args, kwargs, request, clock=clock, cells=cells)
    elif args or kwargs:
        raise UsageMistake("Arguments go with a model; a file is run on data=… (--data).")
    else:
        check = _check_file(target, request, clock)
    _gate(check, request)
    return check


def _check_file(target: Any, request: CheckRequest, clock: Clock) -> Check:
    if isinstance(target, Export):
        return check_export(target, request, clock)
    subject = subject_of(target)
    return mend(subject, request, clock) if request.fix else check_file(subject, request, clock)


def _gate(check: Check, request: CheckRequest) -> None:
    if codes := stopped_by(check.findings, request.fail_on):
        raise CheckFailed(f"{check.name} does not pass --fail-on {request.fail_on}: {codes}.", check)
