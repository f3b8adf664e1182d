"""From recorded calls to one example, the axes that vary in it, and the calls to replay.

The calls are evidence, and the file is one graph: everything here decides which calls one graph can stand for, says
which it cannot, and guesses nothing that PyTorch was not asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from onnxmagic.errors import UsageMistake
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.observed.answers import Answers
from onnxmagic.export.observed.forms import Form, choose_form
from onnxmagic.export.observed.groups import find_axes
from onnxmagic.export.observed.merge import Merged, merge
from onnxmagic.export.observed.naming import Seen
from onnxmagic.export.observed.numbers import numbers_as_tensors
from onnxmagic.export.observed.observed import Observed, Replay
from onnxmagic.export.observed.taken import Taken, take_apart
from onnxmagic.export.observed.wording import calls_named
from onnxmagic.record.calls import RecordedCall

__all__ = ["observe"]


def _as_it_is(output: Any) -> Any:
    return output


def observe(
    model: torch.nn.Module,
    calls: Sequence[RecordedCall],
    guard: Guard,
    *,
    names: Sequence[str] = (),
    plain_output: Callable[[Any], Any] = _as_it_is,
) -> Observed:
    """Return what `calls` of `model` say together.

    Parameters
    ----------
    model : torch.nn.Module
        Without wrappers, in the mode in which it is exported.
    calls : sequence of RecordedCall
        Their arguments are tensors and plain values, in containers that torch takes apart.
    guard : Guard
        The model may run inside it.
    names : sequence of str
        Names for the inputs, where they were asked for.
    plain_output : callable
        Makes a recorded output plain, as the arguments were made.

    Raises
    ------
    UsageMistake
        No call was kept, or its arguments cannot go into a graph.
    """
    _check_kept(calls)
    answers = Answers(model, guard, plain_output)
    taken, said = numbers_as_tensors(model, take_apart(model, calls), answers)
    form = choose_form(model, taken, names)
    merged = merge(form, taken, answers)
    axes = find_axes(_seen(form, merged))
    varying = {place for places in axes.groups.values() for place in places}
    replays = tuple(Replay(each.call.number, form.told(each), answers.recorded(each)) for each in merged.replayed)
    own = {call.call.number for call in form.calls}
    return Observed(
        _best([replay.example for replay in replays if replay.number in own], varying),
        axes.groups,
        axes.sums,
        axes.sizes,
        replays,
        (*said, *merged.said, *_modes(merged.replayed)),
        merged.left_out,
    )


def _check_kept(calls: Sequence[RecordedCall]) -> None:
    if not calls:
        raise UsageMistake("No call was recorded, so there is no example; call the model where it is recorded.")
    if not any(call.kept for call in calls):
        raise UsageMistake(
            "No call was kept with its values, so there is no example: even one call takes more than the budget. "
            "Raise it, for example to --budget 4GB, which is record(model, budget='4GB')."
        )


def _seen(form: Form, merged: Merged) -> list[Seen]:
    """Return the inputs of the file with their shapes in every call that it stands for."""
    # An example's leaves pair with those of the call it was made of; only the names may be others, as asked for.
    return [
        Seen(leaf.name, path, leaf.value.is_floating_point(), tuple(shapes.get(path) for shapes in merged.shapes))
        for path, leaf in zip(form.model.leaves, form.example.leaves, strict=True)
        if leaf.name is not None
    ]


def _best(examples: Sequence[Example], varying: set[tuple[str, int]]) -> Example:
    """Return the example with the most to say: nothing empty, few sizes of 1 where axes vary, large."""

    def merit(example: Example) -> tuple[bool, int, int]:
        tensors = [(leaf.name or "", leaf.value) for leaf in example.tensors]
        ones = sum(size == 1 for name, t in tensors for axis, size in enumerate(t.shape) if (name, axis) in varying)
        return all(t.numel() for _, t in tensors), -ones, sum(t.numel() for _, t in tensors)

    return max(examples, key=merit)


def _modes(replayed: Sequence[Taken]) -> list[str]:
    """Return a sentence on calls that were made otherwise than the file is compared."""
    said: list[str] = []
    training = [each.call.number for each in replayed if each.call.training]
    if training:
        who = _recorded(training, len(replayed))
        said.append(f"{who} in training mode; the file is compared with the model in eval mode.")
    for dtype in dict.fromkeys(each.call.autocast for each in replayed if each.call.autocast):
        who = _recorded([each.call.number for each in replayed if each.call.autocast == dtype], len(replayed))
        said.append(f"{who} under autocast ({dtype}); the file is compared with the model without it.")
    return said


def _recorded(numbers: Sequence[int], total: int) -> str:
    if len(numbers) == total:
        return "Recorded"
    return f"{calls_named(numbers)} {'was' if len(numbers) == 1 else 'were'} recorded"
