"""# unsupported-operator: an operator that the exporter cannot translate.

## What it finds

Every operator of the model for which PyTorch's exporter has no ONNX form, all at once, each with its line.

## Why it hurts

There is no file.

## How to mend it

The finding says what to write instead where a form is known that exports. What depends on no input can be computed once
in `__init__` and kept with `register_buffer`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, y):
            return torch.cdist(x, y)

    model = Net().eval()
    args = (torch.randn(3, 4), torch.randn(3, 4))

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, y):
            return torch.linalg.vector_norm(x - y, dim=-1)

    model = Net().eval()
    args = (torch.randn(3, 4), torch.randn(3, 4))
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import CaptureEvidence, Untranslated
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.replacements import replacement
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code

RULE = Rule("OM302", "unsupported-operator", "error", "capture")


def find(evidence: CaptureEvidence) -> Iterator[Finding]:
    """Yield a finding for every operator without a translation."""
    for operator in evidence.untranslated:
        yield RULE.finding(_message(operator), where=operator.where, count=operator.count, fix=_fix(operator))


def _message(operator: Untranslated) -> str:
    start = f"PyTorch's exporter cannot translate {code(operator.target.removesuffix('.default'))}"
    known = replacement(operator.target)
    if known is None:
        return (
            f"{start}, and no short form is known that it can. "
            "What depends on no input can be computed in `__init__` and kept with `register_buffer`."
        )
    note = f" ({known.note})" if known.note else ""
    return f"{start}. Instead of {code(known.instead_of)} write {code(known.write, most=200)}{note}."


def _fix(operator: Untranslated) -> Fix | None:
    known = replacement(operator.target)
    return Fix("code", known.write) if known else None
