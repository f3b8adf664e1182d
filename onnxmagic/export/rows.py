"""Whether a row comes out the same, alone and among others.

Outputs are compared along the axis that grew with the batch. That is the first axis, or one whose size is the batch
size itself (an LSTM's hidden state is layers x batch x features), or several of those (a similarity of all pairs); any
other growth, such as ``view(1, -1)`` makes it, is a misreading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from onnxmagic.export.eager import Outputs

__all__ = ["Agreement", "Row", "compare_rows"]

ROW_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 5e-2}
"""Largest difference between rows, relative to the output's largest magnitude; other kernels run at other sizes."""
DEFAULT_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Agreement:
    """``agrees``, ``differs`` (values), ``branches`` (set by the caller) or ``shape``; ``detail`` for a person."""

    outcome: Literal["agrees", "differs", "branches", "shape"]
    detail: str = ""

    def as_outcome(self) -> Literal["accepted", "mixes", "branches", "misread"]:
        """Return what it means for the axis."""
        outcomes: dict[str, Literal["accepted", "mixes", "branches", "misread"]] = {
            "agrees": "accepted",
            "differs": "mixes",
            "branches": "branches",
            "shape": "misread",
        }
        return outcomes[self.outcome]


@dataclass(frozen=True, slots=True)
class Row:
    """Row `index` of a run with `size` rows."""

    outputs: Outputs
    size: int
    index: int


def compare_rows(a: Row, b: Row) -> Agreement:
    """Compare all outputs of one row with those of another, which ought to be the same sample."""
    pairs = (a.outputs.tensors, b.outputs.tensors)
    if len(pairs[0]) != len(pairs[1]):
        return Agreement("shape", f"{len(pairs[0])} outputs at {a.size}, {len(pairs[1])} at {b.size}")
    verdicts = [_one(path, a, x, b, y) for path, x, y in zip(a.outputs.paths, *pairs, strict=True)]
    bad = [verdict for verdict in verdicts if verdict.outcome != "agrees"]
    shapes = [verdict for verdict in bad if verdict.outcome == "shape"]
    return (shapes or bad or verdicts or [Agreement("agrees")])[0]


def _one(path: str, a: Row, x: torch.Tensor, b: Row, y: torch.Tensor) -> Agreement:
    shapes = Agreement("shape", f"`{path}` is {list(x.shape)} at {a.size} and {list(y.shape)} at {b.size}")
    if x.ndim != y.ndim or x.dtype != y.dtype:
        return shapes
    grown = [i for i in range(x.ndim) if x.shape[i] != y.shape[i]]
    if a.size == b.size:
        grown = [i for i, n in enumerate(x.shape) if n == a.size][:1]
    if len(grown) > 1 and any(x.shape[i] != a.size or y.shape[i] != b.size for i in grown):
        return shapes
    for axis in grown:
        per_x, left_x = divmod(x.shape[axis], a.size)
        per_y, left_y = divmod(y.shape[axis], b.size)
        if left_x or left_y or per_x != per_y or (axis > 0 and per_x != 1):
            return shapes
        x, y = x.narrow(axis, a.index * per_x, per_x), y.narrow(axis, b.index * per_y, per_y)
    return _values(path, x, y)


def _values(path: str, a: torch.Tensor, b: torch.Tensor) -> Agreement:
    if not a.is_floating_point() and not a.is_complex():
        return Agreement("agrees") if torch.equal(a, b) else Agreement("differs", f"`{path}` has other values")
    wide = torch.complex128 if a.is_complex() else torch.float64
    x, y = a.to(wide), b.to(wide)
    both_nan = x.isnan() & y.isnan()
    difference = (x - y).abs().masked_fill(both_nan | (x == y), 0)
    scale = y.abs().masked_fill(~y.isfinite(), 0)
    largest = float(difference.max()) if difference.numel() else 0.0
    allowed = ROW_TOLERANCE.get(a.dtype, DEFAULT_TOLERANCE) * max(float(scale.max()) if scale.numel() else 0.0, 1e-6)
    if largest <= allowed:
        return Agreement("agrees")
    return Agreement("differs", f"`{path}` differs by {largest:.2g}")
