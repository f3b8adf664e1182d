"""The live view: what is chosen in the browser is at hand in Python.

The only module that imports anywidget, and it is imported only to show a widget.
"""

from __future__ import annotations

from typing import Any

import anywidget  # noqa: TID253  # this module is itself imported late, to show a widget
import traitlets

from onnxmagic.check.finding import Finding
from onnxmagic.export.result import Export, Selection
from onnxmagic.graph.facts import Module
from onnxmagic.view.html import asset, fragment
from onnxmagic.view.parts import Report

__all__ = ["ReportWidget"]


class ReportWidget(anywidget.AnyWidget):
    """A report; ``selected`` is the key of the module (``m3``) or finding (``f0``) that was chosen."""

    _esm = asset("export.js")
    html = traitlets.Unicode().tag(sync=True)
    css = traitlets.Unicode().tag(sync=True)
    ident = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)

    @classmethod
    def of(cls, export: Export, parts: Report, ident: str) -> ReportWidget:
        """Return a widget for `export`; it hides the static copy called `ident`."""
        widget = cls(html=fragment(parts), css=asset("export.css"), ident=ident)
        widget.choices = choices(export)
        # ipywidgets keeps every widget alive: the selection, never the export with its model.
        widget.selection = export.selection
        return widget

    choices: dict[str, Module | Finding]
    selection: Selection

    @traitlets.observe("selected")
    def _choose(self, change: Any) -> None:
        if change["new"] in self.choices:
            self.selection.selected = self.choices[change["new"]]


def choices(export: Export) -> dict[str, Module | Finding]:
    """Return what can be chosen, by the keys that ``report`` gives."""
    modules = export.graph.modules.walk() if export.graph.modules else ()
    found: dict[str, Module | Finding] = {f"m{index}": module for index, module in enumerate(modules)}
    return found | {f"f{index}": finding for index, finding in enumerate(export.findings)}
