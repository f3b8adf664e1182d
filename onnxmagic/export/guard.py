"""The promise that the notebook is afterwards as it was before.

Everything that runs the user's code runs inside one ``Guard``. It remembers what forward may change and puts it back on
every way out: success, failure, interrupt.

- What is small is copied at the start (``state``): flags and attributes of every module, buffers, random state, warning
  filters.
- Parameters are not copied, a copy could be gigabytes. They are watched instead: while ``watching()``, an operator that
  is about to write into a parameter or an input makes a copy of it first.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from onnxmagic.disk.interrupt import deferred_interrupt
from onnxmagic.export.modules import all_modules, own_buffers, own_parameters
from onnxmagic.export.process import Numbers, process_state, random_state
from onnxmagic.export.state import State, moved, storage_key

__all__ = ["Guard", "written"]


class Guard:
    """A context that undoes whatever running `model` changed in it, in `tensors` and in the process.

    Parameters
    ----------
    model : torch.nn.Module
    tensors : iterable of torch.Tensor
        The example's tensors, watched like parameters.

    Attributes
    ----------
    always_rewinds : bool
        Every run begins with ``restart``, because the model's answer depends on what an earlier run wrote.
    """

    def __init__(self, model: torch.nn.Module, tensors: Iterable[torch.Tensor] = ()) -> None:
        self._model = model
        self._tensors = list(tensors)
        self._undo = contextlib.ExitStack()
        self.always_rewinds = False

    def __enter__(self) -> Guard:
        with contextlib.ExitStack() as undo:
            undo.enter_context(process_state())
            undo.enter_context(random_state())
            first = self._state = State(self._model)
            self._watch = _WritesUndone([*_tensors_of(self._model), *first.tensors(), *self._tensors])
            self._numbers = Numbers()
            undo.callback(first.restore_attributes)
            for module in all_modules(self._model):
                for parameter in own_parameters(module):
                    undo.callback(_parameter(parameter))
            undo.callback(first.restore_buffers)
            undo.callback(self._watch.undo_all)
            undo.callback(self.rewind)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        with deferred_interrupt():
            self._undo.close()

    def mark(self) -> None:
        """Remember the model as it is now: from here on ``rewind`` leads back to this moment, not to the beginning."""
        self._state = State(self._model, earlier=self._state)
        self._watch.mark(self._state.tensors())
        self._numbers = Numbers()

    def rewind(self) -> None:
        """Give the model's state and the example's tensors back now, before the guard ends."""
        with deferred_interrupt():
            self._watch.undo()
            self._state.restore_buffers()
            self._state.restore_attributes()

    def restart(self) -> None:
        """Rewind, if this model's answer depends on what it did before."""
        if self.always_rewinds:
            self.rewind()

    def changes(self) -> list[tuple[torch.nn.Module, str]]:
        """Return what the runs since the mark changed: a module and the name of its attribute, buffer or weight."""
        return list(self._state.changes(self.changed_storages()))

    def changed_storages(self) -> Collection[int]:
        """Return the storages of watched tensors that hold something else than at the mark."""
        return self._watch.changed()

    @property
    def numbers(self) -> Numbers:
        """The random numbers that the first run after the mark got."""
        return self._numbers

    @property
    def wrote(self) -> bool:
        """Whether the model has written into a tensor of its own, or of the example, since the guard began."""
        return self._watch.wrote

    def watching(self) -> TorchDispatchMode:
        """Return the context in which PyTorch operators may run on the user's own tensors."""
        return self._watch


class _WritesUndone(TorchDispatchMode):
    """Copies a watched tensor's storage just before the first operator writes into it, once for each mark."""

    supports_higher_order_operators = True

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self._watched = _keys(tensors)
        self._saved: list[dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]]] = [{}]
        # Batch norm writes its statistics through operators whose schema does not say so; the version counters do.
        self._versions = [(tensor, tensor._version) for tensor in tensors if not tensor.is_inference()]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the only way to see such a write

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        schema = getattr(func, "_schema", None)
        if schema is not None and schema.is_mutable:
            for tensor in written(schema, args, kwargs or {}):
                self._save(tensor)
        return func(*args, **(kwargs or {}))

    def _save(self, tensor: torch.Tensor) -> None:
        key = storage_key(tensor)
        if key in self._watched and key not in self._saved[-1]:
            storage = tensor.untyped_storage()
            self._saved[-1][key] = (storage, storage.clone())

    @property
    def wrote(self) -> bool:
        return any(self._saved) or any(tensor._version != before for tensor, before in self._versions)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above

    def mark(self, tensors: Iterable[torch.Tensor]) -> None:
        """Save anew from here on; watch `tensors` too."""
        self._watched |= _keys(tensors)
        self._saved.append({})

    def changed(self) -> Collection[int]:
        """Return the storages that hold something else than at the last mark."""
        return {key for key, (now, content) in self._saved[-1].items() if not _equal_bytes(now, content)}

    def undo(self) -> None:
        """Write back what was saved since the last mark."""
        for storage, content in self._saved[-1].values():
            storage.copy_(content)
        self._saved[-1].clear()

    def undo_all(self) -> None:
        """Write back what was saved since the beginning."""
        while len(self._saved) > 1:
            self.undo()
            self._saved.pop()
        self.undo()


def written(schema: Any, args: Any, kwargs: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors that an operator with `schema` writes into when called with these arguments."""
    for position, argument in enumerate(schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, torch.Tensor):
                yield item


def _keys(tensors: Iterable[torch.Tensor]) -> set[int]:
    return {key for tensor in tensors if (key := storage_key(tensor)) is not None}


def _equal_bytes(a: torch.UntypedStorage, b: torch.UntypedStorage) -> bool:
    x, y = (torch.empty(0, dtype=torch.uint8, device=s.device).set_(s) for s in (a, b))
    return torch.equal(x, y)


def _tensors_of(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    for module in all_modules(model):
        yield from own_parameters(module)
        yield from own_buffers(module)


def _parameter(parameter: torch.nn.Parameter) -> Any:
    data, requires_grad, grad = parameter.data, parameter.requires_grad, parameter.grad

    def undo() -> None:
        if moved(parameter, data):
            parameter.data = data
        if parameter.requires_grad != requires_grad:
            parameter.requires_grad_(requires_grad)
        if parameter.grad is not grad:
            parameter.grad = grad

    return undo
