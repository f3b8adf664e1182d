"""Which modules behave otherwise in training mode.

A freshly made model is in training mode everywhere, and for a ``Linear`` that means nothing. Only modules whose answer
depends on the flag are worth a word; naming the others would bury them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from inspect import unwrap
from types import CodeType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from torch import nn

__all__ = ["depends_on_mode", "hidden_modules", "is_random_in_training"]


def is_random_in_training(module: nn.Module) -> bool:
    """Return whether `module` draws random numbers in training mode: dropout in all its forms, RReLU."""
    from torch import nn
    from torch.nn.modules import dropout

    # torch has no public name for what its six kinds of dropout share.
    kinds = dropout._DropoutNd  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return (isinstance(module, kinds) and module.p > 0) or isinstance(module, nn.RReLU)


def depends_on_mode(module: nn.Module) -> bool:
    """Return whether `module` itself, without its children, answers otherwise in training mode."""
    from torch import nn
    from torch.nn.modules import batchnorm

    norms = batchnorm._NormBase  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # also InstanceNorm's base
    if is_random_in_training(module):
        return True
    if isinstance(module, norms):
        # Without running statistics a norm uses the batch's own in both modes.
        return module.running_mean is not None
    if isinstance(module, nn.RNNBase):
        return module.dropout > 0 and module.num_layers > 1
    if isinstance(module, nn.MultiheadAttention):
        return module.dropout > 0
    if type(module).__module__.startswith("torch.nn."):
        return False
    if _dropout_is_off(module):
        return False
    # Decorators, as transformers has them on every forward, hide the code behind their own.
    return _reads_training(getattr(unwrap(type(module).forward), "__code__", None))


def hidden_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield modules kept in plain lists, tuples, dicts and sets, which PyTorch does not know of.

    Yields
    ------
    path : str
        As a person writes it: ``"encoder.blocks[0]"``, ``"heads['a']"``.
    module : torch.nn.Module
    """
    from torch import nn

    known = {id(m) for m in model.modules()}
    for path, owner in model.named_modules():
        for name, held in vars(owner).items():
            if name.startswith("_") and name in _TORCH_OWN:
                continue
            for place, item in _items(held):
                if isinstance(item, nn.Module) and id(item) not in known:
                    known.add(id(item))
                    yield f"{path}.{name}{place}" if path else f"{name}{place}", item


# The registers that torch itself keeps in every module.
_TORCH_OWN = frozenset({"_parameters", "_buffers", "_modules"})


# What holds more, or nests deeper, is data: a vocabulary, a table.
_MOST_ITEMS, _DEEPEST = 10_000, 3


def _items(held: object, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield what is in a plain container, and in containers in it, with its place written as a person does."""
    # Only the length of a container is asked for: what torch packs for its kernels says it has one, and raises.
    if not isinstance(held, (Mapping, list, tuple, set, frozenset)) or len(cast("Sized", held)) > _MOST_ITEMS:
        return
    is_dict = isinstance(held, Mapping)
    pairs = cast("Mapping[Any, Any]", held).items() if is_dict else enumerate(cast("list[Any]", held))
    for key, item in pairs:
        yield f"[{key!r}]", item
        if depth == _DEEPEST:
            continue
        for place, inner in _items(item, depth + 1):
            yield f"[{key!r}]{place}", inner


def _dropout_is_off(module: nn.Module) -> bool:
    """Return whether `module` keeps dropout rates (``attention_dropout``, ``drop_prob``) and all are zero."""
    rates = [v for name, v in vars(module).items() if "drop" in name and isinstance(v, (int, float))]
    return bool(rates) and not any(rates)


def _reads_training(code: CodeType | None) -> bool:
    """Return whether a function reads an attribute called ``training``, inner functions included.

    The code object is asked rather than the source text: a class typed into a notebook may have lost its source.
    """
    if code is None:
        return False
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return "training" in code.co_names or any(map(_reads_training, inner))
