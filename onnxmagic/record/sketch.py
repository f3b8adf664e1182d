"""A value looked through without being copied: its shape, its size, and what in it has values.

Whether a call is worth its memory is decided before anything of it is copied, so this walk must be cheap. Its key is
what two calls have in common that differ in the values of tensors alone: the containers, the shapes, dtypes and
devices, every plain value. Inside an object of some class (a cache) plain numbers do not count: they are its
bookkeeping, and a counter in there would make each call a shape of its own.
"""

from __future__ import annotations

import sys
import types
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from typing import Any, cast

import numpy as np
import torch

__all__ = ["NoValues", "Sketch", "sketch"]

_PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    Enum,
    torch.dtype,
    torch.device,
    torch.layout,
    slice,
    range,
)
_NUMBERS = (int, float, complex, str, bytes)
_REFERENCES = (torch.nn.Module, type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType)
_MOST_PARTS = 10_000


class NoValues(Exception):  # an answer to the recorder, shown to nobody
    """The value stands for others: a tracer's proxy, a fake tensor, a tensor under ``torch.func``."""


class _TooLarge(Exception):  # leaves the walk of one object
    pass


@dataclass(slots=True)
class Sketch:
    """What a value is, but for the values of its tensors.

    Attributes
    ----------
    key : hashable
    nbytes : int
        Bytes that a copy takes; what is met twice counts once.
    leaves : list
        Tensors and numpy arrays, each once.
    references : list
        Modules: they stay what they are, a copy holds the same.
    left : list
        What is not copied: iterators, which a copy could not repeat, and objects too large to look through.
    """

    key: Hashable = None
    nbytes: int = 0
    leaves: list[Any] = field(default_factory=list[Any])
    references: list[Any] = field(default_factory=list[Any])
    left: list[Any] = field(default_factory=list[Any])

    @property
    def device(self) -> str:
        """Type of the device that the first tensor lies on; ``"cpu"`` where there is none."""
        return next((leaf.device.type for leaf in self.leaves if isinstance(leaf, torch.Tensor)), "cpu")


def sketch(value: Any, too_large: set[type]) -> Sketch:
    """Look through `value`.

    Parameters
    ----------
    value
    too_large : set of type
        Classes whose objects are not looked through; what turns out to be too large is added.

    Raises
    ------
    NoValues
        There is something in it that has no values.
    """
    walk = _Walk(too_large)
    walk.sketch.key = walk.key(value)
    return walk.sketch


class _Walk:
    """One walk; ``parts`` is None outside of objects, and inside one counts what was met in it."""

    def __init__(self, too_large: set[type]) -> None:
        self.sketch = Sketch()
        self._too_large = too_large
        self._seen: dict[int, int] = {}
        self._parts: int | None = None

    def key(self, value: Any) -> Hashable:
        """Return the key of `value`, and note its leaves."""
        self._count()
        if isinstance(value, _PLAIN):
            return self._plain(value)
        if isinstance(value, np.generic):
            return (type(value), str(value))
        if id(value) in self._seen:  # the same object again is another structure than one that looks like it
            return ("again", self._seen[id(value)])
        self._seen[id(value)] = len(self._seen)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray):
            return self._array(cast("np.ndarray[Any, Any]", value))
        return self._container(value)

    def _count(self) -> None:
        if self._parts is not None:
            self._parts += 1
            if self._parts > _MOST_PARTS:
                raise _TooLarge

    def _plain(self, value: Any) -> Hashable:
        if isinstance(value, (bool, Enum)) or value is None:
            return value if value is None else (type(value), value)
        if isinstance(value, _NUMBERS) and self._parts is not None:
            return type(value)
        # Not a number equals nothing, not even itself; a slice has no hash before Python 3.12.
        return (type(value), repr(value) if isinstance(value, (float, complex, slice)) else value)

    def _tensor(self, value: torch.Tensor) -> Hashable:
        if _stands_for_others(value):
            raise NoValues
        self.sketch.leaves.append(value)
        self.sketch.nbytes += value.numel() * value.element_size()
        return ("tensor", tuple(value.shape), value.dtype, value.device, value.layout)

    def _array(self, value: np.ndarray[Any, Any]) -> Hashable:
        self.sketch.leaves.append(value)
        self.sketch.nbytes += value.nbytes
        return ("array", value.shape, str(value.dtype))

    def _container(self, value: Any) -> Hashable:
        if isinstance(value, dict):
            items = cast("dict[Any, Any]", value).items()
            return (type(value), tuple((self._label(name), self.key(part)) for name, part in items))
        if isinstance(value, (list, tuple, deque)):
            return (type(value), tuple(self.key(part) for part in cast("Iterable[Any]", value)))
        if isinstance(value, (set, frozenset)):
            return (type(value), len(cast("set[Any]", value)))
        if isinstance(value, _REFERENCES):
            self.sketch.references.append(value)
            return (type(value), id(value))
        if isinstance(value, torch.fx.Proxy):
            raise NoValues
        return self._dataclass(value) if is_dataclass(value) else self._object(value)

    def _label(self, name: Any) -> Hashable:
        return name if isinstance(name, (str, int)) else self.key(name)

    def _dataclass(self, value: Any) -> Hashable:
        return (type(value), tuple((name, self.key(part)) for name, part in _attributes(value)))

    def _object(self, value: Any) -> Hashable:
        kind: type = type(value)
        if hasattr(kind, "__next__") or kind in self._too_large:
            self.sketch.left.append(value)
            return (kind, "not looked through")
        if self._parts is not None:
            return self._dataclass(value)
        return self._outermost(value, kind, self._dataclass)

    def _outermost(self, value: Any, kind: type, look: Callable[[Any], Hashable]) -> Hashable:
        before, leaves, references, left = self._lengths()
        self._parts = 0
        try:
            return look(value)
        except _TooLarge:
            self._too_large.add(kind)
            self.sketch.nbytes = before
            del self.sketch.leaves[leaves:], self.sketch.references[references:], self.sketch.left[left:]
            self.sketch.left.append(value)
            return (kind, "not looked through")
        finally:
            self._parts = None

    def _lengths(self) -> tuple[int, int, int, int]:
        found = self.sketch
        return found.nbytes, len(found.leaves), len(found.references), len(found.left)


def _stands_for_others(value: torch.Tensor) -> bool:
    """Return whether a tensor is a tracer's: the classes are known only where a tracer was imported."""
    if type(value) is torch.Tensor:
        return False
    module = sys.modules.get("torch._subclasses")
    kinds = tuple(getattr(module, name) for name in ("FakeTensor", "FunctionalTensor") if hasattr(module, name))
    return isinstance(value, kinds)


def _attributes(value: Any) -> Iterable[tuple[str, Any]]:
    """Return attributes that an object holds, in ``__dict__`` and in slots."""
    found: dict[str, Any] = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in {"__dict__", "__weakref__"} and hasattr(value, name):
                found[name] = getattr(value, name)
    return found.items()
