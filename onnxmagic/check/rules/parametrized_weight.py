"""# parametrized-weight: a weight is still computed from others.

## What it finds

Modules with weight norm, spectral norm, pruning or another parametrization still attached.

## Why it hurts

Little: the exporter computes the weight once and stores the result. But the stored weight has lost its name (it is
called `mul` or `div`), so tools that look for `conv.weight` do not find it, and other exporters keep the computation
or refuse it.

## How to mend it

Make it a plain weight before the export, on a copy of the model if the training goes on:
`torch.nn.utils.parametrize.remove_parametrizations(module, "weight")`, `torch.nn.utils.remove_weight_norm(module)`,
`torch.nn.utils.prune.remove(module, "weight")`.

## Bad example

    import torch
    from torch import nn
    from torch.nn.utils.parametrizations import weight_norm

    model = nn.Sequential(weight_norm(nn.Linear(4, 2))).eval()
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn
    from torch.nn.utils.parametrizations import weight_norm
    from torch.nn.utils.parametrize import remove_parametrizations

    model = nn.Sequential(weight_norm(nn.Linear(4, 2))).eval()
    remove_parametrizations(model[0], "weight")
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, enumerated, listed, member

if TYPE_CHECKING:
    from torch import nn

RULE = Rule("OM110", "parametrized-weight", "info", "model")

_REMOVE = {
    "WeightNorm": ("weight norm", "torch.nn.utils.remove_weight_norm({module})"),
    "SpectralNorm": ("spectral norm", "torch.nn.utils.remove_spectral_norm({module})"),
}


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for all weights that are computed from others."""
    # A parametrization's own modules hang below the module whose weight they compute.
    found = [(path, *one) for path, module in evidence.model.named_modules() for one in _computed(module)]
    if not found:
        return
    path, name, _, cure = found[0]
    many = len(found) > 1
    weights = [f"{p}.{n}" if p else n for p, n, _, _ in found]
    kinds = enumerated([code(kind) for kind in dict.fromkeys(kind for _, _, kind, _ in found)])
    yield RULE.finding(
        f"{listed(weights)} {'are' if many else 'is'} still computed by {kinds}. The file holds the "
        f"{'results' if many else 'result'}, not under {'these names' if many else 'this name'}.",
        where=Where(module=path),
        fix=Fix("code", cure.format(module=member(path), name=name)),
        count=len(found),
    )


def _computed(module: nn.Module) -> Iterator[tuple[str, str, str]]:
    """Yield what of `module` is computed: the weight's name, by what, and how to end it."""
    for name, steps in _parametrizations(module).items():
        kinds = "+".join(type(step).__name__.removeprefix("_") for step in steps)
        yield name, kinds, 'torch.nn.utils.parametrize.remove_parametrizations({module}, "{name}")'
    for hook in module._forward_pre_hooks.values():  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # torch has no other way to ask
        kind, origin = type(hook).__name__, type(hook).__module__
        if not origin.startswith("torch.nn.utils."):
            continue
        if kind in _REMOVE:
            said, cure = _REMOVE[kind]
            yield str(getattr(hook, "name", "weight")), said, cure
        elif origin == "torch.nn.utils.prune":
            yield (
                str(getattr(hook, "_tensor_name", "weight")),
                "pruning",
                'torch.nn.utils.prune.remove({module}, "{name}")',
            )


def _parametrizations(module: nn.Module) -> dict[str, Any]:
    from torch.nn.utils import parametrize

    if not parametrize.is_parametrized(module):
        return {}
    held: Any = module.parametrizations
    return dict(held.items())
