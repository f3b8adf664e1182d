"""The user's module, run a thousand times, with the care of a first run and without its price.

A run in the proof is watched operator by operator, because weights are too large to copy. Here that would cost more
than a small model itself. So small weights are copied once and compared at the end; only large ones are watched, and
there an operator takes longer than the watching.
"""

from __future__ import annotations

import contextlib
from typing import Final

import torch

from onnxmagic.disk.interrupt import deferred_interrupt
from onnxmagic.export.eager import Outputs, outputs_of
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.modules import all_modules, own_parameters
from onnxmagic.export.state import State, storage_key

__all__ = ["Forward", "run_plainly"]

MOST_COPIED: Final = 64 * 2**20
"""Largest weights that are copied, in bytes."""


class Forward:
    """Runs the module of an example, inside a guard; ``restore`` gives it back what it wrote into its weights."""

    def __init__(self, model: torch.nn.Module, guard: Guard) -> None:
        self._guard = guard
        weights = {
            storage_key(tensor): tensor
            for tensor in (
                *(parameter for module in all_modules(model) for parameter in own_parameters(module)),
                *State(model).tensors(),
            )
        }
        storages = [tensor.untyped_storage() for key, tensor in weights.items() if key is not None]
        # A model that is put back before every run is put back by what watches it.
        small = sum(storage.nbytes() for storage in storages) <= MOST_COPIED and not guard.always_rewinds
        self._kept = [(storage, storage.clone()) for storage in storages] if small else None

    def __call__(self, example: Example) -> Outputs:
        """Run the module once, without gradients, and return its tensors.

        Raises
        ------
        Exception
            Whatever the module raises.
        """
        self._guard.restart()
        with self._guard.watching() if self._kept is None else contextlib.nullcontext():
            return run_plainly(example)

    def restore(self) -> None:
        """Write back what was copied, where it is otherwise now."""
        with deferred_interrupt():
            for storage, content in self._kept or ():
                if not _equal(storage, content):
                    storage.copy_(content)


def run_plainly(example: Example) -> Outputs:
    """Run the module once, without gradients, with nothing around it.

    Raises
    ------
    Exception
        Whatever the module raises.
    """
    with torch.no_grad():
        # Clones, so that a forward that writes into its input changes neither the user's data nor what the file is fed
        # with.
        args, kwargs = example.call_with([leaf.value.clone() for leaf in example.tensors])
        return outputs_of(example.model(*args, **kwargs))


def _equal(a: torch.UntypedStorage, b: torch.UntypedStorage) -> bool:
    x, y = (torch.empty(0, dtype=torch.uint8, device=s.device).set_(s) for s in (a, b))
    return torch.equal(x, y)
