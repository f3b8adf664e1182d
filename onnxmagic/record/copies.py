"""Copies of values as they are at this moment, in the containers they are in.

Nothing of the user's is touched: no autograd, no random state, no hooks. Tensors are cloned where they lie. An object
of some class (a cache) is copied by ``copy.deepcopy``, which finds the clones already in its memo: a tensor that is no
leaf of autograd could not be deep-copied otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from onnxmagic.record.sketch import Sketch

__all__ = ["Uncopied", "copied", "without_values"]


@dataclass(frozen=True, slots=True)
class Uncopied:
    """Stands in a copy for what could not be copied; ``kind`` is its class, ``"generator"``."""

    kind: str


def copied(value: Any, looked: Sketch) -> Any:
    """Return a copy of `value`, with the same object wherever `value` has the same object.

    Parameters
    ----------
    value
    looked : Sketch
        What was found in it.
    """
    # Copies made in inference mode would stay inference tensors, of no use to whoever wants a gradient later.
    with torch.inference_mode(False), torch.no_grad():
        return _rebuilt(value, _memo(looked, _clone))


def without_values(value: Any, looked: Sketch) -> Any:
    """Return a copy of `value` whose tensors are on the meta device, and whose arrays take no memory."""
    with torch.inference_mode(False), torch.no_grad():
        return _rebuilt(value, _memo(looked, _shape_only))


def _memo(looked: Sketch, replaced: Callable[[Any], Any]) -> dict[int, Any]:
    memo = {id(leaf): replaced(leaf) for leaf in looked.leaves}
    memo |= {id(one): one for one in looked.references}
    return memo | {id(one): Uncopied(type(one).__name__) for one in looked.left}


def _clone(leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, torch.Tensor) else np.copy(leaf, subok=True)


def _shape_only(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return torch.empty_like(leaf.detach(), device="meta")
    return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)


def _rebuilt(value: Any, memo: dict[int, Any]) -> Any:
    """Rebuild what torch's own calls are made of by hand, so that one part that cannot be copied costs only itself."""
    if id(value) in memo:
        return memo[id(value)]
    kind = type(value)
    if kind is list:
        memo[id(value)] = parts = list[Any]()  # known before it is filled: a list may hold itself
        parts.extend(_rebuilt(part, memo) for part in value)
        return parts
    if kind is dict:
        memo[id(value)] = items = dict[Any, Any]()
        items.update((name, _rebuilt(part, memo)) for name, part in value.items())
        return items
    if kind is tuple or (issubclass(kind, tuple) and hasattr(kind, "_make")):
        parts = [_rebuilt(part, memo) for part in value]
        return memo.setdefault(id(value), tuple(parts) if kind is tuple else cast("Any", kind)._make(parts))
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001 -- a class's own __deepcopy__ or __reduce__ may raise whatever it likes
        return memo.setdefault(id(value), Uncopied(kind.__name__))
