"""The live view: what is chosen in the browser is at hand in Python, and a button there asks Python for a fix.

The only module that imports anywidget, and it is imported only to show a widget.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anywidget  # noqa: TID253  # this module is itself imported late, to show a widget
import traitlets

from onnxmagic.check.finding import Finding
from onnxmagic.graph.facts import Module
from onnxmagic.view.html import asset, fragment
from onnxmagic.view.outcome import outcome
from onnxmagic.view.parts import Item, Report

if TYPE_CHECKING:
    from onnxmagic.export.judged import Selection
    from onnxmagic.view.report import Result

__all__ = ["ReportWidget"]


class ReportWidget(anywidget.AnyWidget):
    """A report.

    ``selected`` is the key of the module (``m3``) or finding (``f0``) that was chosen, ``actions`` the buttons of each
    finding, ``outcomes`` what became of the fixes that were asked for, as HTML. A fix is asked for by a message with
    the finding's key: names never come from the browser.
    """

    _esm = asset("export.js")
    html = traitlets.Unicode().tag(sync=True)
    css = traitlets.Unicode().tag(sync=True)
    ident = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    actions = traitlets.Dict().tag(sync=True)
    outcomes = traitlets.Dict().tag(sync=True)

    @classmethod
    def of(cls, result: Result, parts: Report, ident: str) -> ReportWidget:
        """Return a widget for `result`; it hides the static copy called `ident`."""
        actions = {item.key: [asdict(action) for action in item.actions] for item in _items(parts) if item.actions}
        widget = cls(html=fragment(parts), css=asset("export.css"), ident=ident, actions=actions)
        widget.choices = choices(result)
        # ipywidgets keeps every widget alive: the selection, never the export with its model.
        widget.selection = result.selection
        widget.on_msg(widget.answer)
        return widget

    choices: dict[str, Module | Finding]
    selection: Selection

    @traitlets.observe("selected")
    def _choose(self, change: Any) -> None:
        if change["new"] in self.choices:
            self.selection.selected = self.choices[change["new"]]

    def answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Apply the fix of the finding that a message names, and show what became of it."""
        key = str(content.get("apply"))
        finding = self.choices.get(key)
        rewrite = finding.fix.rewrite if isinstance(finding, Finding) and finding.fix else None
        if rewrite and self.selection.beside is not None:
            shown = outcome(self.selection.beside.apply, rewrite)
            # Counted, so that the same words a second time are an answer too.
            told: dict[str, dict[str, Any]] = dict(self.outcomes)
            times = told[key]["times"] + 1 if key in told else 1
            self.outcomes = {**told, key: {"times": times, "html": shown}}


def _items(parts: Report) -> Iterator[Item]:
    for section in parts.sections:
        yield from (part for part in section.parts if isinstance(part, Item))


def choices(result: Result) -> dict[str, Module | Finding]:
    """Return what can be chosen, by the keys that ``report`` gives."""
    modules = result.graph.modules.walk() if result.graph and result.graph.modules else ()
    found: dict[str, Module | Finding] = {f"m{index}": module for index, module in enumerate(modules)}
    return found | {f"f{index}": finding for index, finding in enumerate(result.findings)}
