"""How a result appears in IPython: once, and in a form that outlives the kernel.

A kernel's front end gets two outputs: a page that is interactive by itself, then the widget, which hides the page when
it draws. A single output with both forms would be simpler, and would be empty in a reopened or converted notebook:
there a front end takes the widget and has no kernel for it.

A magic shows its result and returns it too, so IPython may ask a second time in the same cell. What was shown, and in
which cell, is remembered; then a kernel shows nothing more and a terminal prints the short form behind ``Out[n]``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import weakref
from typing import Any, Literal

from IPython.core.getipython import get_ipython

from onnxmagic.view.html import page
from onnxmagic.view.parts import Report
from onnxmagic.view.report import report
from onnxmagic.view.text import render

__all__ = ["How", "display_result", "mark_shown", "new_ident", "pretty", "show", "wants_colour", "was_shown"]

How = Literal["auto", "html", "widget", "text"]
WIDGET = "application/vnd.jupyter.widget-view+json"

_shown: dict[int, tuple[weakref.ref[Any], int]] = {}
"""Results that were shown, by id, with the number of the cell that did it."""


def new_ident() -> str:
    """Return a name that no other report on a page has."""
    return secrets.token_hex(8)


def show(result: Any, how: How = "auto", replace: Any = None) -> None:
    """Show `result` now.

    Parameters
    ----------
    result : Export
    how : {"auto", "widget", "html", "text"}
        Where there is a kernel: the page and the widget (``auto``, ``widget``), the page alone, or text. A terminal
        always gets text.
    replace : Progress or DisplayHandle, optional
        Whose output becomes the report.
    """
    mark_shown(result)
    parts = report(result)
    if not _has_kernel():
        _print(parts)
        return
    ident = new_ident()
    text = render(parts)
    first = {"text/plain": text} if how == "text" else {"text/html": page(parts, ident), "text/plain": text}
    _publish(first, getattr(replace, "display_id", None))
    if how in {"auto", "widget"}:
        _publish_widget(result, parts, ident)


def _print(parts: Report) -> None:
    terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns if terminal else 100
    sys.stdout.write(render(parts, min(columns, 120), colour=terminal and wants_colour()) + "\n")


def wants_colour() -> bool:
    """Return whether colour was not turned off, by ``%colors nocolor`` or as https://no-color.org has it."""
    shell = get_ipython()
    return not os.environ.get("NO_COLOR") and str(getattr(shell, "colors", "")).lower() != "nocolor"


def _publish(bundle: dict[str, str], display_id: str | None) -> None:
    from IPython.display import display, update_display

    if display_id is None:
        display(bundle, raw=True)
    else:
        update_display(bundle, raw=True, display_id=display_id)


def _publish_widget(result: Any, parts: Report, ident: str) -> None:
    from IPython.display import display

    from onnxmagic.view.diff_widget import DiffWidget
    from onnxmagic.view.widget import ReportWidget

    widget = DiffWidget.of_diff(result, parts, ident) if parts.kind == "diff" else ReportWidget.of(result, parts, ident)
    # The empty forms are for whoever knows no widgets, and for an untrusted notebook: the page above is enough.
    bundle = {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}
    display({**bundle, "text/html": "", "text/plain": ""}, raw=True)


def mark_shown(result: Any) -> None:
    """Note that `result` needs no showing any more in the cell that runs now."""
    for known in [key for key, (ref, _) in _shown.items() if ref() is None]:
        del _shown[known]
    if (shell := get_ipython()) is not None:
        _shown[id(result)] = (weakref.ref(result), shell.execution_count)


def was_shown(result: Any) -> bool:
    """Return whether the cell that runs now has shown `result` already."""
    ref, cell = _shown.get(id(result), (None, -1))
    shell = get_ipython()
    return ref is not None and ref() is result and shell is not None and shell.execution_count == cell


def display_result(result: Any) -> None:
    """Show `result` in a kernel, once a cell.

    Raises
    ------
    NotImplementedError
        There is no kernel: IPython takes this for "use the text", which is ``pretty``.
    """
    if not _has_kernel():
        raise NotImplementedError
    if not was_shown(result):
        show(result)


def pretty(result: Any) -> str:
    """Return the short form of what this cell has shown already, else the whole report."""
    return repr(result) if was_shown(result) else render(report(result))


def _has_kernel() -> bool:
    return getattr(get_ipython(), "kernel", None) is not None
