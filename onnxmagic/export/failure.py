"""From torch's exception to one short report: what, where, and what to write instead.

An export fails with chains of five exceptions and a hundred lines. The cause is at the end of the chain, the user's
line in its traceback. Unsupported operators are raised one at a time, so when there is one, the export is run once more
with torch's own report, which lists them all.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import CaptureEvidence, Untranslated
from onnxmagic.check.known_errors import see
from onnxmagic.check.places import where_from_trace, where_from_traceback
from onnxmagic.errors import CaptureFailed
from onnxmagic.export.eager import one_line

__all__ = ["AxesRefused", "capture_failed", "chain", "is_final"]

Cells = Callable[[str], "int | None"]


class AxesRefused(Exception):
    """PyTorch fixed or refused axes that should vary; ``reasons`` maps their names to why."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
        self.reasons = dict(reasons)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and its causes, the first cause last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def is_final(error: BaseException) -> bool:
    """Return whether fewer dynamic axes could not help: the values decide, or an operator has no translation."""
    return any(_is_data_dependent(cause) or _is_untranslated(cause) for cause in chain(error))


def capture_failed(error: BaseException, retry: Callable[..., Any], cells: Cells | None) -> CaptureFailed:
    """Return the short report for `error`; `retry` runs the export again with options."""
    causes = list(chain(error))
    evidence = CaptureEvidence()
    dependent = next((cause for cause in causes if _is_data_dependent(cause)), None)
    if dependent is not None:
        where = where_from_traceback(dependent.__traceback__, cells)
        if where.line is None:
            where = where_from_trace(str(dependent), cells)
        evidence = CaptureEvidence(data_dependent=_condition(dependent), where=where)
    elif any(_is_untranslated(cause) for cause in causes):
        evidence = CaptureEvidence(untranslated=_all_untranslated(causes, retry, cells))
    findings = catalogue.sort(catalogue.run(evidence))
    if len(evidence.untranslated) > 1:
        return CaptureFailed(f"PyTorch's exporter cannot translate {len(evidence.untranslated)} operators.", findings)
    if findings:
        return CaptureFailed(findings[0].message, findings)
    last = causes[-1]
    where = next((w for c in reversed(causes) if (w := where_from_traceback(c.__traceback__, cells)).line), None)
    said = plain(one_line(last))
    return CaptureFailed(f"PyTorch's exporter fails: {said}", where=where, detail=see(str(last)).strip())


def plain(text: str) -> str:
    """Return `text` without terminal colours and without objects' repr noise."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _is_data_dependent(error: BaseException) -> bool:
    if type(error).__name__ in ("GuardOnDataDependentSymNode", "UserErrorDataDependent"):
        return True
    text = str(error)
    return "data-dependent expression" in text or "Data-dependent branching" in text


def _is_untranslated(error: BaseException) -> bool:
    return type(error).__name__ == "DispatchError" or "No ONNX function found" in str(error)


def _condition(error: BaseException) -> str:
    found = re.search(r"data-dependent expression ([^\n]*?)(?: \(unhinted|\.\s|$)", str(error))
    return found[1].strip() if found else one_line(error)


def _all_untranslated(
    causes: list[BaseException], retry: Callable[..., Any], cells: Cells | None
) -> tuple[Untranslated, ...]:
    """Return every operator without a translation, from torch's report; from the exception when there is none."""
    with tempfile.TemporaryDirectory(prefix="onnxmagic-") as folder:
        try:
            retry(report=True, artifacts_dir=folder)
        except Exception:  # noqa: BLE001  # it fails as it did before; the report is what it is run for
            reports = sorted(Path(folder).glob("*conversion*.md"))
            found = _from_report(reports[0].read_text("utf-8"), cells) if reports else ()
            if found:
                return found
    text = "\n".join(str(cause) for cause in causes)
    names = dict.fromkeys(re.findall(r"op='([\w.]+)', overload='(\w+)'", text))
    return tuple(Untranslated(f"{name}.{overload}") for name, overload in names)


def _from_report(report: str, cells: Cells | None) -> tuple[Untranslated, ...]:
    section = report.partition("Errors grouped by operator:")[2].partition("## ")[0]
    places = _places_of_nodes(report, cells)
    found: list[Untranslated] = []
    for target, nodes in re.findall(r"^- `([\w.]+)`:.*?All nodes: `\[([^\]]*)\]`", section, re.MULTILINE):
        if "." not in target:  # with_effects and the like: wrappers that fail because of what they wrap
            continue
        names = [name.strip() for name in nodes.split(",")]
        where = next((places[name] for name in names if name in places), None)
        found.append(Untranslated(target, where, len(names)) if where else Untranslated(target, count=len(names)))
    return tuple(sorted(found, key=lambda one: (one.where.cell or 0, one.where.file or "", one.where.line or 0)))


def _places_of_nodes(report: str, cells: Cells | None) -> dict[str, Any]:
    """Map node names to the user's lines, from the comments torch writes above each group of nodes."""
    places: dict[str, Any] = {}
    where = None
    for line in report.splitlines():
        comment = re.match(r"\s*#.*?\bFile: (.+?):(\d+) in (\w+), code: (.*)", line)
        if comment:
            file, number, function, code = comment.groups()
            where = where_from_trace(f'File "{file}", line {number}, in {function}\n    {code}', cells)
            continue
        node = re.match(r"\s*(\w+)(?:: \"[^\"]*\")? = torch\.ops\.", line)
        if node and where is not None and where.line is not None:
            places[node[1]] = where
    return places
