"""What a model keeps besides its weights, remembered at one moment.

Forward may write into buffers, assign attributes, append to a list in one of them, draw from a generator of its own.
All of that is small, so it is copied: to be put back, and to be told apart (``changes``) where a model goes on
differently after a run. Weights are not copied here, see ``guard``.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from onnxmagic.export.containers import Container, inside, is_same
from onnxmagic.export.modules import all_modules, own_buffers, own_parameters

__all__ = ["State", "moved", "same_tensor", "storage_key"]

_REGISTERS = ("_parameters", "_buffers", "_modules")


class State:
    """The state of `model` now, without its weights.

    Parameters
    ----------
    model : torch.nn.Module
    earlier : State, optional
        An earlier moment; buffers that have not changed since are not copied twice.
    """

    def __init__(self, model: torch.nn.Module, earlier: State | None = None) -> None:
        known = earlier.buffers() if earlier else {}
        self._modules = [_OfModule(module, known) for module in all_modules(model)]

    def buffers(self) -> dict[int, _Content]:
        """Return what was in each buffer, by the buffer's identity."""
        return {key: content for module in self._modules for key, content in module.buffers.items()}

    def restore_buffers(self) -> None:
        """Give the buffers their contents back."""
        for module in self._modules:
            for content in module.buffers.values():
                content.restore()

    def restore_attributes(self) -> None:
        """Give the modules their attributes back, and lists, dicts and the like in them their items."""
        for module in self._modules:
            module.restore_attributes()

    def tensors(self) -> Iterator[torch.Tensor]:
        """Yield the tensors that are in attributes, which are not copied: a table, a cache in a list."""
        for module in self._modules:
            for tensors in module.held.values():
                yield from tensors

    def changes(self, written: Collection[int] = ()) -> Iterator[tuple[torch.nn.Module, str]]:
        """Yield what is otherwise now: the module and the name of its attribute, buffer or weight.

        A buffer that was written over with the values it had, or a number assigned again, is no change. `written` holds
        the storages of tensors that are not remembered here and have changed.
        """
        for module in self._modules:
            for name in dict.fromkeys((*module.changed_attributes(written), *module.changed_tensors(written))):
                yield module.module, name


class _OfModule:
    def __init__(self, module: torch.nn.Module, known: Mapping[int, _Content]) -> None:
        self.module = module
        self.buffers: dict[int, _Content] = {}
        for buffer in own_buffers(module):
            content = known.get(id(buffer))
            self.buffers[id(buffer)] = content if content and content.holds(buffer) else _Content(buffer)
        self.held: dict[str, list[torch.Tensor]] = {}
        self._attributes = dict(vars(module))
        self._parts: dict[str, list[Container | _Array | _Generator]] = {}
        for name, value in self._attributes.items():
            for item in inside(value):
                part = _part(item)
                if isinstance(part, torch.Tensor):
                    self.held.setdefault(name, []).append(part)
                elif part is not None:
                    self._parts.setdefault(name, []).append(part)

    def restore_attributes(self) -> None:
        for parts in self._parts.values():
            for part in parts:
                part.restore()
        now, before = vars(self.module), self._attributes
        if now.keys() != before.keys() or any(now[name] is not value for name, value in before.items()):
            now.clear()
            now.update(before)

    def changed_attributes(self, written: Collection[int]) -> Iterator[str]:
        now, before = vars(self.module), self._attributes
        for name in {**before, **now}:
            if name in _REGISTERS:
                continue
            tensors = self.held.get(name, ())
            if (
                (name in now) != (name in before)
                or not _same_value(before[name], now[name])
                or any(part.changed(_same_value) for part in self._parts.get(name, ()))
                or any(storage_key(tensor) in written for tensor in tensors)
            ):
                yield name

    def changed_tensors(self, written: Collection[int]) -> Iterator[str]:
        for register in self._parts["_buffers"][:1]:
            before = dict(register.items) if isinstance(register, Container) else {}
            for name, now in vars(self.module)["_buffers"].items():
                content = self.buffers.get(id(before.get(name)))
                if content is not None and now is not None:
                    if not content.holds(now):
                        yield name
                elif now is not before.get(name):
                    yield name
        names = {id(p): name for name, p in vars(self.module)["_parameters"].items()}
        yield from (names[id(p)] for p in own_parameters(self.module) if storage_key(p) in written)


class _Content:
    """A tensor and what was in it. Copied, not watched: batch norm writes through operators that do not say so."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor, self._data, self._copy = tensor, tensor.data, tensor.detach().clone()

    def holds(self, now: torch.Tensor) -> bool:
        """Tell whether `now` has the values that are remembered."""
        return same_tensor(now, self._copy)

    def restore(self) -> None:
        if moved(self._tensor, self._data):
            self._tensor.data = self._data
        if not same_tensor(self._data, self._copy):
            self._data.copy_(self._copy)


MOST_ARRAY = 64_000_000
"""Bytes of a numpy array from which on it is data, not state, and is not copied."""


class _Array:
    """A numpy array that an attribute holds."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array, self._copy = array, array.copy()

    def changed(self, _same: Any) -> bool:
        return not np.array_equal(self._array, self._copy, equal_nan=self._copy.dtype.kind in "fc")

    def restore(self) -> None:
        if self.changed(None):
            self._array[...] = self._copy


class _Generator:
    """A generator of random numbers that an attribute holds; what it draws is randomness, not memory."""

    def __init__(self, generator: Any) -> None:
        self._generator, self._state = generator, self._now(generator)

    def changed(self, _same: Any) -> bool:
        return False

    def restore(self) -> None:
        if isinstance(self._generator, random.Random):
            self._generator.setstate(self._state)
        elif isinstance(self._generator, np.random.Generator):
            self._generator.bit_generator.state = self._state
        else:
            self._generator.set_state(self._state)

    @staticmethod
    def _now(generator: Any) -> Any:
        if isinstance(generator, random.Random):
            return generator.getstate()
        if isinstance(generator, np.random.Generator):
            return generator.bit_generator.state
        return generator.get_state()


def _part(value: Any) -> Container | _Array | _Generator | torch.Tensor | None:
    if isinstance(value, (random.Random, np.random.Generator, np.random.RandomState, torch.Generator)):
        return _Generator(value)
    if isinstance(value, np.ndarray):
        return _Array(value) if value.dtype.kind in "biufc" and value.nbytes <= MOST_ARRAY else None
    return value if isinstance(value, (Container, torch.Tensor)) else None


def _same_value(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a is b or same_tensor(a, b)
    return is_same(a, b)


def same_tensor(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Return whether two tensors hold the same values, NaN being equal to itself."""
    if a.shape != b.shape or a.dtype != b.dtype or a.device != b.device:
        return False
    if a.is_quantized or not a.is_floating_point():
        return torch.equal(a, b)
    return bool(((a == b) | (a.isnan() & b.isnan())).all())


def storage_key(tensor: torch.Tensor) -> int | None:
    """Return the identity of a tensor's storage; None for sparse and opaque ones, which have none."""
    try:
        return tensor.untyped_storage()._cdata  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # data_ptr is 0 for empty ones
    except (NotImplementedError, RuntimeError):
        return None


def moved(tensor: torch.Tensor, data: torch.Tensor) -> bool:
    """Return whether `tensor` is not what `data` is any more: other memory, shape or type."""
    return (
        storage_key(tensor) != storage_key(data)
        or tensor.shape != data.shape
        or tensor.dtype != data.dtype
        or (tensor.layout is torch.strided and tensor.stride() != data.stride())
    )
