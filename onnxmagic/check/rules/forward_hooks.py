"""# forward-hooks: hooks on the model are part of what is exported.

## What it finds

Forward hooks and forward pre-hooks on the model or its submodules, and global ones. Hooks that torch sets itself, for
weight norm or pruning, are not counted.

## Why it hurts

A hook that changes a value changes it in the file too, for ever, and nothing in the model's code says so. A hook that
only looks (for a plot, for a feature extractor) does no harm in the file, but it ran during the export.

## How to mend it

Remove the hook before the export, with the handle that `register_forward_hook` returned: `handle.remove()`. What should
happen in the file belongs into `forward`.

## Bad example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 2)).eval()
    model[0].register_forward_hook(lambda module, args, output: output * 100)
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 2)).eval()
    handle = model[0].register_forward_hook(lambda module, args, output: output * 100)
    handle.remove()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed, module_name

if TYPE_CHECKING:
    from torch import nn

RULE = Rule("OM108", "forward-hooks", "info", "model")

_REMOVE = Fix("code", "handle.remove()")


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for all hooks on modules, and one for global hooks."""
    from torch.nn.modules import module as registers

    hooked = [(path, module, own) for path, module in evidence.model.named_modules() if (own := _hooks(module))]
    if hooked:
        path, first, hooks = hooked[0]
        others = {0: "has", 1: "and one other module have"}.get(
            len(hooked) - 1, f"and {len(hooked) - 1} other modules have"
        )
        count = sum(len(own) for _, _, own in hooked)
        names = listed(dict.fromkeys(_name(hook) for _, _, own in hooked for hook in own))
        what = "a forward hook" if count == 1 else "forward hooks"
        yield RULE.finding(
            f"{module_name(path, type(first).__name__)} {others} {what} ({names}): what "
            f"{'it does' if count == 1 else 'they do'} to values is part of the file.",
            where=Where(module=path, function=_name(hooks[0])),
            fix=_REMOVE,
            count=count,
        )
    everywhere = [*registers._global_forward_hooks.values(), *registers._global_forward_pre_hooks.values()]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # torch has no other way to ask
    if everywhere:
        yield RULE.finding(
            f"Global forward hooks are set ({listed(map(_name, everywhere))}): what they do to values is part of the "
            "file.",
            fix=_REMOVE,
            count=len(everywhere),
        )


def _hooks(module: nn.Module) -> list[Any]:
    hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # torch has no other way to ask
    return [hook for hook in hooks if not str(getattr(hook, "__module__", "")).startswith("torch.")]


def _name(hook: Any) -> str:
    name = str(getattr(hook, "__qualname__", type(hook).__name__))
    return name.rpartition("<locals>.")[2]
