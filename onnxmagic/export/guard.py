"""The promise that the notebook is afterwards as it was before.

Everything that runs the user's code runs inside one ``Guard``. It remembers what forward may change and puts it back on
every way out: success, failure, interrupt.

- What is small is copied at the start: flags and attributes of every module, buffers, random state, warning filters.
- Parameters are not copied, a copy could be gigabytes. They are watched instead: while ``watching()``, an operator that
  is about to write into a parameter or an input makes a copy of it first.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from onnxmagic.export.modules import all_modules, own_buffers, own_parameters
from onnxmagic.export.process import deferred_interrupt, process_state, random_state

__all__ = ["Guard", "written"]

MOST_CONTAINERS = 100_000
"""Attributes with more lists and dicts than this are data, not state; their inside is not remembered."""


class Guard:
    """A context that undoes whatever running `model` changed in it, in `tensors` and in the process.

    Parameters
    ----------
    model : torch.nn.Module
    tensors : iterable of torch.Tensor
        The example's tensors, watched like parameters.
    """

    def __init__(self, model: torch.nn.Module, tensors: Iterable[torch.Tensor] = ()) -> None:
        self._model = model
        self._watch = _WritesUndone([*_tensors_of(model), *tensors])
        self._undo = contextlib.ExitStack()
        self._contents: list[Callable[[], None]] = []

    def __enter__(self) -> Guard:
        with contextlib.ExitStack() as undo:
            undo.enter_context(process_state())
            undo.enter_context(random_state())
            for module in all_modules(self._model):
                undo.callback(_attributes(module))
                for parameter in own_parameters(module):
                    undo.callback(_parameter(parameter))
                self._contents += [_content(buffer) for buffer in own_buffers(module)]
            undo.callback(self.rewind)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        with deferred_interrupt():
            self._undo.close()

    def rewind(self) -> None:
        """Give the model's tensors and the example's their contents back now, before the guard ends."""
        with deferred_interrupt():
            self._watch.undo()
            for content in self._contents:
                content()

    @property
    def wrote(self) -> bool:
        """Whether the model has written into a tensor of its own, or of the example, since the guard began."""
        return self._watch.wrote

    def watching(self) -> TorchDispatchMode:
        """Return the context in which PyTorch operators may run on the user's own tensors."""
        return self._watch


class _WritesUndone(TorchDispatchMode):
    """Copies a watched tensor's storage just before the first operator writes into it."""

    supports_higher_order_operators = True

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self._watched = {key for tensor in tensors if (key := _storage_key(tensor)) is not None}
        self._saved: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        # Batch norm writes its statistics through operators whose schema does not say so; the version counters do.
        self._versions = [(tensor, tensor._version) for tensor in tensors if not tensor.is_inference()]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the only way to see such a write

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        schema = getattr(func, "_schema", None)
        if schema is not None and schema.is_mutable:
            for tensor in written(schema, args, kwargs or {}):
                self._save(tensor)
        return func(*args, **(kwargs or {}))

    def _save(self, tensor: torch.Tensor) -> None:
        key = _storage_key(tensor)
        if key in self._watched and key not in self._saved:
            storage = tensor.untyped_storage()
            self._saved[key] = (storage, storage.clone())

    @property
    def wrote(self) -> bool:
        return bool(self._saved) or any(tensor._version != before for tensor, before in self._versions)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # as above

    def undo(self) -> None:
        """Write the saved contents back."""
        for storage, content in self._saved.values():
            storage.copy_(content)
        self._saved.clear()


def written(schema: Any, args: Any, kwargs: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors that an operator with `schema` writes into when called with these arguments."""
    for position, argument in enumerate(schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[position] if position < len(args) else kwargs.get(argument.name)
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, torch.Tensor):
                yield item


def _storage_key(tensor: torch.Tensor) -> int | None:
    try:
        return tensor.untyped_storage()._cdata  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the storage's identity; data_ptr is 0 for empty ones
    except (NotImplementedError, RuntimeError):  # sparse and opaque tensors have no storage
        return None


def _tensors_of(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    for module in all_modules(model):
        yield from own_parameters(module)
        yield from own_buffers(module)
        yield from (value for value in vars(module).values() if isinstance(value, torch.Tensor))


def _attributes(module: torch.nn.Module) -> Any:
    """Return a function that gives `module` its attributes back, and its lists and dicts their items."""
    attributes = dict(vars(module))
    containers = [(container, _copy(container)) for container in _containers(attributes)]

    def undo() -> None:
        for container, items in containers:
            _refill(container, items)
        now = vars(module)
        if now.keys() != attributes.keys() or any(now[name] is not value for name, value in attributes.items()):
            now.clear()
            now.update(attributes)

    return undo


def _containers(attributes: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    seen: set[int] = set()
    queue = deque(attributes.values())
    while queue and len(found) < MOST_CONTAINERS:
        value = queue.popleft()
        if not isinstance(value, (dict, list, set)) or id(value) in seen:
            continue
        seen.add(id(value))
        found.append(value)
        queue.extend(value.values() if isinstance(value, dict) else value)
    return found


def _copy(container: Any) -> list[Any]:
    return list(container.items()) if isinstance(container, dict) else list(container)


def _refill(container: Any, items: list[Any]) -> None:
    now = _copy(container)
    if len(now) == len(items) and all(_same(a, b) for a, b in zip(now, items, strict=True)):
        return
    if isinstance(container, list):
        container[:] = items
        return
    container.clear()
    container.update(items)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b) == 2:
        return a[0] is b[0] and a[1] is b[1]
    return a is b


def _parameter(parameter: torch.nn.Parameter) -> Any:
    data, requires_grad, grad = parameter.data, parameter.requires_grad, parameter.grad

    def undo() -> None:
        if _moved(parameter, data):
            parameter.data = data
        if parameter.requires_grad != requires_grad:
            parameter.requires_grad_(requires_grad)
        if parameter.grad is not grad:
            parameter.grad = grad

    return undo


def _content(buffer: torch.Tensor) -> Callable[[], None]:
    # Copied, not watched: batch norm writes its statistics through operators whose schema does not say so.
    data, content = buffer.data, buffer.detach().clone()

    def undo() -> None:
        if _moved(buffer, data):
            buffer.data = data
        if not _equal(data, content):
            data.copy_(content)

    return undo


def _moved(tensor: torch.Tensor, data: torch.Tensor) -> bool:
    return (
        _storage_key(tensor) != _storage_key(data)
        or tensor.shape != data.shape
        or tensor.dtype != data.dtype
        or (tensor.layout is torch.strided and tensor.stride() != data.stride())
    )


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    if not a.is_floating_point():
        return torch.equal(a, b)
    return bool(((a == b) | (a.isnan() & b.isnan())).all())
