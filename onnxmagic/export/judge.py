"""From the comparisons of all outputs to one case of the report, with the last word on what rounding may do.

A runtime that rounds worse than PyTorch is no bug of the file, if the second leg finds the translation right; how much
worse is said as a signal-to-noise ratio. Without a second opinion only what nobody will ever see is let pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from onnxmagic.export.compare import Compared
from onnxmagic.export.eager import Outputs
from onnxmagic.export.result import Case
from onnxmagic.export.second_leg import SecondLeg

__all__ = ["case_of", "decided", "grouped"]

SNR_LEAST, SNR_HALF, SNR_FINE = 40.0, 60.0, 100.0
"""Signal-to-noise ratios in dB: below the first a runtime's rounding is an error, from the second on it is like half
precision, from the third on nobody will see it."""


def case_of(
    sizes: Mapping[str, int],
    inputs: Literal["example", "varied", "tiled", "recorded", "data", "made up"],
    compared: Sequence[Compared],
    shares: Sequence[float | None],
) -> Case:
    """Return the case of all outputs together: the worst one speaks; `shares` as ``agreement`` gives them."""
    worst = max(compared, key=lambda c: (bool(c.case.problem), c.case.ratio or 0.0, c.case.max_rel))
    runs = [c.case for c in compared]
    known = [share for share in shares if share is not None]
    ratios = [run.ratio for run in runs if run.ratio is not None]
    failed = worst.case.problem != ""
    name = f"`{worst.case.output}` " if worst.case.output and worst.case.detail else ""
    return Case(
        sizes,
        inputs,
        not failed,
        max(run.max_abs for run in runs),
        max(run.max_rel for run in runs),
        worst.tolerance,
        worst.reference,
        max(ratios) if ratios else None,
        min(known) if known else None,
        f"{name}{worst.case.detail}",
    )


def grouped(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Return `cases` with recorded calls of the same sizes as one, in which the worst speaks."""
    groups: dict[Any, list[Case]] = {}
    for number, case in enumerate(cases):
        key = tuple(case.sizes.items()) if case.inputs == "recorded" else number
        groups.setdefault(key, []).append(case)
    return tuple(_worst(group) for group in groups.values())


def _worst(cases: Sequence[Case]) -> Case:
    shares = [case.agreement for case in cases if case.agreement is not None]
    worst = max(cases, key=lambda case: (not case.ok, case.ratio or 0.0, case.max_rel))
    return replace(worst, count=len(cases), agreement=min(shares) if shares else None)


def decided(compared: Sequence[Compared], leg: SecondLeg, got: Sequence[Any], torch32: Outputs) -> list[Compared]:
    """Let the second leg decide what the float64 run left in doubt."""
    pairs = zip(compared, got, torch32.tensors, strict=True)
    return [_with_last_word(one, leg, _snr(value, out)) if one.doubtful else one for one, value, out in pairs]


def _with_last_word(one: Compared, leg: SecondLeg, snr: float) -> Compared:
    least = {"right": SNR_LEAST, "untried": SNR_FINE, "wrong": float("inf")}[leg.verdict]
    if snr < least:
        return replace(one, case=replace(one.case, detail=f"{one.case.detail}; {leg.detail}"))
    worse = "like half precision" if snr >= SNR_HALF else "worse than half precision"
    grade = "nobody will see it" if snr >= SNR_FINE else worse
    detail = f"rounds {one.case.ratio:.0f} times worse than PyTorch ({snr:.0f} dB, {grade}); {leg.detail}"
    return replace(one, case=replace(one.case, problem="", detail=detail))


def _snr(got: Any, torch32: torch.Tensor) -> float:
    """Return the signal-to-noise ratio in dB."""
    expected = torch32.double().cpu()
    good = expected.isfinite()
    noise = float((torch.from_numpy(np.array(got)).double() - expected)[good].square().mean())
    signal = float(expected[good].square().mean())
    return 10 * float(np.log10(signal / noise)) if noise and signal else float("inf") if not noise else 0.0
