"""Calls of one form: the same leaves, of the same kinds.

A graph has one signature. The form with the most tensors is the file's, because a call with fewer can perhaps be told
in it (``fillers``), and never the other way round; among those, the one with the most calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from onnxmagic.export.example import Example
from onnxmagic.export.observed.taken import Taken, root

__all__ = ["Difference", "Form", "choose_form"]

Fields = frozenset[tuple[str, tuple[Any, ...]]]
"""What makes a form: every path, and the kind of what is there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What parts a call from a form.

    Attributes
    ----------
    missing : tuple of str
        Tensors of the form that the call has not.
    reason : str
        Why the call cannot be told in the form whatever stands for what is missing, continuing "Call 3 had"; empty
        where nothing is in the way.
    unsure : bool
        One gave None where the other gave nothing, which may be the same.
    """

    missing: tuple[str, ...] = ()
    reason: str = ""
    unsure: bool = False

    def __bool__(self) -> bool:
        return bool(self.missing or self.reason or self.unsure)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of the file, and the calls that have it, kept or not.

    ``example`` is the first kept one as an example; its leaves pair with those of ``model``.
    """

    calls: tuple[Taken, ...]
    example: Example

    @property
    def model(self) -> Taken:
        """The kept call that shows the form."""
        return self.calls[0]

    def told(self, call: Taken) -> Example:
        """Return a call that has every tensor of this form as an example of it."""
        return self.example.with_tensors([call.leaves[path] for path in self.model.tensors])

    def difference(self, taken: Taken) -> Difference:
        """Return what parts a call from this form."""
        mine, theirs = self.model.leaves, taken.leaves
        missing = tuple(path for path in self.model.tensors if theirs.get(path) is None)
        reasons = [
            *(_between(path, mine[path], theirs[path]) for path in mine if theirs.get(path) is not None),
            *(_extra(path, theirs[path]) for path in theirs if path not in mine and theirs[path] is not None),
            *(_lacking(path, mine[path], path in theirs) for path in mine if theirs.get(path) is None),
        ]
        gone = {path for path in (*mine, *theirs) if (path in mine) != (path in theirs)}
        return Difference(missing, next(filter(None, reasons), ""), bool(gone))


def choose_form(model: torch.nn.Module, calls: Sequence[Taken], names: Sequence[str] = ()) -> Form:
    """Return the form of the file: the most tensors, then the most calls; at least one of its calls was kept.

    Raises
    ------
    UsageMistake
        The arguments of such a call cannot go into a graph.
    """
    by_form: dict[tuple[Fields, Any], list[Taken]] = {}
    for taken in calls:
        if taken.call.kept:
            by_form.setdefault((_fields(taken), _devices(taken)), []).append(taken)
    for taken in calls:
        same = [members for (fields, _), members in by_form.items() if fields == _fields(taken)]
        if same and not taken.call.kept:
            # Of the device nothing is known: what was not kept is a shape without a place.
            max(same, key=len).append(taken)
    best = max(by_form.values(), key=lambda members: (len(members[0].tensors), sum(t.call.count for t in members)))
    # A call without any row is no example, though it is one of the form.
    ordered = tuple(sorted(best, key=lambda taken: (not taken.call.kept, _is_empty(taken))))
    return Form(ordered, ordered[0].example(model, names))


def _is_empty(taken: Taken) -> bool:
    return all(tensor.numel() == 0 for tensor in taken.tensors.values())


def _fields(taken: Taken) -> Fields:
    return frozenset((path, _kind(value)) for path, value in taken.leaves.items())


def _kind(value: Any) -> tuple[Any, ...]:
    if isinstance(value, torch.Tensor):
        return ("tensor", value.ndim, value.dtype)
    return ("value", type(value).__name__, repr(value))


def _devices(taken: Taken) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((path, str(tensor.device)) for path, tensor in taken.tensors.items()))


def _between(path: str, mine: Any, theirs: Any) -> str:
    """Return what is in the way where both have something."""
    if isinstance(mine, torch.Tensor) and isinstance(theirs, torch.Tensor):
        return _between_tensors(path, mine, theirs)
    if isinstance(theirs, torch.Tensor):
        if mine is None:
            return _extra(path, theirs)
        return f"a tensor as `{path}`, and the file is made with {_short(mine)}"
    if isinstance(mine, torch.Tensor):
        return f"{_short(theirs)} as `{path}`, and the file takes a tensor"
    return (
        f"`{path}` = {_short(theirs)}, and the file is made with {_short(mine)}" if _kind(mine) != _kind(theirs) else ""
    )


def _between_tensors(path: str, mine: torch.Tensor, theirs: torch.Tensor) -> str:
    if mine.dtype != theirs.dtype:
        return f"`{path}` in {_dtype(theirs)}, and the file takes {_dtype(mine)}"
    if mine.ndim != theirs.ndim:
        return f"`{path}` of shape {list(theirs.shape)}, and the file takes {mine.ndim} axes"
    if mine.device != theirs.device and not theirs.is_meta:
        return f"`{path}` on {theirs.device}, and the other calls on {mine.device}"
    return ""


def _extra(path: str, theirs: Any) -> str:
    if isinstance(theirs, torch.Tensor):
        return f"`{root(path)}`, which the file does not take"
    return f"`{path}` = {_short(theirs)}, and the file is made without"


def _lacking(path: str, mine: Any, given: bool) -> str:
    """Return what is in the way of a call that has None or nothing where the form has a value that is no tensor."""
    if mine is None or isinstance(mine, torch.Tensor):
        return ""
    return f"{'`' + path + '` = None' if given else 'no `' + path + '`'}, and the file is made with {_short(mine)}"


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
