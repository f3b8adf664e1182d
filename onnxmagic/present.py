"""What all verbs do around their work: progress while it runs, the report once, the name bound, errors short.

A gate that closes shows its report first, since the report is why it closed. A result that was silenced is marked as
shown, or IPython would show it as ``Out[n]`` after all.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from onnxmagic.cell import full_traceback, value_is_dropped
from onnxmagic.errors import CheckFailed, DiffFound, ExportError, GateClosed

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Manner", "present"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Manner:
    """How a result is to appear: not at all (``quiet``), or in a form; ``bind`` is the variable it goes to."""

    quiet: bool
    how: Any
    bind: str | None
    traceback: bool


def present(shell: InteractiveShell, work: Callable[[Any], Result], manner: Manner) -> Result:
    """Return the result of `work`, which gets the progress to report to, after showing and binding it.

    Raises
    ------
    What `work` raises; the report of a closed gate is shown before.
    """
    from onnxmagic.view import Progress, mark_shown, show

    progress = None if manner.quiet else Progress()
    try:
        with progress or nullcontext():
            result = work(progress)
    except (GateClosed, CheckFailed, DiffFound) as closed:
        if not manner.quiet:
            show(_result(closed), manner.how, replace=progress)
        if manner.traceback:
            full_traceback(shell, closed)
        raise
    except ExportError as error:
        if manner.traceback:
            full_traceback(shell, error)
        raise
    if manner.bind:
        shell.user_ns[manner.bind] = result
    if not manner.quiet:
        show(result, manner.how, replace=progress)
    elif value_is_dropped(shell):
        mark_shown(result)
    return result


def _result(closed: GateClosed | CheckFailed | DiffFound) -> Any:
    """Return what a closed gate was closed for."""
    if isinstance(closed, GateClosed):
        return closed.export
    return closed.check if isinstance(closed, CheckFailed) else closed.diff
