"""One call while it runs: what it was made with is copied before, what it returned after, or neither.

``forward`` may change its inputs in place, and a cache grows; afterwards it would be too late. What is not worth its
memory is known before, so such a call costs a look at its shapes and no copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch._C._functorch import peek_interpreter_stack

from onnxmagic.record.calls import RecordedCall
from onnxmagic.record.copies import copied, without_values
from onnxmagic.record.sketch import NoValues, sketch
from onnxmagic.record.store import Reason, Store

__all__ = ["Outcome", "Watched", "stand_in"]

# What became of a call: "returned", "failed", or "traced" (it had no values); "lost", and why, comes on top of it.
Outcome = tuple[str, str]


class Watched:
    """One call of `model`.

    Parameters
    ----------
    model : torch.nn.Module
    number : int
    store : Store
    too_large : set of type
        Classes whose objects are not looked through, shared between calls.
    tell : callable
        Takes the outcome, and returns whether the call still counts.
    """

    def __init__(
        self, model: torch.nn.Module, number: int, store: Store, too_large: set[type], tell: Callable[[Outcome], bool]
    ) -> None:
        self._model, self._number, self._store, self._too_large, self._tell = model, number, store, too_large, tell
        self._reserved = 0
        self._reason: Reason | None = None
        self._problem: Outcome | None = None

    def look(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Decide whether the call is kept, and copy what it was made with."""
        try:
            self._look(args, kwargs)
        except NoValues:
            self._problem = ("traced", "")
        except Exception as error:  # noqa: BLE001 -- a user's class may raise anything when it is copied; the cell goes on
            self._problem = ("lost", _one_line(error))
        except BaseException:
            self._release()
            raise

    def returned(self, output: Any) -> None:
        """Copy what it returned."""
        traced = self._problem == ("traced", "")
        try:
            if not self._tell(("traced" if traced else "returned", "")) or traced:
                return
            if self._problem:
                self._tell(self._problem)
            else:
                self._finish(output)
        except NoValues:
            self._tell(("lost", "it returned a tensor without values"))
        except Exception as error:  # noqa: BLE001 -- as above
            self._tell(("lost", _one_line(error)))
        finally:
            self._release()

    def raised(self) -> None:
        """Forget it: it returned nothing."""
        self._release()
        if self._problem != ("traced", ""):
            self._tell(("failed", ""))

    def _look(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        # The stub promises an interpreter, and torch gives None where no torch.func is at work.
        transform: Any = peek_interpreter_stack()
        if torch.jit.is_tracing() or transform is not None:
            raise NoValues
        ordered = (args, {name: kwargs[name] for name in sorted(kwargs)})
        looked = sketch(ordered, self._too_large)
        self._autocast = _autocast(looked.device)
        self._training = self._model.training
        self._key = (looked.key, self._training, self._autocast)
        self._nbytes = looked.nbytes
        self._reason = self._store.reserve(self._key, looked.nbytes)
        if self._reason is None:
            self._reserved = looked.nbytes
            try:
                self._inputs = copied((args, dict(kwargs)), looked)
            except (MemoryError, torch.OutOfMemoryError):
                self._release()
                self._reason = "memory"
        if self._reason is None:
            self._training = any(module.training for module in self._model.modules())
        elif not self._store.knows(self._key):
            self._inputs = without_values((args, dict(kwargs)), looked)

    def _finish(self, output: Any) -> None:
        if self._reason == "keep":
            self._store.leave_out(self._key, self._shape, self._reason)
            return
        looked = sketch(output, self._too_large)
        nbytes = self._nbytes + looked.nbytes
        if self._reason is not None:
            self._store.leave_out(self._key, self._shape, self._reason, nbytes)
            return
        reserved, self._reserved = self._reserved, 0
        place = self._store.take(self._key, nbytes, self._number, reserved)
        if isinstance(place, str):
            self._store.leave_out(self._key, lambda: stand_in(self._shape()), place, nbytes)
            return
        try:
            place.call = self._call(copied(output, looked), nbytes)
        except (MemoryError, torch.OutOfMemoryError):
            self._store.leave_out(self._key, lambda: stand_in(self._shape()), "memory", nbytes)
        finally:
            if place.call is None:
                self._store.give_up(place)

    def _call(self, output: Any, nbytes: int) -> RecordedCall:
        args, kwargs = self._inputs
        return RecordedCall(self._number, args, kwargs, output, self._training, nbytes=nbytes, autocast=self._autocast)

    def _shape(self) -> RecordedCall:
        args, kwargs = self._inputs
        return RecordedCall(self._number, args, kwargs, None, self._training, kept=False, autocast=self._autocast)

    def _release(self) -> None:
        reserved, self._reserved = self._reserved, 0
        if reserved:
            self._store.release(reserved)


def stand_in(call: RecordedCall) -> RecordedCall:
    """Return what stays of a call that is not kept: its shapes."""
    inputs = (call.args, dict(call.kwargs))
    args, kwargs = without_values(inputs, sketch(inputs, set()))
    return RecordedCall(call.number, args, kwargs, None, call.training, kept=False, autocast=call.autocast)


def _autocast(device: str) -> str:
    if not torch.amp.is_autocast_available(device) or not torch.is_autocast_enabled(device):
        return ""
    return str(torch.get_autocast_dtype(device)).removeprefix("torch.")


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
