"""A matrix, an image or a stack of them as a small grey picture: the fastest way to see that something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Picture", "picture"]

MOST_PIXELS: Final = 256
"""Of each side."""

MOST_VALUES: Final = 16 * 2**20
"""A larger matrix is thinned out before it is averaged."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """Grey bytes, row by row; black is ``low`` and white is ``high``, NaN and infinity are black and white too.

    ``part`` says which matrix of a larger array it is, for a person; empty where it is the whole of it.
    """

    width: int
    height: int
    grey: bytes
    low: float
    high: float
    part: str


def picture(array: Array) -> Picture | None:
    """Return the first matrix of `array` as a picture; None where it is no more than a row or a number."""
    if array.ndim < 2 or min(array.shape[-2:]) < 2 or not array.size or array.dtype.kind in "OUSc":
        return None
    matrix = np.asarray(_thinned(array[(0,) * (array.ndim - 2)]), np.float64)
    means = _averaged(_averaged(matrix, 0), 1)
    finite = means[np.isfinite(means)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    grey = np.nan_to_num(means, nan=low, posinf=high, neginf=low)
    span = high - low
    scaled = (grey - low) / span if 0 < span < np.inf else np.full(grey.shape, 0.5)
    return Picture(
        means.shape[1], means.shape[0], (scaled * 255).round().astype(np.uint8).tobytes(), low, high, _part(array.shape)
    )


def _thinned(matrix: Array) -> Array:
    step = max(1, int((matrix.size / MOST_VALUES) ** 0.5))
    return matrix[::step, ::step]


def _averaged(matrix: Array, axis: int) -> Array:
    """Return `matrix` with at most ``MOST_PIXELS`` along `axis`, each the mean of its neighbours."""
    size = matrix.shape[axis]
    if size <= MOST_PIXELS:
        return matrix
    starts = np.arange(MOST_PIXELS) * size // MOST_PIXELS
    counts = np.diff([*starts, size])
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are to be seen
        return np.add.reduceat(matrix, starts, axis=axis) / (counts[:, None] if axis == 0 else counts)


def _part(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return ""
    if len(shape) == 3:
        return f"the first of {shape[0]}" if shape[0] > 1 else ""
    samples = " × ".join(map(str, shape[:-3]))
    several = samples.strip("1 ×") != ""
    return f"channel 0 of {shape[-3]}" + (f", the first of {samples}" if several else "")
