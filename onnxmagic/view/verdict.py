"""The one sentence of an export, at which a reader may stop; ``check_verdict`` has a check's.

It is made of facts only: of findings, of cases that ran, of sizes that were tried. It never says more than those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from onnxmagic.check.finding import Finding
from onnxmagic.export.result import Case, Export, Parity, Sweep
from onnxmagic.view.parts import Sign
from onnxmagic.view.words import listing, sizes, stop, whole

__all__ = ["agreeing", "compared", "differing", "errors", "told_sizes", "unfinished", "untried", "verdict"]


def verdict(export: Export) -> tuple[Sign, str]:
    """Return the sign and the sentence for `export`."""
    if not export.ok:
        return "bad", f"Not fit to leave the house: {errors(export.findings)}."
    done = "Written" if export.path else "Exported"
    parity = export.parity
    if not compared(parity):
        return "warn", f"{done}, not proved: {stop(untried(parity))}"
    if differs := differing(parity):
        return "warn", f"{done}, but it differs from PyTorch {differs}."
    declared = list(dict.fromkeys(axis.name for axis in export.axes if axis.status == "declared"))
    caveat = f", {listing(declared)} not tried" if declared else ""
    if unfinished(parity):
        return "warn", f"{done}. Agrees with PyTorch {agreeing(parity)}{caveat}."
    return "ok", f"Ready. Agrees with PyTorch {agreeing(parity)}{caveat}."


def compared(parity: Parity) -> bool:
    """Return whether the file was held against PyTorch at all."""
    return bool(parity.cases) or (parity.sweep is not None and parity.sweep.samples > 0)


def differing(parity: Parity) -> str:
    """Return where the file differs from PyTorch; nothing where it agrees."""
    places = [_covered(parity, [case for case in parity.cases if not case.ok])]
    if parity.sweep and parity.sweep.wrong:
        places.append(f"on {parity.sweep.wrong:,} of {whole(parity.sweep.samples, 'sample')} of your data")
    return " and ".join(filter(None, places))


def agreeing(parity: Parity) -> str:
    """Return where the file agrees with PyTorch, once it is known to differ nowhere."""
    return " and ".join(filter(None, [_covered(parity, parity.cases), _on_data(parity.sweep)]))


def _on_data(sweep: Sweep | None) -> str:
    if sweep is None:
        return ""
    if not sweep.samples:
        return "on none of your data, as none was compared"
    if not sweep.stopped:
        return f"on {whole(sweep.samples, 'sample')} of your data"
    done = f"{sweep.samples:,} of {whole(sweep.asked, 'sample')}" if sweep.asked else whole(sweep.samples, "sample")
    return f"on {done} of your data ({'interrupted' if sweep.stopped == 'interrupted' else 'stopped'} there)"


def unfinished(parity: Parity) -> bool:
    """Return whether the user gave data and the run over it did not get to its end."""
    return parity.sweep is not None and (bool(parity.sweep.stopped) or not parity.sweep.samples)


def untried(parity: Parity) -> str:
    """Return why nothing was compared, for a sentence that has said already that nothing was."""
    return parity.reason.removeprefix("not tried: ") or "nothing was compared"


def errors(findings: Iterable[Finding]) -> str:
    """Return the names of the errors among `findings`, three at most."""
    names = list(dict.fromkeys(f.name.replace("-", " ") for f in findings if f.severity == "error"))
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more errors"]
    return listing(shown)


def _covered(parity: Parity, cases: Sequence[Case]) -> str:
    """Return the sizes of `cases` in words, or which inputs they had when no size could vary."""
    # What has no size of its own in a sweep is in the count of its samples.
    several = [case for case in cases if case.sizes or case.inputs != "data" or parity.sweep is None]
    if not several:
        return ""
    if told := told_sizes(case.sizes for case in several):
        return f"at {told}"
    words = {
        "example": "your example",
        "varied": "varied inputs",
        "tiled": "its repeated rows",
        "recorded": "your recorded calls",
        "data": "your data",
        "made up": "made-up inputs",
    }
    return "on " + listing([word for kind, word in words.items() if any(case.inputs == kind for case in several)])


def told_sizes(several: Iterable[Mapping[str, int]]) -> str:
    """Return sizes by axis in words, ``batch 1 and 2, height 224``; nothing when no axis varies."""
    by_axis: dict[str, set[int]] = {}
    for each in several:
        for name, size in each.items():
            by_axis.setdefault(name, set()).add(size)
    return ", ".join(f"{name} {sizes(values)}" for name, values in by_axis.items())
