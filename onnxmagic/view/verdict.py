"""The one sentence a reader may stop at.

It is made of facts only: of findings, of cases that ran, of sizes that were tried. It never says more than those.
"""

from __future__ import annotations

from onnxmagic.export.result import Case, Export, Parity
from onnxmagic.view.parts import Sign
from onnxmagic.view.words import listing

__all__ = ["untried", "verdict"]


def verdict(export: Export) -> tuple[Sign, str]:
    """Return the sign and the sentence for `export`."""
    if not export.ok:
        return "bad", f"Not fit to leave the house: {_errors(export)}."
    done = "Written" if export.path else "Exported"
    if not export.parity.cases:
        return "warn", f"{done}, not proved: {_stop(untried(export.parity))}"
    if not export.parity.ok:
        return "warn", f"{done}, but it differs from PyTorch {_covered(_failed(export.parity))}."
    declared = list(dict.fromkeys(axis.name for axis in export.axes if axis.status == "declared"))
    caveat = f", {listing(declared)} not tried" if declared else ""
    return "ok", f"Ready. Agrees with PyTorch {_covered(export.parity.cases)}{caveat}."


def untried(parity: Parity) -> str:
    """Return why nothing was compared, for a sentence that has said already that nothing was."""
    return parity.reason.removeprefix("not tried: ") or "nothing was compared"


def _errors(export: Export) -> str:
    names = list(dict.fromkeys(f.name.replace("-", " ") for f in export.findings if f.severity == "error"))
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more errors"]
    return listing(shown)


def _failed(parity: Parity) -> tuple[Case, ...]:
    return tuple(case for case in parity.cases if not case.ok)


def _covered(cases: tuple[Case, ...]) -> str:
    """Return the sizes of `cases` in words, or which inputs they had when no size could vary."""
    sizes: dict[str, set[int]] = {}
    for case in cases:
        for name, size in case.sizes.items():
            sizes.setdefault(name, set()).add(size)
    if sizes:
        return "at " + ", ".join(f"{name} {listing(sorted(values))}" for name, values in sizes.items())
    words = {"example": "your example", "varied": "varied inputs", "tiled": "its repeated rows"}
    return "on " + listing([word for kind, word in words.items() if any(case.inputs == kind for case in cases)])


def _stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
