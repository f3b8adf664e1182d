"""From a result to the parts of its report; every kind of result has a file of its own."""

from __future__ import annotations

from onnxmagic.examine.result import Check
from onnxmagic.export.result import Export
from onnxmagic.view.check_report import check_report
from onnxmagic.view.export_report import export_report
from onnxmagic.view.parts import Report

__all__ = ["Result", "report"]

Result = Export | Check


def report(result: Result) -> Report:
    """Return the parts of `result`'s report."""
    return check_report(result) if isinstance(result, Check) else export_report(result)
