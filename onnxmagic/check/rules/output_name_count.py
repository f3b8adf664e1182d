"""# output-name-count: more or fewer output names than outputs.

## What it finds

Output names that do not fit the tensors that the model returns. A place that holds None is no output of a file.

## Why it hurts

Names are given from the first on. When a model returns `(y, None, z)` and the names are `a,b,c`, an exporter calls `z`
by the name `b`: whoever reads the output `b` gets another one's values. Surplus names vanish without a word.

## How to mend it

Give one name for each tensor, or leave the names out: outputs are called by the keys and fields of what `forward`
returns. For this export names were given place by place where None explains the difference, and the outputs without a
name got their own.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * 2, None, x + 1

    model = Net().eval()
    args = (torch.randn(2, 4),)
    options = {"output_names": ["double", "cache", "next"]}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * 2, None, x + 1

    model = Net().eval()
    args = (torch.randn(2, 4),)
    options = {"output_names": ["double", "next"]}
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import EagerEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed

RULE = Rule("OM209", "output-name-count", "warning", "eager")


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield one finding when the number of names is not the number of tensors."""
    asked, outputs = evidence.asked_outputs, [place for place in evidence.outputs if place.name]
    if not asked or not outputs or len(asked) == len(outputs):
        return
    given = [place.name or "" for place in outputs]
    empty = [(name, place.path) for name, place in zip(asked, evidence.outputs, strict=False) if place.name is None]
    unused, own = [name for name in asked if name not in given], [name for name in given if name not in asked]
    message = f"{_count(len(asked), 'output name')} for {_count(len(outputs), 'tensor')}: "
    if len(asked) == len(evidence.outputs):
        name, path = empty[0]
        message += (
            f"{code(path)} is None, and no output is called {code(name)}. The others have the names of their places."
        )
    elif unused:
        message += f"no output is called {listed(unused)}."
    else:
        others = "the other is" if len(own) == 1 else "the others are"
        message += f"{others} called {listed(own)}, by what `forward` returns."
    write = f"write {','.join(given)} with"
    yield RULE.finding(message, fix=Fix("auto", write, "--output-names"), count=abs(len(asked) - len(outputs)))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
