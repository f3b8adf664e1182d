"""Exports whose proof is of recorded calls and of the user's data, made by hand like those of ``samples``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from samples import HOSTILE, case, ready  # pyright: ignore[reportMissingImports]  # beside this file

from onnxmagic.export.result import Export, Parity
from onnxmagic.export.sweep.result import Bin, Sample, Sweep


class Array:
    """As much of an array as a view looks at."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape


WORST = Sample(4711, 73, 3.1e-07, {"image": Array(1, 3, 224, 224)}, {"logits": Array(1)}, {"logits": Array(1)})
TAKEN = (
    "`image` is `image` of your notebook, float32 [64, 3, 224, 224].",
    "The file does not stand for calls with `mask`, which 2 of 8 calls had.",
)


def swept(**changes: Any) -> Sweep:
    """Return what 10,000 samples gave, all of which agree, unless `changes` say otherwise."""
    edges = (0.0, 1e-08, 3.1622776e-08, 1e-07, 3.1622776e-07)
    counts = (3120, 6000, 871, 1)
    bins = (Bin(0.0, 0.0, 8), *(Bin(low, high, n) for low, high, n in zip(edges[:-1], edges[1:], counts, strict=True)))
    base = Sweep(
        samples=10_000,
        batches=157,
        asked=10_000,
        seconds=12.3,
        errors=bins,
        median=3.1622776e-08,
        p99=1e-07,
        max_abs=3.1e-07,
        agreement=1.0,
        worst=WORST,
        workers="4 processes",
        left_out="the last part of every batch was left out, as a label is",
    )
    return replace(base, **changes)


def observed(sweep: Sweep | None = None, **changes: Any) -> Export:
    """Return an export whose inputs are recorded calls and whose proof goes on with the user's data."""
    cases = (
        case(32, "recorded", count=3, ratio=None),
        case(17, "recorded", ratio=None),
        case(1),
        case(64, "data", count=156),
        case(16, "data"),
    )
    parity = Parity("ONNX Runtime 1.31.1 (CPU)", cases, True, sweep=sweep or swept())
    return ready(**{"parity": parity, "taken": TAKEN, **changes})


def wrong() -> Export:
    """Return an export that differs on a few samples of the user's data, one of them far away."""
    bins = (*swept().errors[:-1], Bin(1e-07, 3.1622776e-07, 0), *(Bin(10.0**n, 10.0 ** (n + 1), 0) for n in (-6, -5)))
    worst = replace(WORST, max_abs=0.31, inputs={f"past_{i}": Array(1, 2, 4, 8) for i in range(9)})
    far = (*bins, Bin(1e-04, 3.2e-04, 2), Bin(0.1, 0.32, 1))
    more = {"wrong": 3, "agreement": 0.9997, "max_abs": 0.31, "tolerance": 3e-06, "errors": far, "worst": worst}
    return observed(swept(**more))


def stopped() -> Export:
    """Return an export whose run over the data was interrupted."""
    bins = (Bin(0.0, 0.0, 200), Bin(0.0, 1e-08, 3000))
    more = {"errors": bins, "median": 1e-08, "p99": 1e-08, "max_abs": 9e-09, "worst": replace(WORST, max_abs=9e-09)}
    return observed(swept(samples=3200, batches=50, stopped="interrupted", workers="this kernel", **more))


def hostile_data() -> Export:
    """Return an export in which what comes from the user's data is an attack."""
    worst = replace(WORST, inputs={HOSTILE: Array(1)})
    found = swept(samples=3200, stopped=HOSTILE, workers=HOSTILE, left_out=HOSTILE, worst=worst)
    return observed(found, taken=(HOSTILE,) * 9)
