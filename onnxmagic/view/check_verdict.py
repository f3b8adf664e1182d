"""The one sentence of a check: what was found, and what that rests on.

A check that ran nothing never gets a ✓: rules that read a file cannot say that it works.
"""

from __future__ import annotations

from collections.abc import Iterable

from onnxmagic.examine.result import Check, Run
from onnxmagic.view.parts import Sign
from onnxmagic.view.verdict import agreeing, compared, differing, errors, told_sizes, unfinished
from onnxmagic.view.words import listing, plural

__all__ = ["check_verdict"]

_OF_TARGETS = {"OM502", "OM503", "OM504", "OM505", "OM506"}


def check_verdict(check: Check) -> tuple[Sign, str]:
    """Return the sign and the sentence for `check`."""
    sign, sentence = _sentence(check)
    if check.targets:
        sentence += f" Checked for {listing(check.targets)} by recorded facts."
    return sign, sentence


def _sentence(check: Check) -> tuple[Sign, str]:
    wrong = {finding.code for finding in check.findings if finding.severity == "error"}
    if wrong:
        what = "for what it is meant for" if wrong <= _OF_TARGETS else "to leave the house"
        return "bad", f"Not fit {what}: {errors(check.findings)}."
    sign, ran = _ran(check)
    warnings = sum(finding.severity == "warning" for finding in check.findings)
    if warnings:
        return "warn", f"{plural(warnings, 'warning')}{ran}."
    if check.graph is None:
        return "warn", f"No graph could be looked at{ran}."
    return sign, f"Nothing wrong {'is left' if check.changes else 'was found'}{ran}."


def _ran(check: Check) -> tuple[Sign, str]:
    """Return what was run and how it ended, as the end of a sentence."""
    if check.parity and compared(check.parity):
        if differs := differing(check.parity):
            return "warn", f", but it differs from PyTorch {differs}"
        sign: Sign = "warn" if unfinished(check.parity) else "ok"
        return sign, f"; it agrees with PyTorch {agreeing(check.parity)}{_caveat(check)}"
    if not check.runs:
        return "warn", ", but it was not run"
    failed = [run for run in check.runs if not run.ok]
    if failed:
        return "warn", f", but in {check.runtime} it does not run well{_at(failed)}"
    return "ok", f"; it ran in {check.runtime}{_at(check.runs)}{_caveat(check)}"


def _at(runs: Iterable[Run]) -> str:
    told = told_sizes(run.sizes for run in runs)
    return f" at {told}" if told else ""


def _caveat(check: Check) -> str:
    declared = list(dict.fromkeys(axis.name for axis in check.axes if axis.status == "declared" and not axis.sizes))
    return f", {listing(declared)} not tried" if declared else ""
