"""Half of a small model's export is spent on the exporter's own library of operators, anew every time.

torch builds its registry of some five hundred translations in each call. For each it asks onnxscript for the domain of
the function, and onnxscript reads and parses the function's source for the answer. Here that is done only for whoever
asks for more than the domain, and the registry is built once for each operator set. What the exporter gets is the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from copy import copy
from functools import cache
from typing import Any

__all__ = ["quick_registry"]

_built: dict[Any, tuple[list[Any], Any]] = {}
"""By class and operator set: the functions that there were, which keeps them alive, and the registry of them."""


@contextlib.contextmanager
def quick_registry() -> Generator[None]:
    """Let torch's exporter build its registry once; where its insides are others, change nothing."""
    try:
        from onnxscript._internal.values import TracedOnnxFunction
        from onnxscript.function_libs.torch_lib.registration import default_registry
        from torch.onnx._internal.exporter import _registration
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        registry: Any = ONNXRegistry
        traced: Any = TracedOnnxFunction
        build, parse = vars(registry)["from_torchlib"], vars(traced)["function_ir"]
        slow, operator = build.__func__, vars(_registration)["_get_overload"]
    except (ImportError, AttributeError, KeyError):  # private, so another version may have it elsewhere
        yield
        return

    def quick(cls: type[Any], *args: Any, **options: Any) -> Any:
        functions = _functions(default_registry, operator)
        key = (cls, args, *sorted(options.items()))
        if key not in _built or _built[key][0] != functions:
            with _types_once():
                _built[key] = functions, slow(cls, *args, **options)
        return _copy(_built[key][1])

    registry.from_torchlib = classmethod(quick)
    traced.function_ir = property(lambda function: _Signature(function, parse))
    try:
        yield
    finally:
        registry.from_torchlib = build
        traced.function_ir = parse


@contextlib.contextmanager
def _types_once() -> Generator[None]:
    """Work out once what a type annotation allows: the functions have thousands, of a few dozen kinds."""
    from torch.onnx._internal.exporter import _schemas

    schemas: Any = _schemas
    name = "_get_allowed_types_from_type_annotation"
    slow = getattr(schemas, name, None)
    if slow is None:
        yield
        return
    known = cache(lambda annotation: frozenset(slow(annotation)))
    setattr(schemas, name, lambda annotation: set(known(annotation)))
    try:
        yield
    finally:
        setattr(schemas, name, slow)


class _Signature:
    """What onnxscript knows of a function: the domain at once, the rest when it is asked for."""

    def __init__(self, function: Any, parse: property) -> None:
        self._function, self._parse = function, parse

    @property
    def domain(self) -> str:
        return self._function.opset.domain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parse.__get__(self._function), name)


def _functions(library: Any, operator: Callable[[str], Any]) -> list[Any]:
    """Return onnxscript's functions, and which of their operators exist; another list makes another registry.

    A user may add a function to the library; an operator comes to be when the package that registers it is imported.
    """
    entries: Mapping[str, Any] = dict(library.items())
    return [(name, operator(name) is not None, *entry.overloads, *entry.complex) for name, entry in entries.items()]


def _copy(registry: Any) -> Any:
    """Return a registry to which the user's own translations can be added without adding them to the next one."""
    fresh = copy(registry)
    fresh.functions = {target: list(ways) for target, ways in registry.functions.items()}
    return fresh
