"""# wrapped-model: a wrapper around the model is not exported.

## What it finds

A model inside `nn.DataParallel`, `DistributedDataParallel` or what `torch.compile` returns, and such wrappers inside
it.

## Why it hurts

The wrapper only decides how the model runs. It leaves its trace in every name: weights and nodes are called
`module.conv1.weight` or `_orig_mod.conv1.weight`, and whoever looks a name up does not find it.

## How to mend it

Nothing to do for a wrapper around the whole model: it is taken off for the export. A part of a model that is wrapped:
compile the whole model instead, or in place, with `part.compile()`.

## Bad example

    import torch
    from torch import nn

    model = nn.DataParallel(nn.Linear(4, 2)).eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.DataParallel(nn.Linear(4, 2)).module.eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated, listed, member

RULE = Rule("OM107", "wrapped-model", "info", "model")

_INNER = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for what was taken off around the model, and one for wrappers inside it."""
    if evidence.wrappers:
        taken = enumerated([_said(wrapper) for wrapper in evidence.wrappers])
        inner = "".join(f".{_INNER.get(wrapper, '_orig_mod')}" for wrapper in evidence.wrappers)
        was = "were" if len(evidence.wrappers) > 1 else "was"
        yield RULE.finding(
            f"{taken} {was} taken off: the model inside is exported, under its own names.",
            fix=Fix("auto", f"the same by hand: model{inner}"),
            count=len(evidence.wrappers),
        )
    inside = [(path, type(m).__name__) for path, m in evidence.model.named_modules() if type(m).__name__ in _INNER]
    if inside:
        path, kind = inside[0]
        many = len(inside) > 1
        yield RULE.finding(
            f"{listed(p for p, _ in inside)} {'are' if many else 'is'} inside {_said(kind)}, so names in the file "
            f"begin with {code(f'{path}.{_INNER[kind]}')}.",
            where=Where(module=path),
            fix=Fix("code", f"{member(path)} = {member(path)}.{_INNER[kind]}"),
            count=len(inside),
        )


def _said(kind: str) -> str:
    return "the wrapper of `torch.compile`" if kind == "OptimizedModule" else code(kind)
