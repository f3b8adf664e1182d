"""Walking a model, also where ``model.modules()`` does not look.

A module kept in a plain list or dict is no submodule for torch: ``eval()`` does not reach it and ``state_dict()`` does
not save it, but forward runs it all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

__all__ = ["all_modules", "own_buffers", "own_parameters"]


def all_modules(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield `model` and every module below it once, also those kept in plain lists, tuples and dicts."""
    seen: set[int] = set()
    queue: list[object] = [model]
    while queue:
        value = queue.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.nn.Module):
            yield value
            queue.extend(value._modules.values())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # children() may be overridden
            queue.extend(item for item in vars(value).values() if isinstance(item, (list, tuple, dict)))
        else:
            queue.extend(_modules_in(value))


def own_parameters(module: torch.nn.Module) -> Iterator[torch.nn.Parameter]:
    """Yield the parameters of `module` itself."""
    yield from (p for p in module._parameters.values() if p is not None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # parameters() may be overridden


def own_buffers(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    """Yield the buffers of `module` itself."""
    yield from (b for b in module._buffers.values() if b is not None)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # buffers() may be overridden


def _modules_in(container: object) -> Iterator[torch.nn.Module]:
    items = container.values() if isinstance(container, dict) else container
    yield from (item for item in items if isinstance(item, torch.nn.Module))  # type: ignore[union-attr]  # a dict, list or tuple
