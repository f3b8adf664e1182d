"""# masked-row: a row whose mask hides everything gets another answer in the file.

## What it finds

Attention rows that are wholly masked. Where an input is called a mask and holds only 0 and 1, the file and PyTorch are
given one more example, in which a row's mask hides everything; their answers differ, or one of them has NaN.

## Why it hurts

A batch that is filled up with empty rows has such rows, and so has a window that ends in padding. PyTorch's fused
attention gives zeros there. The exported attention takes a softmax over nothing, which is the mean of all values, or
NaN, which then spoils whatever is computed from it. The example has no such row, so the proof does not see it.

## How to mend it

Export with `--opset 23`, whose `Attention` treats such rows as PyTorch does, if the runtime reads it. Or mask with the
smallest number in place of minus infinity, in code that PyTorch and the file then share:
`scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1)`. Or never ask about such rows.

## Bad example

    import torch
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, mask):
            return F.scaled_dot_product_attention(x, x, x, attn_mask=mask[:, None, None, :])

    model = Net().eval()
    args = (torch.randn(2, 2, 5, 4), torch.tensor([[True] * 5, [True] * 3 + [False] * 2]))

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x, mask):
            scores = x @ x.transpose(-1, -2) / 2
            least = torch.finfo(scores.dtype).min
            return scores.masked_fill(~mask[:, None, None, :], least).softmax(-1) @ x

    model = Net().eval()
    args = (torch.randn(2, 2, 5, 4), torch.tensor([[True] * 5, [True] * 3 + [False] * 2]))
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, sentence

RULE = Rule("OM403", "masked-row", "warning", "run")


def find(evidence: RunEvidence) -> Iterator[Finding]:
    """Yield a finding when a wholly masked row made a difference."""
    row = evidence.masked_row
    if row is not None:
        yield RULE.finding(
            f"A row that {code(row.input)} masks wholly, as padding does, gets another answer in the file than in "
            f"PyTorch: {code(row.output)}: {sentence(row.detail)} Everything that your example has agrees.",
            fix=Fix("option", "export with an operator set whose Attention knows such rows", "--opset 23"),
        )
