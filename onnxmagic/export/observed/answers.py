"""What PyTorch answers, to tell whether a call told in another form is still the same call.

The recorded outputs are the answer wherever they were made as the file will be compared: in eval mode, without
autocast. Elsewhere the model is asked once more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from onnxmagic.errors import CaptureFailed
from onnxmagic.export.compare import BY_DTYPE
from onnxmagic.export.eager import Outputs, outputs_of, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.modules import all_modules, own_parameters
from onnxmagic.export.observed.taken import Taken
from onnxmagic.export.state import storage_key

__all__ = ["Answers", "agree"]


class Answers:
    """Asks one model.

    Parameters
    ----------
    model : torch.nn.Module
    guard : Guard
        The model runs inside it.
    plain_output : callable
        Makes a recorded output plain.
    """

    def __init__(self, model: torch.nn.Module, guard: Guard, plain_output: Callable[[Any], Any]) -> None:
        self._model = model
        self._guard = guard
        self._plain = plain_output
        self._weights = {
            key for m in all_modules(model) for p in own_parameters(m) if (key := storage_key(p)) is not None
        }
        self._usual: tuple[Example, frozenset[int]] | None = None
        self._known: dict[int, Outputs | None] = {}

    def recorded(self, taken: Taken) -> Outputs | None:
        """Return what was recorded; None where the file cannot be compared with that."""
        call = taken.call
        if not call.kept or call.training or call.autocast:
            return None
        try:
            return outputs_of(self._plain(call.output))
        except CaptureFailed:  # the first run meets it again, and says what a graph can return
            return None

    def expected(self, taken: Taken) -> Outputs | None:
        """Return what the model gives on a call as it was made; None where it gives nothing to compare."""
        number = taken.call.number
        if number not in self._known:
            self._known[number] = self.recorded(taken) or self._asked(taken)
        return self._known[number]

    def given(self, example: Example) -> Outputs | None:
        """Return what the model gives on `example`; None where it does not take it."""
        try:
            return run_model(example, self._guard)
        except Exception:  # noqa: BLE001  # whatever the model raises is its refusal
            return None

    def weights(self, example: Example) -> frozenset[int]:
        """Return the weights that the model uses on `example`, which is run once."""
        if self._usual is None or self._usual[0] is not example:
            self._usual = (example, self.given_by(example)[1])
        return self._usual[1]

    def given_by(self, example: Example) -> tuple[Outputs | None, frozenset[int]]:
        """Return what the model gives on `example`, and the weights that it uses for it."""
        with _Uses(self._weights) as uses:
            got = self.given(example)
        return got, frozenset(uses.seen)

    def _asked(self, taken: Taken) -> Outputs | None:
        try:
            example = taken.example(self._model)
        except Exception:  # noqa: BLE001  # such a call has no example, so nothing can be compared with it
            return None
        return self.given(example)


def agree(got: Outputs | None, expected: Outputs | None) -> bool:
    """Tell whether two answers are one within rounding, as two ways to compute the same may round.

    The file's own outputs are compared with the recorded ones later and more strictly.
    """
    if got is None or expected is None or len(got.tensors) != len(expected.tensors):
        return False
    return all(_alike(a, b) for a, b in zip(got.tensors, expected.tensors, strict=True))


def _alike(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    a = a.to(b.device)
    if not b.is_floating_point():
        return torch.equal(a, b)
    largest = float(b.abs().masked_fill(~b.isfinite(), 0).max()) if b.numel() else 0.0
    return torch.allclose(a, b, rtol=0, atol=largest * BY_DTYPE.get(b.dtype, 1e-4), equal_nan=True)


class _Uses(TorchDispatchMode):
    """Notes which of the given storages operators read."""

    supports_higher_order_operators = True

    def __init__(self, storages: Collection[int]) -> None:
        super().__init__()
        self._storages = storages
        self.seen: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for value in pytree.arg_tree_leaves(*args, **(kwargs or {})):
            if isinstance(value, torch.Tensor) and (key := storage_key(value)) in self._storages and key is not None:
                self.seen.add(key)
        return func(*args, **(kwargs or {}))
