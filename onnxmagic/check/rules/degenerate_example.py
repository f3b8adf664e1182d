"""# degenerate-example: the example is constant, so it cannot show a mistake.

## What it finds

A call whose floating-point inputs all consist of one repeated value (zeros, ones) or of identical rows.

## Why it hurts

On such an input many wrong files agree with the model: a swapped axis, a forgotten mask, a mixed-up batch show nothing.

## How to mend it

Nothing to do: the file is also proved on varied inputs. An example from your data is better still, because varied
inputs are drawn from the example's range.

## Bad example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.zeros(2, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed

if TYPE_CHECKING:
    import torch

RULE = Rule("OM211", "degenerate-example", "info", "model")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding when no floating-point input varies; a state of zeros beside real data is no mistake."""
    import torch

    floats = [
        (a.path, a.value)
        for a in evidence.arguments
        if isinstance(a.value, torch.Tensor) and a.value.is_floating_point() and _has_values(a.value)
    ]
    reasons = [_degenerate(value) for _, value in floats]
    if not floats or not all(reasons):
        return
    yield RULE.finding(
        f"{listed(path for path, _ in floats)} {reasons[0]}: such an example hides mistakes. "
        "The file is also compared on varied inputs.",
        count=len(floats),
        fix=Fix("auto", "compared on varied inputs too; an example from your data is better still"),
    )


def _has_values(tensor: torch.Tensor) -> bool:
    import torch

    return tensor.layout == torch.strided and tensor.device.type != "meta" and tensor.numel() > 1


def _degenerate(tensor: torch.Tensor) -> str:
    """Return what is degenerate about `tensor`; empty when nothing is."""
    tensor = tensor.detach()
    if bool((tensor == tensor.reshape(-1)[0]).all()):
        return "holds one value only"
    if tensor.ndim > 1 and len(tensor) > 1 and bool((tensor == tensor[0]).all()):
        return "has identical rows"
    return ""
