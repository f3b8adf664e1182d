"""The live view of a diff: the values of two weights, side by side, are asked of Python.

Nothing in it can be chosen for Python, and nothing mended: a diff is not a model.
"""

from __future__ import annotations

from typing import Any

import traitlets

from onnxmagic.diff.result import Diff
from onnxmagic.view.diff_live import pair_answer
from onnxmagic.view.graph.bundle import DIFF, style_sheet, widget_module
from onnxmagic.view.html import fragment
from onnxmagic.view.parts import Report
from onnxmagic.view.widget import Answer, ReportWidget, data_of, without_data

__all__ = ["DiffWidget"]


class DiffWidget(ReportWidget):
    """A report of two models; it answers what it is asked by ``{ask: "pair", …}``."""

    _esm = widget_module(DIFF)
    chooses = traitlets.Bool(default_value=False).tag(sync=True)

    @classmethod
    def of_diff(cls, result: Diff, parts: Report, ident: str) -> DiffWidget:
        """Return a widget for `result`; it hides the static copy called `ident`."""
        widget = cls(html=fragment(without_data(parts)), css=style_sheet(DIFF), ident=ident)
        answers: dict[str, Answer] = {"pair": pair_answer(result), "graph": data_of(parts)}
        widget.answers = answers
        widget.on_msg(widget.hear)
        return widget

    @traitlets.observe("selected")
    def _choose(self, change: Any) -> None:
        """Do nothing: what is chosen in a diff is chosen for the eye."""

    def _apply(self, key: str) -> None:
        """Do nothing: there is no fix in a diff."""
