"""# output-mismatch: number, shape or type of the outputs is not the model's.

## What it finds

Outputs of the file that are more or fewer than the model's, or of another shape or type.

## Why it hurts

Whoever uses the file reads the wrong output, or the wrong axis of it.

## How to mend it

ONNX has no complex numbers: a complex output becomes real with a last axis of two. Return `torch.view_as_real(y)`
to say so in PyTorch too. Other causes are outputs that depend on the training mode and sizes that `forward` fixes.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return torch.fft.rfft(x)

    model = Net().eval()
    args = (torch.randn(2, 8),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return torch.view_as_real(torch.fft.rfft(x))

    model = Net().eval()
    args = (torch.randn(2, 8),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import at_sizes, listed, sentence

RULE = Rule("OM404", "output-mismatch", "error", "run")

_KINDS = {
    "count": "The file does not have as many outputs as the model",
    "shape": "{outputs} does not have the shape it has in PyTorch",
    "dtype": "{outputs} does not have the type it has in PyTorch",
}


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield one finding a kind of mismatch."""
    for problem, sentence_start in _KINDS.items():
        cases = [case for case in evidence.cases if case.problem == problem]
        if not cases:
            continue
        outputs = listed(dict.fromkeys(case.output for case in cases))
        detail = f": {sentence(cases[0].detail)}" if cases[0].detail else "."
        start = sentence_start.format(outputs=outputs)
        yield RULE.finding(f"{start} {at_sizes(cases)}{detail}", count=len(cases))
