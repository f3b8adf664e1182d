"""# mixed-input-dtype: the example's floating type is not the model's.

## What it finds

Floating-point arguments whose type differs from that of all the model's parameters, when the model does not run on
them.

## Why it hurts

PyTorch's exporter accepts a half-precision model with a single-precision example and writes a file that no runtime
loads: "Type parameter (T) bound to different types".

## How to mend it

Make both the same: `x.half()`, or `model.float()`.

## Bad example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).half().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.Linear(4, 2).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed

RULE = Rule("OM210", "mixed-input-dtype", "error", "model")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for all arguments of one wrong type."""
    import torch

    # A model that runs converts its input itself, or mixes the types in a way that PyTorch defines.
    kinds = {p.dtype for p in evidence.model.parameters() if p.is_floating_point()}
    if evidence.runs or len(kinds) != 1:
        return
    kind = kinds.pop()
    wrong: dict[torch.dtype, list[str]] = {}
    for argument in evidence.arguments:
        value = argument.value
        if isinstance(value, torch.Tensor) and value.is_floating_point() and value.dtype != kind:
            wrong.setdefault(value.dtype, []).append(argument.path)
    for dtype, paths in wrong.items():
        yield RULE.finding(
            f"{listed(paths)} {'are' if len(paths) > 1 else 'is'} {_name(dtype)}, the model's parameters are "
            f"{_name(kind)}: it does not run on that, and a file made from it would not load.",
            count=len(paths),
            fix=Fix("code", f"{paths[0]}.to({kind})"),
        )


def _name(dtype: object) -> str:
    return code(str(dtype).removeprefix("torch."))
