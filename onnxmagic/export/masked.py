"""An example whose attention mask hides a whole row: padding only.

PyTorch gives zeros for such a row, or NaN, depending on which kernel runs; the file's softmax over nothing but
-infinity gives the mean, or NaN. Nobody notices until a batch is filled up with empty rows. In some models a mask says
what to keep, in others what to hide, so both are tried, in two rows of one example where it has two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from onnxmagic.check.evidence import MaskedRow
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.eager import Outputs
from onnxmagic.export.example import Example

__all__ = ["masked_rows", "say_masked"]

CLOSE = 1e-3
"""Relative difference up to which two answers are the same. Where rows are lost they differ by far more."""


def masked_rows(example: Example) -> Iterator[tuple[str, Example]]:
    """Yield the path of a mask, and the example with wholly masked rows in it."""
    for position, leaf in enumerate(example.tensors):
        if not _is_mask(leaf.path, leaf.value):
            continue
        for rows in ((0, 1),) if leaf.value.shape[0] > 1 else ((0,), (1,)):
            tensors = [each.value for each in example.tensors]
            tensors[position] = _with_rows(leaf.value, rows)
            if not torch.equal(tensors[position], leaf.value):
                yield leaf.path, example.with_tensors(tensors)


def say_masked(name: str, outputs: Sequence[str], torch32: Outputs, got: Sequence[Any]) -> MaskedRow | None:
    """Return what differs between PyTorch and the file; None when nothing does, or both have NaN there."""
    worst, found = CLOSE, None
    for output, ours, given in zip(outputs, torch32.tensors, got, strict=False):
        if not isinstance(given, np.ndarray) or given.dtype.kind != "f" or tuple(ours.shape) != given.shape:
            continue
        expected, value = to_numpy(ours).astype("f8"), given.astype("f8")
        if (np.isnan(expected) != np.isnan(value)).any():
            side = "the file" if np.isnan(value).any() else "PyTorch"
            return MaskedRow(name, output, f"only {side} has NaN")
        good = np.isfinite(expected) & np.isfinite(value)
        largest = float(np.abs(expected[good]).max(initial=0.0))
        difference = float(np.abs(expected[good] - value[good]).max(initial=0.0))
        if difference > worst * largest:
            worst, found = difference / max(largest, 1e-30), MaskedRow(name, output, f"differs by {difference:.2g}")
    return found


def _is_mask(path: str, mask: torch.Tensor) -> bool:
    """Tell whether this is a mask over rows: called so, at least (rows, length), and nothing in it but 0 and 1."""
    if "mask" not in path.lower() or mask.ndim < 2 or mask.numel() == 0:
        return False
    if mask.is_floating_point() or mask.is_complex():
        return False
    return bool(((mask == 0) | (mask == 1)).all())


def _with_rows(mask: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
    """Return `mask` with one row all 0, the next all 1, as far as `rows` asks for them."""
    result = mask.clone()
    for row, value in enumerate(rows):
        result[row] = value
    return result
