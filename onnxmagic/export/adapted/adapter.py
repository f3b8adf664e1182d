"""The model's forward, for the time of an export, as a function of plain tensors.

Every stage after this one sees a model that takes and returns lists and dicts of tensors, and needs to know nothing of
caches. The caches are built anew inside each call, so that the model fills new ones and never the user's.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch.utils import _pytree as pytree

from onnxmagic.errors import UsageMistake
from onnxmagic.export.adapted.kinds import is_cache, looks_plain, take_apart
from onnxmagic.export.example import call_path, human_path

__all__ = ["Adapter", "adapted"]

Call = tuple[Any, Mapping[str, Any]]
Visit = Callable[[str, Any], Any]


class Adapter:
    """Replaces the caches in calls of one model, and in what it returns, by plain containers, and back.

    Parameters
    ----------
    signature : inspect.Signature
        Of the model's own ``forward``.
    calls : iterable of (args, kwargs)
        Calls as the user makes them; they show which arguments are caches.

    Raises
    ------
    UsageMistake
        An argument is a cache of a kind that cannot be taken apart.
    """

    def __init__(self, signature: inspect.Signature, calls: Iterable[Call]) -> None:
        self.signature = signature
        self._builders: dict[str, Callable[[Any], Any]] = {}
        for args, kwargs in calls:
            self._call(args, kwargs, is_cache, self._remember)

    @property
    def adapts(self) -> bool:
        """Whether a cache is among the arguments of the calls."""
        return bool(self._builders)

    def plain_call(self, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """Return a call with its caches replaced by plain containers of the same tensors."""

        def plain(path: str, value: Any) -> Any:
            parts = take_apart(value, path)
            return parts.plain if parts is not None else value

        return self._call(args, kwargs, is_cache, plain)

    def plain_output(self, output: Any) -> Any:
        """Return what the model returned, with caches replaced likewise; of a kind that is not known, as they are.

        Raises
        ------
        UsageMistake
            A cache that the model was given has come back without the positions before its sliding window, which the
            export keeps.
        """

        def plain(path: str, value: Any) -> Any:
            try:
                parts = take_apart(value, path, whole=False)
            except UsageMistake:
                return value
            if self.adapts:
                take_apart(value, path)
            return parts.plain if parts is not None else value

        return _replaced(output, is_cache, plain, lambda keys: human_path("output", keys))

    def built_call(self, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """Return a plain call with new caches where the user's calls have theirs."""

        def build(path: str, value: Any) -> Any:
            builder = self._builders.get(path)
            return value if builder is None else builder(value)

        return self._call(args, kwargs, looks_plain, build) if self._builders else (args, kwargs)

    def _remember(self, path: str, value: Any) -> Any:
        parts = take_apart(value, path)
        if parts is not None:
            self._builders[path] = parts.build
        return value

    def _call(self, args: Any, kwargs: Mapping[str, Any], is_leaf: Callable[[Any], bool], visit: Visit) -> Any:
        if not isinstance(args, (tuple, list)):
            return args, kwargs  # the example has the words for it
        whole = (tuple(cast("Iterable[Any]", args)), dict(kwargs))
        return _replaced(whole, is_leaf, visit, lambda keys: call_path(keys, self.signature))


class _Forward:
    """What stands in for ``forward``; an object and no function, so that a copy of the model gets one of its own."""

    def __init__(self, model: torch.nn.Module, own: Any, adapter: Adapter) -> None:
        self._model, self._own, self._adapter = model, own, adapter
        self.__signature__ = adapter.signature

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        built, by_name = self._adapter.built_call(args, kwargs)
        forward = type(self._model).forward.__get__(self._model) if self._own is None else self._own
        return self._adapter.plain_output(forward(*built, **by_name))

    def __deepcopy__(self, memo: dict[int, Any]) -> _Forward:
        return _Forward(copy.deepcopy(self._model, memo), copy.deepcopy(self._own, memo), self._adapter)


@contextmanager
def adapted(model: torch.nn.Module, calls: Iterable[Call]) -> Generator[Adapter]:
    """Let `model` take and return plain containers of tensors where its own forward has key-value caches.

    Nothing is changed where no argument of the calls is a cache and no module of the model is one that returns them
    by itself.

    Raises
    ------
    UsageMistake
        An argument is a cache of a kind that cannot be taken apart.
    """
    adapter = Adapter(inspect.signature(model.forward), calls)
    if not adapter.adapts and not _may_return_cache(model):
        yield adapter
        return
    attributes = vars(model)
    own = attributes.get("forward")
    attributes["forward"] = _Forward(model, own, adapter)
    try:
        yield adapter
    finally:
        if own is None:
            del attributes["forward"]
        else:
            attributes["forward"] = own


def _may_return_cache(model: torch.nn.Module) -> bool:
    """Tell whether a model of transformers is in there whose configuration asks for a cache to be returned."""
    kind = getattr(sys.modules.get("transformers.modeling_utils"), "PreTrainedModel", ())
    return any(isinstance(m, kind) and getattr(m.config, "use_cache", False) for m in model.modules())


def _replaced(tree: Any, is_leaf: Callable[[Any], bool], visit: Visit, path: Callable[[Any], str]) -> Any:
    """Return `tree` with what `is_leaf` accepts replaced by what `visit` makes of it; `tree` itself if nothing is."""
    keyed, structure = pytree.tree_flatten_with_path(tree, is_leaf=is_leaf)
    leaves = [visit(path(keys), value) if is_leaf(value) else value for keys, value in keyed]
    if all(new is old for new, (_, old) in zip(leaves, keyed, strict=True)):
        return tree
    return pytree.tree_unflatten(leaves, structure)
