"""# baked-argument: a number, flag or text is fixed for ever in the file.

## What it finds

Arguments of the call that are no tensors. A graph has only tensor inputs, so their values are written into it.

## Why it hurts

It does not, as long as you know: callers of the file cannot choose another value, and there is no input of that name.

## How to mend it

Pass a number as a 0-d tensor, `torch.tensor(2.5)`, to keep it an input. A flag or text that chooses a way through the
model stays fixed: export once for each.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, scale=1.0):
            return x * scale

    model = Net().eval()
    args = (torch.randn(2, 4),)
    kwargs = {"scale": 2.5}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, scale=1.0):
            return x * scale

    model = Net().eval()
    args = (torch.randn(2, 4),)
    kwargs = {"scale": torch.tensor(2.5)}
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed

RULE = Rule("OM207", "baked-argument", "info", "model")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding that lists all values that become constants."""
    baked = [a for a in evidence.arguments if a.input is None and isinstance(a.value, (bool, int, float, complex, str))]
    if not baked:
        return
    many = len(baked) > 1
    said = listed([f"{a.path}={a.value!r}" for a in baked], most=5)
    numbers = [a for a in baked if isinstance(a.value, (int, float)) and not isinstance(a.value, bool)]
    advice, fix = "export once for each value that is needed.", None
    if numbers:
        tensor = f"torch.tensor({numbers[0].value!r})"
        advice = f"pass a number as a 0-d tensor, {code(tensor)}, to keep it an input."
        fix = Fix("code", f"{numbers[0].path}={tensor}")
    message = f"{said} {'are' if many else 'is'} fixed in the graph for ever; {advice}"
    yield RULE.finding(message, count=len(baked), fix=fix)
