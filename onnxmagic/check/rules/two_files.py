"""# two-files: the model travels as two files.

## What it finds

An export whose weights are in a second file beside the .onnx file.

## Why it hurts

It does not, as long as both are copied and neither is renamed. A lost or renamed second file is the most frequent
reason why a model does not load elsewhere.

## How to mend it

Below 1.5 GB, leave out `--external-data`: then there is one file. A file from elsewhere becomes one by
`%onnx_check net.onnx --fix single-file -o one.onnx`. Above, copy both.

## Bad example

    import torch
    from torch import nn

    model = nn.Linear(64, 64).eval()
    args = (torch.randn(2, 64),)
    options = {"external_data": True, "output": "model.onnx"}

## Good example

    import torch
    from torch import nn

    model = nn.Linear(64, 64).eval()
    args = (torch.randn(2, 64),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, size

RULE = Rule("OM602", "two-files", "info", "graph")

_ONE_FILE_BELOW = 1_500_000_000
_FIX = Fix("option", "leave out `--external-data` to get one file", rewrite="single-file")


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding that names all files when there is more than one."""
    if len(evidence.files) < 2:
        return
    files = " and ".join(f"{code(name)} ({size(nbytes)})" for name, nbytes in evidence.files)
    small = sum(nbytes for _, nbytes in evidence.files) < _ONE_FILE_BELOW
    yield RULE.finding(
        f"The model is {files}. Keep them together, under these names.",
        count=len(evidence.files),
        fix=_FIX if small else None,
    )
