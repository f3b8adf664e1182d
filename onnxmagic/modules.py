"""What is a PyTorch module, asked without importing torch.

The magics and the tab completion must not import torch (one to two seconds). They need not: where nobody imported it,
there are no modules.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from typing_extensions import TypeIs

__all__ = ["call_of", "called_module", "is_module", "is_module_class", "modules_in"]


def _module_class() -> type | None:
    # A half-imported torch (an interrupted `import torch`) has no `nn` yet.
    found = getattr(getattr(sys.modules.get("torch"), "nn", None), "Module", None)
    return found if isinstance(found, type) else None


def is_module(value: object) -> TypeIs[torch.nn.Module]:
    """Return whether `value` is a ``torch.nn.Module``."""
    base = _module_class()
    return base is not None and isinstance(value, base)


def is_module_class(value: object) -> bool:
    """Return whether `value` is a class of modules."""
    base = _module_class()
    return base is not None and isinstance(value, type) and issubclass(value, base)


def called_module(called: object) -> torch.nn.Module | None:
    """Return the module that a call of `called` runs: the module itself, or the owner of a ``forward``."""
    if is_module(called):
        return called
    owner = getattr(called, "__self__", None)
    if inspect.ismethod(called) and called.__name__ in ("forward", "__call__", "_call_impl", "_wrapped_call_impl"):
        return owner if is_module(owner) else None
    return None


def modules_in(namespace: Mapping[str, Any]) -> list[str]:
    """Return the names of the modules in `namespace`, the ones IPython keeps for old outputs left out."""
    return [name for name, value in namespace.items() if not name.startswith("_") and is_module(value)]


def call_of(source: str, model: torch.nn.Module) -> str:
    """Return a call of `model`, named `source`, with the arguments that its ``forward`` must have."""
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return f"{source}(...)"
    needed = [
        p.name for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    needed += [f"{p.name}=..." for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    return f"{source}({', '.join(needed) or '...'})"
