"""What stands for a tensor that a call did not have: nothing of it, all ones, or all zeros.

A file always takes all of its inputs. A cache of length 0 is no cache, and a mask of ones masks nothing, but only the
model knows whether it means the same by them; so each is tried on the very call, against what was recorded.

A model may also notice in Python that a cache is empty, and then compute what it would have held. A graph has no such
choice. It shows in the weights: those calls use some that no other call does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Literal

import torch

from onnxmagic.export.observed.answers import Answers, agree
from onnxmagic.export.observed.forms import Form
from onnxmagic.export.observed.sizing import Sizes
from onnxmagic.export.observed.taken import Taken, root
from onnxmagic.export.observed.wording import listed

__all__ = ["Filling", "fill", "fill_shapes"]

MOST_TRIALS = 16
"""Runs of the model on one call, before it is given up."""


@dataclass(frozen=True, slots=True)
class Filler:
    """What stands for all missing tensors of one argument: `value` everywhere, or nothing along an axis.

    ``axis`` is the axis that is empty; -1 means each tensor's own axis that differed between calls.
    """

    argument: str
    value: int = 0
    axis: int | None = None

    def __str__(self) -> str:
        return "length 0" if self.axis is not None else "all ones" if self.value else "all zeros"


@dataclass(frozen=True, slots=True)
class Filling:
    """A filler for each argument that was missing; ``linked`` says how sizes were found (``Sizes.shape``)."""

    fillers: tuple[Filler, ...]
    linked: bool = True

    def __str__(self) -> str:
        """Return what stands there, ``length 0 and all ones give``."""
        kinds = list(dict.fromkeys(str(filler) for filler in self.fillers))
        return f"{listed(kinds)} {'give' if len(kinds) > 1 else 'gives'}"


def fill(
    form: Form, call: Taken, missing: Sequence[str], answers: Answers
) -> tuple[Filling, Taken] | Literal["weights"] | None:
    """Return what may stand for the `missing` tensors of `call`, and the call so told.

    None where nothing may; ``"weights"`` where something may, but the model then uses weights that it does not use on
    the form's own calls.
    """
    expected = answers.expected(call)
    if expected is None:
        return None
    seen: set[tuple[object, ...]] = set()
    for filling in islice(_fillings(form.model, missing), MOST_TRIALS * 4):
        shapes = fill_shapes(form, call, missing, filling)
        key = (tuple(sorted(shapes.items())), tuple(f.value for f in filling.fillers)) if shapes is not None else ()
        if shapes is None or key in seen or len(seen) >= MOST_TRIALS:
            continue
        seen.add(key)
        told = _filled(form.model, call, shapes, filling)
        got, used = answers.given_by(form.told(told))
        if agree(got, expected):
            return "weights" if used - answers.weights(form.example) else (filling, told)
    return None


def fill_shapes(form: Form, call: Taken, missing: Sequence[str], filling: Filling) -> dict[str, tuple[int, ...]] | None:
    """Return the shapes of the missing tensors of `call`; None where one cannot be told."""
    model, sizes = form.model, Sizes.make(form.calls, call)
    by_argument = {filler.argument: filler for filler in filling.fillers}
    empty = {path: _empty_axes(by_argument[root(path)], sizes, path, model) for path in missing}
    known = {**sizes.known, **{(path, axis): 0 for path, axes in empty.items() for axis in axes}}
    sizes = replace(sizes, known=known)
    shapes = {path: sizes.shape(path, model.tensors[path].ndim, empty[path], linked=filling.linked) for path in missing}
    if any(by_argument[root(path)].axis is not None and not empty[path] for path in missing):
        return None
    whole = {path: shape for path, shape in shapes.items() if shape is not None}
    return whole if len(whole) == len(shapes) else None


def _fillings(model: Taken, missing: Sequence[str]) -> Iterator[Filling]:
    """Yield what may be tried, the likeliest first."""
    arguments = list(dict.fromkeys(root(path) for path in missing))
    choices = [_choices(name, [model.tensors[path] for path in missing if root(path) == name]) for name in arguments]
    for linked in (True, False):
        for fillers in product(*choices):
            yield Filling(fillers, linked)


def _choices(argument: str, tensors: Sequence[torch.Tensor]) -> list[Filler]:
    ones, zeros = Filler(argument, 1), Filler(argument)
    rank = min(tensor.ndim for tensor in tensors)
    if rank < 3 or not all(tensor.is_floating_point() for tensor in tensors):
        return [ones, zeros]
    guesses = dict.fromkeys((-1, rank - 2, *range(1, rank)))
    empty = [Filler(argument, axis=axis) for axis in guesses]
    return [*empty[:2], zeros, ones, *empty[2:]]


def _empty_axes(filler: Filler, sizes: Sizes, path: str, model: Taken) -> tuple[int, ...]:
    if filler.axis is None:
        return ()
    if filler.axis >= 0:
        return (filler.axis,) if filler.axis < model.tensors[path].ndim else ()
    return sizes.open(path)


def _filled(model: Taken, call: Taken, shapes: Mapping[str, tuple[int, ...]], filling: Filling) -> Taken:
    """Return `call` told in the form of `model`."""
    values = {filler.argument: filler.value for filler in filling.fillers}
    made = {
        path: torch.full(shape, values[root(path)], dtype=like.dtype, device=like.device)
        for path, shape in shapes.items()
        for like in (model.tensors[path],)
    }
    return replace(
        call,
        leaves={path: made.get(path, call.leaves.get(path)) for path in model.leaves},
        structure=model.structure,
        written=model.written,
    )
