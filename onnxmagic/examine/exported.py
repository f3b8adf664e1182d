"""An export checked again: its file like any file, and what was measured against PyTorch when it was made.

The export's stamp tells whether the file is still the one that was proved; only then do its findings still hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from onnxmagic.check import catalogue
from onnxmagic.check.finding import Finding
from onnxmagic.examine.file import NO_MODEL, check_file
from onnxmagic.examine.mended import mend
from onnxmagic.examine.request import CheckRequest
from onnxmagic.examine.result import Check
from onnxmagic.examine.subject import Subject
from onnxmagic.export.clock import Clock
from onnxmagic.export.result import Export

__all__ = ["check_export"]

# What the file alone does not tell: these need to know what was asked for.
_ASKED: Final = frozenset({"OM201", "OM501"})


def check_export(export: Export, request: CheckRequest, clock: Clock) -> Check:
    """Check the file of `export`.

    Raises
    ------
    UsageMistake
        The file has changed since, or was not kept.
    """
    subject = _subject(export)
    named = replace(request, name=request.name or export.model_name)
    if request.fix:
        return mend(subject, named, clock)
    anew = request.against is not None or request.data is not None
    # It ran when it was made, against PyTorch; running it alone would tell less.
    check = check_file(subject, named if anew else replace(named, run=False), clock)
    kept = catalogue.chosen(export.findings, request.select, request.ignore)
    if anew:
        return replace(check, findings=_both(_not_of_runs(kept), check.findings), places=export.places)
    return replace(
        check,
        findings=_both(kept, check.findings),
        parity=export.parity,
        axes=export.axes,
        places=export.places,
        untried=tuple(text for text in check.untried if text != NO_MODEL and not text.startswith("Not run")),
    )


def _subject(export: Export) -> Subject:
    export.artifact.check_unchanged()
    if export.artifact.data is not None:
        return Subject(export.model_name, data=export.artifact.data)
    path = export.artifact.files[0]
    return Subject(path.name, path)


def _both(kept: tuple[Finding, ...], fresh: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return both, once: the export knew the user's lines, so of one rule its findings are better."""
    codes = {finding.code for finding in kept} | _ASKED
    return catalogue.sort((*kept, *(finding for finding in fresh if finding.code not in codes)))


def _not_of_runs(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    run = {loaded.rule.code for loaded in catalogue.rules("run")}
    return tuple(finding for finding in findings if finding.code not in run)
