"""A result as text, as HTML and as a live widget.

This module holds the names that others use and imports nothing: showing is asked for by results themselves (see
``onnxmagic.shown``), and a result must be importable where there is no IPython.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from onnxmagic.errors import CheckFailed, DiffFound, ExportError, OnnxMagicError
    from onnxmagic.graph.facts import Graph
    from onnxmagic.view.display import How
    from onnxmagic.view.progress import Progress

__all__ = [
    "Progress",
    "check_failure_lines",
    "diff_failure_lines",
    "display_result",
    "failure_lines",
    "mark_shown",
    "mistake_lines",
    "pretty",
    "show",
    "to_html",
    "to_markdown",
    "to_svg",
    "to_text",
]


def to_text(result: Any) -> str:
    """Return `result` as plain text, 100 columns wide."""
    from onnxmagic.view.report import report
    from onnxmagic.view.text import render

    return render(report(result))


def to_html(result: Any) -> str:
    """Return `result` as HTML that needs neither a kernel nor a network, and is legible without scripts."""
    from onnxmagic.view.display import new_ident
    from onnxmagic.view.html import page
    from onnxmagic.view.report import report

    return page(report(result), new_ident())


def to_markdown(result: Any) -> str:
    """Return `result` as Markdown, legible where it is shown and where it is not."""
    from onnxmagic.view.markdown import render
    from onnxmagic.view.report import report

    return render(report(result))


def to_svg(graph: Graph, path: str | os.PathLike[str] | None = None, opened: str | Sequence[str] = ()) -> str:
    """Return `graph` as SVG text, the modules at the paths `opened` open; write it to `path` where one is given."""
    from onnxmagic.view.graph.svg import picture, save

    text = picture(graph, opened)
    if path is not None:
        save(text, path)
    return text


def failure_lines(error: ExportError) -> list[str]:
    """Return the lines that IPython prints for `error` instead of a stack."""
    from onnxmagic.view.failure import failure_lines as lines

    return lines(error)


def mistake_lines(error: OnnxMagicError) -> list[str]:
    """Return the lines that IPython prints for a mistake in a call, without the stack through our files."""
    from onnxmagic.view.mistake import mistake_lines as lines

    return lines(error)


def check_failure_lines(error: CheckFailed) -> list[str]:
    """Return the lines that IPython prints for a check that ``fail_on`` stopped."""
    from onnxmagic.view.failure import check_failure_lines as lines

    return lines(error)


def diff_failure_lines(error: DiffFound) -> list[str]:
    """Return the lines that IPython prints for two models that differ in what was forbidden."""
    from onnxmagic.view.failure import diff_failure_lines as lines

    return lines(error)


def show(result: Any, how: How = "auto", replace: Any = None) -> None:
    """Show `result` now, in the best form that the front end has; see ``view.display``."""
    from onnxmagic.view.display import show as show_now

    show_now(result, how, replace)


def mark_shown(result: Any) -> None:
    """Note that `result` needs no showing any more in the cell that runs now."""
    from onnxmagic.view.display import mark_shown as mark

    mark(result)


def display_result(result: Any) -> None:
    """Do what IPython's ``_ipython_display_`` is for; see ``view.display``."""
    from onnxmagic.view.display import display_result as display

    display(result)


def pretty(result: Any) -> str:
    """Return what a terminal prints behind ``Out[n]``."""
    from onnxmagic.view.display import pretty as text

    return text(result)


def __getattr__(name: str) -> Any:
    if name == "Progress":
        from onnxmagic.view.progress import Progress

        return Progress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
