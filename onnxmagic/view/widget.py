"""The live view: what is chosen in the browser is at hand in Python, and what only Python knows is asked of it there.

The only module that imports anywidget, and it is imported only to show a widget.

The page that stands beside a widget holds the graph's data already, and a notebook that keeps its widgets' state would
keep it twice. So a widget's own HTML is without it: a view takes the data from the page, and asks here where there is
none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import anywidget  # noqa: TID253  # this module is itself imported late, to show a widget
import traitlets

from onnxmagic.check.finding import Finding
from onnxmagic.errors import OnnxMagicError
from onnxmagic.export.result import plain_data
from onnxmagic.view.graph.bundle import style_sheet, widget_module
from onnxmagic.view.html import fragment
from onnxmagic.view.live import answers
from onnxmagic.view.outcome import outcome
from onnxmagic.view.parts import Drawing, Item, Part, Report

if TYPE_CHECKING:
    from onnxmagic.inside.choices import Choices
    from onnxmagic.inside.looked import Looked
    from onnxmagic.inside.selection import Selection

__all__ = ["ReportWidget"]

Answer = Callable[[dict[str, Any]], Any]


class ReportWidget(anywidget.AnyWidget):
    """A report.

    ``selected`` is the key of the module (``m3``), finding (``f0``) or node (``n12``) that was chosen, here or in
    Python. ``actions`` are the buttons of each finding, ``outcomes`` what became of the fixes that were asked for, as
    HTML. A fix is asked for by a message with the finding's key, and anything else by ``{ask, id, …}``, which is
    answered by ``{id, answer}`` or ``{id, error}``: code never comes from the browser.
    """

    _esm = widget_module()
    html = traitlets.Unicode().tag(sync=True)
    css = traitlets.Unicode().tag(sync=True)
    ident = traitlets.Unicode().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    actions = traitlets.Dict().tag(sync=True)
    outcomes = traitlets.Dict().tag(sync=True)

    @classmethod
    def of(cls, result: Looked, parts: Report, ident: str) -> ReportWidget:
        """Return a widget for `result`; it hides the static copy called `ident`."""
        actions = {item.key: [asdict(action) for action in item.actions] for item in _items(parts) if item.actions}
        widget = cls(html=fragment(without_data(parts)), css=style_sheet(), ident=ident, actions=actions)
        widget.choices = result.choices
        # ipywidgets keeps every widget alive: the selection, never the export with its model.
        widget.selection = result.selection
        widget.answers = {**answers(result), "graph": data_of(parts)}
        widget.selected = result.selection.key
        widget.on_msg(widget.hear)
        widget.selection.watch(widget.point)
        return widget

    choices: Choices
    selection: Selection
    answers: dict[str, Answer]

    @traitlets.observe("selected")
    def _choose(self, change: Any) -> None:
        # What Python chose itself comes back here.
        if change["new"] == self.selection.key:
            return
        if (thing := self.choices.at(change["new"])) is not None:
            self.selection.chose(change["new"], thing)

    def point(self, key: str) -> None:
        """Show in every view what Python has chosen."""
        self.selected = key

    def hear(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Do what a message asks for."""
        if "ask" in content:
            self.send({"id": content.get("id"), **self._answer(str(content["ask"]), content)})
        else:
            self._apply(str(content.get("apply")))

    def _answer(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """Return an answer, or why there is none: nobody but the view would ever see an error."""
        if kind not in self.answers:
            return {"error": f"Python has no answer for {kind}."}
        try:
            answer = plain_data(self.answers[kind](content))
            return answer if isinstance(answer, dict) and "error" in answer else {"answer": answer}
        except OnnxMagicError as error:
            return {"error": str(error)}
        except KeyboardInterrupt:
            return {"error": "It was interrupted."}
        except Exception as error:  # noqa: BLE001  # told in the view
            return {"error": f"{type(error).__name__}: {error}"}

    def _apply(self, key: str) -> None:
        """Apply the fix of the finding called `key`, and show what became of it."""
        finding = self.choices.at(key)
        rewrite = finding.fix.rewrite if isinstance(finding, Finding) and finding.fix else None
        if rewrite and self.selection.beside is not None:
            shown = outcome(self.selection.beside.apply, rewrite)
            # Counted, so that the same words a second time are an answer too.
            told: dict[str, dict[str, Any]] = dict(self.outcomes)
            times = told[key]["times"] + 1 if key in told else 1
            self.outcomes = {**told, key: {"times": times, "html": shown}}


def without_data(parts: Report) -> Report:
    """Return a report whose drawings have neither data nor pictures."""

    def lean(part: Part) -> Part:
        return replace(part, payload="", picture="") if isinstance(part, Drawing) else part

    sections = (replace(section, parts=tuple(map(lean, section.parts))) for section in parts.sections)
    return replace(parts, sections=tuple(sections))


def data_of(parts: Report) -> Answer:
    """Return what answers with the data of the report's drawing."""
    data = next((part.payload for s in parts.sections for part in s.parts if isinstance(part, Drawing)), "")
    return lambda _: data


def _items(parts: Report) -> Iterator[Item]:
    for section in parts.sections:
        yield from (part for part in section.parts if isinstance(part, Item))
