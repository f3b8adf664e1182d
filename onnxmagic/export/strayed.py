"""Where the module that runs and the program that PyTorch captured part: the innermost module, by their outputs.

Capturing decides by the example what Python decides at each call, so the program may be another than the module at
other sizes; then the file agrees with the program everywhere and with the module nowhere. No names pair them, only what
each module returned: some value of the program, made in that module, must be like it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook
from torch.utils import _pytree as pytree

from onnxmagic.export.example import Example

__all__ = ["first_unlike", "module_of", "strayed"]

CLOSE = 1e-3
"""Relative difference up to which two values are the same; a decision that went another way is far above."""


def module_of(node: torch.fx.Node) -> str | None:
    """Return the path of the module that `node` was captured in; None when it is not known."""
    paths = _scopes(node)
    return paths[-1] if paths else None


def strayed(example: Example, values: Mapping[torch.fx.Node, Any]) -> str | None:
    """Return the path of the first module, inner ones first, that returns what the program computes nowhere in it.

    Parameters
    ----------
    example : Example
        The call, at sizes where they differ.
    values : mapping
        Nodes of the captured program to what they gave on it.
    """
    inside: dict[str, list[torch.Tensor]] = {}
    for node, value in values.items():
        for path in _scopes(node):
            inside.setdefault(path, []).extend(_tensors(value))
    return first_unlike(example, inside)


def first_unlike(example: Example, inside: Mapping[str, Sequence[torch.Tensor]], close: float = CLOSE) -> str | None:
    """Return the path of the first module, inner ones first, whose outputs are not all among the values `inside` it.

    Parameters
    ----------
    inside : mapping
        Module paths to values that were computed in the module; of a module without any nothing is said.
    close : float
        Largest difference between values that are the same, relative to the largest of them.
    """
    for path, outputs in _returned(example):
        candidates = inside.get(path)
        if candidates and not all(any(_alike(output, other, close) for other in candidates) for output in outputs):
            return path
    return None


def _scopes(node: torch.fx.Node) -> list[str]:
    """Return the module paths around `node`, outermost first; a second call of a module is ``path@1`` to torch."""
    stack: Any = node.meta.get("nn_module_stack") or {}
    paths = [re.sub(r"@\d+", "", str(path)) for path, _ in stack.values()]
    return [path for path in paths if not path.startswith("_empty_nn_module_stack")]


def _returned(example: Example) -> list[tuple[str, list[torch.Tensor]]]:
    """Run the module and return what each of its modules gave, in the order in which they returned."""
    paths = {id(module): path for path, module in example.model.named_modules()}
    thread, record = threading.get_ident(), list[tuple[str, list[torch.Tensor]]]()

    def note(module: torch.nn.Module, _inputs: Any, result: Any) -> None:
        if threading.get_ident() == thread and id(module) in paths:
            record.append((paths[id(module)], [tensor.detach().clone() for tensor in _tensors(result)]))

    handle = register_module_forward_hook(note)  # a hook for all modules, so that none of the user's gets one
    try:
        with torch.no_grad():
            call = example.with_tensors([leaf.value.clone() for leaf in example.tensors])
            call.model(*call.args, **call.kwargs)
    finally:
        handle.remove()
    return record


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor))


def _alike(a: torch.Tensor, b: torch.Tensor, close: float) -> bool:
    if a.numel() != b.numel() or a.dtype != b.dtype:
        return False
    a, b = a.reshape(-1).to(b.device), b.reshape(-1)
    if not a.is_floating_point():
        return bool((a == b).all())
    scale = float(a.abs().masked_fill(~a.isfinite(), 0).max()) if a.numel() else 0.0
    return torch.allclose(a, b, rtol=0, atol=close * scale, equal_nan=True)
