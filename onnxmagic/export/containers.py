"""The insides of an attribute: lists, dicts, sets, queues, and objects with attributes of their own.

A cache may be a list of tensors, a dict of lists, or an object (``self.cache = Cache()``) with lists in it. What
forward changes there is found and put back item by item; the containers themselves stay the same objects.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch

__all__ = ["Container", "inside", "is_same"]

MOST_CONTAINERS = 100_000
"""An attribute with more lists and dicts than this is data, not state; the rest of its inside is not remembered."""

_PLAIN = (str, bytes, int, float, complex, type, FunctionType, MethodType, ModuleType, torch.Size, torch.dtype)

Same = Callable[[Any, Any], bool]


class Container:
    """A list, dict, set or deque, or the attributes of an object, with the items that it had."""

    def __init__(self, container: Any) -> None:
        self._container, self.items = container, _items(container)

    def changed(self, same: Same) -> bool:
        """Return whether its items are others now, by `same`."""
        now = _items(self._container)
        return len(now) != len(self.items) or not all(_same_item(a, b, same) for a, b in zip(now, self.items))  # noqa: B905  # of one length

    def restore(self) -> None:
        """Give it its items back, when they are not the very same objects."""
        if not self.changed(lambda a, b: a is b):
            return
        if isinstance(self._container, list):
            self._container[:] = self.items
            return
        self._container.clear()
        (self._container.extend if isinstance(self._container, deque) else self._container.update)(self.items)

    def values(self) -> list[Any]:
        """Return what it held."""
        return [value for _, value in self.items] if isinstance(self._container, dict) else self.items


def inside(value: Any) -> Iterator[Any]:
    """Yield a ``Container`` for each container in `value`, itself included, and what else is in there as it is.

    Modules are not entered, and neither are the objects of Python's own library.
    """
    seen: set[int] = set()
    queue, count = deque([value]), 0
    while queue and count < MOST_CONTAINERS:
        value = queue.popleft()
        if value is None or isinstance(value, (torch.nn.Module, *_PLAIN)) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, tuple):
            queue.extend(value)
            continue
        container = _container(value)
        if container is None:
            yield value
            continue
        count += 1
        held = Container(container)
        queue.extend(held.values())
        yield held


def is_same(a: Any, b: Any, depth: int = 4) -> bool:
    """Return whether `a` is `b`, or an equal number, text or size, or holds such ones in the same places.

    torch.export gives every attribute back as a copy: ``(3, 3)`` is then another tuple, and no change. Other classes
    may define equality in any way, and are compared by identity.
    """
    if a is b:
        return True
    if type(a) is not type(b) or not depth:
        return False
    if isinstance(a, (tuple, list)) and not isinstance(a, torch.Size):
        return len(a) == len(b) and all(is_same(x, y, depth - 1) for x, y in zip(a, b))  # noqa: B905  # of one length
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(is_same(value, b[key], depth - 1) for key, value in a.items())
    return isinstance(a, (str, bytes, int, float, torch.Size)) and a == b


def _container(value: Any) -> Any:
    if isinstance(value, (dict, list, set, deque)):
        return value
    origin = type(value).__module__.partition(".")[0]
    if isinstance(value, torch.Tensor) or origin in ("torch", "numpy") or origin in sys.stdlib_module_names:
        return None
    attributes = getattr(value, "__dict__", None)
    return attributes if type(attributes) is dict else None


def _items(container: Any) -> list[Any]:
    return list(container.items()) if isinstance(container, dict) else list(container)


def _same_item(a: Any, b: Any, same: Same) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b) == 2:
        return same(a[0], b[0]) and same(a[1], b[1])
    return same(a, b)
