"""Calls told in the file's form: those that have it, those that can be told in it, and those it does not stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from onnxmagic.export.observed.answers import Answers
from onnxmagic.export.observed.fillers import Filling, fill, fill_shapes
from onnxmagic.export.observed.forms import Difference, Form
from onnxmagic.export.observed.taken import Taken, root
from onnxmagic.export.observed.wording import calls_named, it, listed, unkept_named

__all__ = ["Merged", "merge"]

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Merged:
    """All calls in the file's form.

    Attributes
    ----------
    replayed
        The kept ones, in order, with every tensor of the form.
    shapes
        The shapes of all calls that the file stands for, kept or not, by path.
    said, left_out
        Sentences, as in ``Observed``.
    """

    replayed: tuple[Taken, ...]
    shapes: tuple[Shapes, ...]
    said: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(slots=True)
class _Sorted:
    """Calls by what was found of them; told apart by the sentence that they share."""

    replayed: list[Taken] = field(default_factory=list[Taken])
    shapes: list[Shapes] = field(default_factory=list[Shapes])
    joined: dict[str, list[Taken]] = field(default_factory=dict[str, list[Taken]])
    left: dict[str, list[Taken]] = field(default_factory=dict[str, list[Taken]])
    fillings: dict[tuple[str, ...], Filling] = field(default_factory=dict[tuple[str, ...], Filling])


def merge(form: Form, calls: Sequence[Taken], answers: Answers) -> Merged:
    """Tell `calls` in `form`."""
    result = _Sorted()
    members = {id(member) for member in form.calls}
    for call in sorted(calls, key=lambda taken: not taken.call.kept):
        difference = Difference() if id(call) in members else form.difference(call)
        if id(call) in members:
            result.shapes.append(call.shapes)
            if call.call.kept:
                result.replayed.append(call)
        elif difference.reason:
            result.left.setdefault(difference.reason, []).append(call)
        elif call.call.kept:
            _join(result, form, call, difference, answers)
        else:
            _follow(result, form, call, difference)
    result.replayed.sort(key=lambda taken: taken.call.number)
    return Merged(
        tuple(result.replayed),
        tuple(result.shapes),
        tuple(_sentence(group, text, _and_so) for text, group in result.joined.items() if text),
        tuple(_sentence(group, text, _and_out) for text, group in result.left.items()),
    )


def _join(result: _Sorted, form: Form, call: Taken, difference: Difference, answers: Answers) -> None:
    """Tell a kept call in the form, if PyTorch gives the same for it so."""
    missing = _named(form.model, difference.missing)
    found = fill(form, call, difference.missing, answers)
    if found is None or found == "weights":
        reason = _other_weights(missing) if found else _nothing_does(form.model, difference)
        result.left.setdefault(reason, []).append(call)
        return
    filling, told = found
    result.replayed.append(told)
    result.shapes.append(told.shapes)
    result.fillings[difference.missing] = filling
    text = f"no {missing}; {filling} the same (run in PyTorch)" if missing else ""
    result.joined.setdefault(text, []).append(call)


def _follow(result: _Sorted, form: Form, call: Taken, difference: Difference) -> None:
    """Take a call that was not kept as kept ones of its kind were taken."""
    filling = result.fillings.get(difference.missing)
    shapes = None if filling is None else fill_shapes(form, call, difference.missing, filling)
    if shapes is not None:
        result.shapes.append({**call.shapes, **shapes})
        return
    missing = _named(form.model, difference.missing)
    text = f"no {missing}; without their values nothing could be tried for it" if missing else "other containers"
    result.left.setdefault(text, []).append(call)


def _named(model: Taken, missing: Sequence[str]) -> str:
    """Return the missing tensors for a sentence: an argument as a whole where all of it is missing."""
    whole = {
        name for name in map(root, missing) if all(path in missing for path in model.tensors if root(path) == name)
    }
    names = dict.fromkeys(root(path) if root(path) in whole else path for path in missing)
    return listed([f"`{name}`" for name in names])


def _nothing_does(model: Taken, difference: Difference) -> str:
    if not difference.missing:
        return "None where other calls had nothing, or the other way round, and the model answers otherwise"
    tensors = [model.tensors[path] for path in difference.missing]
    cache = any(tensor.ndim > 2 and tensor.is_floating_point() for tensor in tensors)
    tried = "neither ones nor zeros nor length 0" if cache else "neither ones nor zeros"
    return f"no {_named(model, difference.missing)}, which the file always takes, and {tried} give the same"


def _other_weights(missing: str) -> str:
    return f"no {missing}, for which the model then computes something with weights that other calls do not use"


def _sentence(calls: Sequence[Taken], text: str, end: Callable[[int], str]) -> str:
    """Return what `calls` had, and what follows for them."""
    numbers = [taken.call.number for taken in calls if taken.call.kept]
    unkept = sum(taken.call.count for taken in calls if not taken.call.kept)
    who = calls_named(numbers) if numbers else ""
    if unkept:
        who = f"{who}, and {unkept_named(unkept)}," if who else unkept_named(unkept)
    return f"{who} had {text}, so {end(len(numbers) + unkept)}."


def _and_so(count: int) -> str:
    return f"{it(count)} replayed so"


def _and_out(count: int) -> str:
    return f"{it(count)} left out"
