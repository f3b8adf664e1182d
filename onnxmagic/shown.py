"""The one bridge from a result to the way it is shown.

Results must not import the views (no stage reaches back), yet a result in a notebook shows itself. So every result
inherits these hooks, and the hooks fetch the views when a front end asks.
"""

from __future__ import annotations

from typing import Any

__all__ = ["ShowsItself", "markdown"]


class ShowsItself:
    """A result that shows itself: text in a terminal, HTML where HTML is kept, a widget where there is a kernel."""

    __slots__ = ()

    def __str__(self) -> str:
        from onnxmagic.view import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from onnxmagic.view import to_html

        return to_html(self)

    def _ipython_display_(self) -> None:
        from onnxmagic.view import display_result

        display_result(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from onnxmagic.view import pretty

        # Inside a list or a dict a whole report would bury its neighbours.
        nested = len(printer.stack) > 1
        printer.text(repr(self) if cycle or nested else pretty(self))


def markdown(result: Any) -> str:
    """Return `result` as Markdown, for a pull request."""
    from onnxmagic.view import to_markdown

    return to_markdown(result)
