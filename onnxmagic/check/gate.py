"""What ``--fail-on`` forbids: the same for an export and for a check, which differ only in what they then do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from onnxmagic.check.finding import Finding, Severity

__all__ = ["stopped_by"]

_BLOCKING: Final[Mapping[str, tuple[Severity, ...]]] = {
    "never": (),
    "error": ("error",),
    "warning": ("error", "warning"),
}


def stopped_by(findings: Iterable[Finding], fail_on: Literal["error", "warning", "never"]) -> str:
    """Return the codes of the `findings` that `fail_on` forbids, with commas between; empty where it forbids none."""
    blocking = _BLOCKING[fail_on]
    return ", ".join(dict.fromkeys(finding.code for finding in findings if finding.severity in blocking))
