"""The way into a module's calls: ``__call__`` of its class, replaced while somebody records.

A hook on the module would be copied with it, pickled with it and seen by the user. The class stays one and the same for
all copies, and who is meant is told by identity: any other module goes straight through. One door serves all recorders
of a class, so they may leave in any order, and the last one puts the class back as it was.

Everything that a door adds is invisible but for a frame on the stack while a call runs; ``hide`` takes that out of the
traceback of an error.
"""

from __future__ import annotations

import functools
import sys
import threading
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Started", "Watcher", "hide", "unwatch", "watch"]

_lock = threading.Lock()
_doors: list[_Door] = []
_inside = threading.local()


class Started(Protocol):
    """A call that a watcher has seen begin."""

    def returned(self, output: Any) -> None:
        """Take what it returned, before the caller has it."""
        ...

    def raised(self) -> None:
        """Forget it: it raised."""
        ...


class Watcher(Protocol):
    """Who wants to see the calls of `model`."""

    @property
    def model(self) -> torch.nn.Module:
        """The module, told by identity."""
        ...

    def started(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Started:
        """Take what it was called with, before it runs."""
        ...


def watch(watcher: Watcher) -> None:
    """Let `watcher` see the calls of its module, until ``unwatch``."""
    with _lock:
        for kind in _classes(watcher.model):
            door = next((door for door in _doors if kind.__dict__.get("__call__") is door.entrance), None)
            if door is None:
                door = _Door(kind)
                _doors.append(door)
                kind.__call__ = door.entrance
            door.watchers = (*door.watchers, watcher)


def unwatch(watcher: Watcher) -> None:
    """Take `watcher` from every door, and every door away that nobody needs."""
    with _lock:
        for door in list(_doors):
            door.watchers = tuple(other for other in door.watchers if other is not watcher)
            if not door.watchers:
                _doors.remove(door)
                door.close()


def hide(error: BaseException | None) -> None:
    """Take this file's frames out of the traceback of `error`, and of what it came from."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        frames = [frame for frame in _frames(one.__traceback__) if frame.tb_frame.f_code.co_filename != __file__]
        for frame, following in zip(frames, [*frames[1:], None], strict=True):
            frame.tb_next = following
        one.__traceback__ = frames[0] if frames else None
        waiting += [one.__cause__, one.__context__]


class _Door:
    """What stands in for ``__call__`` of one class."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.own: Any = kind.__dict__.get("__call__")
        self.watchers: tuple[Watcher, ...] = ()
        self.entrance = _entrance(self, kind, self.own)

    def close(self) -> None:
        # Where someone else has replaced it meanwhile, theirs stays; they may call ours, which lets everything through.
        there = self.kind.__dict__.get("__call__")
        # Told by its code: cloudpickle, reading a notebook's class back here, sets what it read on the class itself.
        if getattr(there, "__code__", None) != self.entrance.__code__:
            return
        if self.own is None:
            del self.kind.__call__
        else:
            self.kind.__call__ = self.own

    def called(
        self, module: torch.nn.Module, through: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run one call, seen by those who watch this very module and are not inside a call of it already."""
        __tracebackhide__ = True
        inside = _inside.__dict__.setdefault("watchers", set[int]())
        watchers = [w for w in self.watchers if _is(module, w.model) and id(w) not in inside]
        if not watchers:
            return through(*args, **kwargs)
        marks = {id(watcher) for watcher in watchers}
        inside |= marks
        try:
            started = [watcher.started(args, kwargs) for watcher in watchers]
            try:
                output = through(*args, **kwargs)
            except BaseException:
                for one in started:
                    one.raised()
                raise
            for one in started:
                one.returned(output)
            return output
        finally:
            inside -= marks

    def __reduce__(self) -> tuple[Any, ...]:
        # cloudpickle takes a notebook's classes along whole, and so the entrance; in another process nobody watches.
        return types.SimpleNamespace, (), {"watchers": ()}


def _entrance(door: _Door, kind: Any, own: Any) -> Callable[..., Any]:
    """Return the function that is set on the class; a function, since torch.compile looks into it."""

    @functools.wraps(kind.__call__ if own is None else own)
    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 -- its name on the stack and in the class
        __tracebackhide__ = True
        through = super(kind, self).__call__ if own is None else own.__get__(self, type(self))
        if torch.compiler.is_compiling() or not door.watchers:
            return through(*args, **kwargs)
        return door.called(self, through, args, kwargs)

    return __call__


def _classes(model: torch.nn.Module) -> list[Any]:
    """Return the classes whose ``__call__`` leads to `model`: its own, and that of ``torch.compile(model)``.

    A module that was compiled before the recording holds the old ``__call__``, past any door of its own class.
    """
    compiled = _compiled_class()
    kinds = [type(model)]
    return kinds if compiled is None or compiled in kinds else [*kinds, compiled]


def _is(called: torch.nn.Module, model: torch.nn.Module) -> bool:
    if called is model:
        return True
    compiled = _compiled_class()
    return compiled is not None and isinstance(called, compiled) and getattr(called, "_orig_mod", None) is model


def _compiled_class() -> Any:
    """Return the class of what ``torch.compile`` gives; None where nothing was compiled: its import takes seconds."""
    return getattr(sys.modules.get("torch._dynamo.eval_frame"), "OptimizedModule", None)


def _frames(traceback: types.TracebackType | None) -> Iterator[types.TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next
