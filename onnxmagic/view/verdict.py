"""The one sentence of an export, at which a reader may stop; ``check_verdict`` has a check's.

It is made of facts only: of findings, of cases that ran, of sizes that were tried. It never says more than those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onnxmagic.check.finding import Finding
from onnxmagic.export.result import Case, Export, Parity
from onnxmagic.view.parts import Sign
from onnxmagic.view.words import listing, stop

__all__ = ["covered", "errors", "told_sizes", "untried", "verdict"]


def verdict(export: Export) -> tuple[Sign, str]:
    """Return the sign and the sentence for `export`."""
    if not export.ok:
        return "bad", f"Not fit to leave the house: {errors(export.findings)}."
    done = "Written" if export.path else "Exported"
    if not export.parity.cases:
        return "warn", f"{done}, not proved: {stop(untried(export.parity))}"
    if not export.parity.ok:
        failed = [case for case in export.parity.cases if not case.ok]
        return "warn", f"{done}, but it differs from PyTorch {covered(failed)}."
    declared = list(dict.fromkeys(axis.name for axis in export.axes if axis.status == "declared"))
    caveat = f", {listing(declared)} not tried" if declared else ""
    return "ok", f"Ready. Agrees with PyTorch {covered(export.parity.cases)}{caveat}."


def untried(parity: Parity) -> str:
    """Return why nothing was compared, for a sentence that has said already that nothing was."""
    return parity.reason.removeprefix("not tried: ") or "nothing was compared"


def errors(findings: Iterable[Finding]) -> str:
    """Return the names of the errors among `findings`, three at most."""
    names = list(dict.fromkeys(f.name.replace("-", " ") for f in findings if f.severity == "error"))
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more errors"]
    return listing(shown)


def covered(cases: Iterable[Case]) -> str:
    """Return the sizes of `cases` in words, or which inputs they had when no size could vary."""
    several = tuple(cases)
    told = told_sizes(case.sizes for case in several)
    if told:
        return f"at {told}"
    words = {
        "example": "your example",
        "varied": "varied inputs",
        "tiled": "its repeated rows",
        "data": "your data",
        "made up": "made-up inputs",
    }
    return "on " + listing([word for kind, word in words.items() if any(case.inputs == kind for case in several)])


def told_sizes(several: Iterable[Mapping[str, int]]) -> str:
    """Return sizes by axis in words, ``batch 1 and 2, height 224``; nothing when no axis varies."""
    sizes: dict[str, set[int]] = {}
    for each in several:
        for name, size in each.items():
            sizes.setdefault(name, set()).add(size)
    return ", ".join(f"{name} {listing(sorted(values))}" for name, values in sizes.items())
