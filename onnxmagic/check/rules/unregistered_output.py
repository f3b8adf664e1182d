"""# unregistered-output: the model returns something that is no tensor.

## What it finds

Numbers, texts, flags, caches, dataclasses and other objects among what `forward` returns. A graph returns tensors;
tuples, lists and dicts of tensors are taken apart.

## Why it hurts

The exporter stops: "Found DynamicCache in output, which is not a known type", or "'int' object has no attribute
'name'".

## How to mend it

A cache of transformers: call the model with `use_cache=False`. A dataclass: `torch.export.register_dataclass(Out)`
once. A number: leave it out, or return `torch.tensor(number)`, which is fixed in the file.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * 2, x.shape[-1]

    model = Net().eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return {"double": x * 2, "none": None}

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.check.evidence import EagerEvidence, OutputPlace
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed

RULE = Rule("OM213", "unregistered-output", "error", "eager")


def find(evidence: EagerEvidence) -> Iterator[Finding]:
    """Yield one finding for each kind of thing that a graph cannot return."""
    kinds: dict[str, list[OutputPlace]] = {}
    for place in evidence.outputs:
        if place.kind not in ("tensor", "none"):
            kinds.setdefault("number" if place.text else place.kind, []).append(place)
    for places in kinds.values():
        first = places[0]
        yield RULE.finding(_message(places), where=evidence.return_where, fix=_fix(first), count=len(places))


def _message(places: list[OutputPlace]) -> str:
    first = places[0]
    paths = listed(place.path for place in places)
    if not first.text:
        what, them = ("objects", "them") if len(places) > 1 else ("an object", "it")
        return (
            f"The model returns {what} of class {code(first.kind)} as {paths}; a graph returns tensors, and "
            f"torch cannot take {them} apart into tensors."
        )
    if len(places) > 1:
        return f"The model returns {listed(place.text for place in places)} as {paths}; a graph returns tensors only."
    return f"The model returns {code(first.text)} as {paths}; a graph returns tensors only."


def _fix(place: OutputPlace) -> Fix:
    if "Cache" in place.kind:
        return Fix("code", "model(..., use_cache=False)")
    if place.is_dataclass:
        return Fix("code", f"torch.export.register_dataclass({place.kind})")
    if place.kind in ("bool", "int", "float", "complex"):
        return Fix("code", f"return tensors only, or torch.tensor({place.text}) where the number matters")
    return Fix("code", "return a tuple or dict of tensors only")
