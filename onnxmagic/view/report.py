"""From a result to the parts of its report; every kind of result has a file of its own."""

from __future__ import annotations

from onnxmagic.diff.result import Diff
from onnxmagic.examine.result import Check
from onnxmagic.export.result import Export
from onnxmagic.show.result import Shown
from onnxmagic.view.check_report import check_report
from onnxmagic.view.diff_report import diff_report
from onnxmagic.view.export_report import export_report
from onnxmagic.view.parts import Report
from onnxmagic.view.show_report import show_report

__all__ = ["Result", "report"]

Result = Export | Check | Shown | Diff


def report(result: Result) -> Report:
    """Return the parts of `result`'s report."""
    if isinstance(result, Diff):
        return diff_report(result)
    if isinstance(result, Shown):
        return show_report(result)
    return check_report(result) if isinstance(result, Check) else export_report(result)
