"""One output of the runtime against the same output of PyTorch.

What cannot be a matter of rounding is compared first and strictly: shape, dtype, where the NaNs and infinities are.
Then values, by the float64 reference where there is one, by the rounding measured on another run, or by the dtype.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch

from onnxmagic.check.evidence import RunCase
from onnxmagic.export.referee import rms

__all__ = ["MOST_RATIO", "Compared", "compare_output", "to_numpy"]

MOST_RATIO = 8.0
"""The runtime may round this many times worse than PyTorch; healthy ones stay below 2.3, bugs start at 15."""

BY_DTYPE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2, torch.float64: 1e-9}
"""Largest difference allowed without a float64 run, relative to the output's largest magnitude."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison of one output: the rule's evidence, and how it was judged."""

    case: RunCase
    tolerance: float
    reference: Literal["float64", "float32"]

    @property
    def doubtful(self) -> bool:
        """Values differ by more than rounding explains, judged by a float64 run: the second leg may still decide."""
        return self.case.problem == "values" and self.case.ratio is not None and self.reference == "float64"


def compare_output(
    case: RunCase, got: Any, torch32: torch.Tensor, torch64: torch.Tensor | None, noise: float | None
) -> Compared:
    """Compare an output.

    Parameters
    ----------
    case : RunCase
        Names the output, the sizes and the kind of inputs.
    got : array
        The runtime's output.
    torch32 : torch.Tensor
        The user's model's output.
    torch64 : torch.Tensor or None
        The float64 run's output.
    noise : float or None
        PyTorch's relative rounding of this output as measured on any run; None when none was.
    """
    if torch32.is_complex():
        shape = list(getattr(got, "shape", ()))
        detail = f"the file gives real pairs {shape}, PyTorch {torch32.dtype} {list(torch32.shape)}".replace(
            "torch.", ""
        )
        return Compared(replace(case, problem="dtype", detail=detail), 0.0, "float32")
    expected = to_numpy(torch32)
    strict = _strict(case, got, expected)
    if strict is not None:
        return Compared(strict, 0.0, "float32")
    if not torch32.is_floating_point():
        return Compared(_exact(case, got, expected, torch64), 0.0, "float32" if torch64 is None else "float64")
    return _values(case, torch.from_numpy(np.array(got)), torch32.cpu(), torch64, noise)


def to_numpy(tensor: torch.Tensor) -> Any:
    """Return `tensor` as the array a runtime is fed with; complex as pairs of reals, as the exporter writes it."""
    tensor = tensor.detach().cpu()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.uint16).numpy().view(ml_dtypes.bfloat16)
    return tensor.resolve_conj().resolve_neg().contiguous().numpy()


def _strict(case: RunCase, got: Any, expected: Any) -> RunCase | None:
    if not isinstance(got, np.ndarray):
        return replace(case, problem="dtype", detail=f"the file gives a {type(got).__name__}, PyTorch a tensor")
    if got.shape != expected.shape:
        return replace(
            case, problem="shape", detail=f"the file gives {list(got.shape)}, PyTorch {list(expected.shape)}"
        )
    if got.dtype != expected.dtype:
        return replace(case, problem="dtype", detail=f"the file gives {got.dtype}, PyTorch {expected.dtype}")
    if got.dtype.kind != "f":
        return None
    theirs, ours = np.isnan(expected), np.isnan(got)
    if (ours & ~theirs).any():
        return replace(case, problem="nan", detail=f"{_count(ours & ~theirs)} NaN where PyTorch has numbers")
    if (theirs & ~ours).any():
        return replace(case, problem="values", detail=f"{_count(theirs & ~ours)} numbers where PyTorch has NaN")
    infinite = np.isinf(got) & (got != expected)
    if infinite.any():
        return replace(case, problem="nan", detail=f"{_count(infinite)} infinite where PyTorch has other values")
    lost = np.isinf(expected) & (got != expected)
    if lost.any():
        return replace(case, problem="values", detail=f"{_count(lost)} finite where PyTorch has infinity")
    if ours.any():
        return replace(case, problem="nan-both", detail=f"{_count(ours)} NaN in PyTorch and in the file alike")
    return None


def _count(mask: Any) -> str:
    return f"{int(mask.sum())} of {mask.size} values are"


def _exact(case: RunCase, got: Any, expected: Any, torch64: torch.Tensor | None) -> RunCase:
    wrong = got != expected
    if torch64 is not None and tuple(torch64.shape) == got.shape:
        # Where PyTorch itself changes its mind in float64 there was a tie, and rounding may break it either way.
        wrong = wrong & (to_numpy(torch64) == expected)
    if not wrong.any():
        return case
    return replace(case, problem="values", detail=f"{_count(wrong)} different")


def _values(
    case: RunCase, got: torch.Tensor, torch32: torch.Tensor, torch64: torch.Tensor | None, noise: float | None
) -> Compared:
    good = torch32.isfinite()
    difference = (got.double() - torch32.double())[good]
    largest = float(difference.abs().max()) if difference.numel() else 0.0
    magnitude = float(torch32[good].abs().max()) if difference.numel() else 0.0
    case = replace(case, max_abs=largest, max_rel=largest / magnitude if magnitude else largest)
    if torch64 is not None and torch64.shape == torch32.shape and noise is not None:
        exact = torch64.cpu().double()[good]
        allowed = noise * rms(exact)
        error = rms(got.double()[good] - exact)
        return _judged(case, error, allowed, MOST_RATIO, "float64")
    if noise is not None:
        # Both sides round: the runtime within 8 times the noise, PyTorch within 1.
        allowed = noise * rms(torch32.double()[good])
        return _judged(case, rms(difference), allowed, MOST_RATIO + 1, "float32")
    tolerance = BY_DTYPE.get(torch32.dtype, BY_DTYPE[torch.float32]) * magnitude
    if largest > tolerance:
        case = replace(case, problem="values", detail=f"differs by {largest:.2g}, {tolerance:.2g} is allowed")
    return Compared(case, tolerance, "float32")


def _judged(
    case: RunCase, error: float, noise: float, most: float, reference: Literal["float64", "float32"]
) -> Compared:
    ratio = error / noise if noise else (0.0 if error == 0 else float("inf"))
    case = replace(case, ratio=ratio)
    if ratio > most:
        detail = f"differs by {case.max_abs:.2g}, {ratio:.0f} times PyTorch's own rounding"
        case = replace(case, problem="values", detail=detail)
    return Compared(case, most * noise, reference)


def agreement(got: Any, torch32: torch.Tensor) -> float | None:
    """Return the share of rows whose largest entry is at the same place, for float outputs of shape (rows, classes)."""
    if torch32.ndim != 2 or torch32.shape[0] == 0 or torch32.shape[1] < 2 or not torch32.is_floating_point():
        return None
    if not isinstance(got, np.ndarray) or got.shape != tuple(torch32.shape):
        return None
    return float((got.astype("f8").argmax(-1) == to_numpy(torch32.double()).argmax(-1)).mean())
