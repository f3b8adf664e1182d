"""# permuted-names: input names that are forward's own, in another order.

## What it finds

Input names that are the names of the call's arguments, but given to other ones: `--input-names mask,image` for
`forward(image, mask)`.

## Why it hurts

Names label inputs by position. An exporter takes them without a word, and the input called `mask` is the image. A
caller who feeds the inputs by name gets wrong answers, or an error about shapes that makes no sense.

## How to mend it

Leave the names out: inputs are called as `forward`'s parameters. Or give them in the order of the call. For this export
each input is named by its own parameter.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, image, mask):
            return image * mask.sigmoid()

    model = Net().eval()
    args = (torch.randn(2, 4), torch.randn(2, 4))
    options = {"input_names": ["mask", "image"]}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, image, mask):
            return image * mask.sigmoid()

    model = Net().eval()
    args = (torch.randn(2, 4), torch.randn(2, 4))
    options = {"input_names": ["image", "mask"]}
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed

RULE = Rule("OM208", "permuted-names", "error", "model")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding when the names asked for are the arguments' own in another order."""
    own = {argument.path: argument.input or "" for argument in evidence.arguments}
    asked = [(path, own.get(path, ""), name) for path, name in evidence.asked_names]
    wrong = [(path, mine, name) for path, mine, name in asked if mine != name]
    if not wrong or sorted(mine for _, mine, _ in asked) != sorted(name for _, _, name in asked):
        return
    path, _, name = wrong[0]
    yield RULE.finding(
        f"The input names {listed((n for _, _, n in asked), most=6)} are the arguments' own in another order: what is "
        f"{code(path)} in the call would be called {code(name)}. Each input has its own argument's name instead.",
        fix=Fix(
            "auto", f"leave the names out, or write {','.join(mine for _, mine, _ in asked)} with", "--input-names"
        ),
        count=len(wrong),
    )
