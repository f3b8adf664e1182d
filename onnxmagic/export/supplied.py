"""What shows how the model is used: a call that was written, calls that were recorded, data.

The options of an export are valid in themselves (``request``); what stands here is only understood together with the
model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from onnxmagic.check.wording import enumerated
from onnxmagic.errors import UsageMistake
from onnxmagic.export.adapted.adapter import Adapter
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.like import example_like
from onnxmagic.export.mode import set_eval
from onnxmagic.export.observed.observe import observe
from onnxmagic.export.observed.observed import Observed
from onnxmagic.export.request import Request
from onnxmagic.export.sweep.asked import SAMPLES, check_executor, check_samples
from onnxmagic.export.unwrapped import unwrapped
from onnxmagic.record.calls import Recording

__all__ = ["Supplied", "understood"]


@dataclass(frozen=True)
class Supplied:
    """What the user gave besides the options.

    Attributes
    ----------
    args, kwargs
        The call; empty where calls were recorded.
    recording : Recording, optional
    data : object, optional
        Batches for the proof; ``samples`` rows of them (None for all), on ``executor`` where there is one.
    taken : tuple of str
        How the call was found where nobody wrote it, a sentence each.
    """

    args: Any = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    recording: Recording | None = None
    data: Any = None
    samples: int | None = None
    executor: Any = None
    taken: tuple[str, ...] = ()

    @classmethod
    def make(
        cls,
        model: Any,
        args: Any,
        kwargs: Mapping[str, Any],
        *,
        calls: Any = None,
        like: Any = None,
        data: Any = None,
        samples: Any = SAMPLES,
        executor: Any = None,
        taken: Sequence[str] = (),
        prove: bool = True,
    ) -> Supplied:
        """Return what was supplied; of `like` one batch is taken.

        Raises
        ------
        UsageMistake
            Two things were given for one, or something that is none of what it should be.
        """
        _check_one_example(args, kwargs, calls, like)
        _check_data(data, executor, prove=prove)
        said = tuple(taken)
        if like is not None:
            args, kwargs, found = example_like(model, like)
            said = (*said, *found)
        return cls(args, kwargs, _recording(model, calls), data, check_samples(samples), executor, said)

    def calls(self) -> Iterator[tuple[Any, Mapping[str, Any]]]:
        """Yield the arguments of every call there is."""
        if self.recording is None:
            yield self.args, self.kwargs
        else:
            yield from ((call.args, call.kwargs) for call in self.recording.calls)


def understood(model: Any, supplied: Supplied, adapter: Adapter, request: Request) -> Observed:
    """Return the example and what is known of its axes; recorded calls are tried on the PyTorch model.

    Raises
    ------
    UsageMistake
        There is no call, or it cannot be exported.
    """
    recording = supplied.recording
    if recording is None:
        args, kwargs = adapter.plain_call(supplied.args, supplied.kwargs)
        return Observed(Example.make(model, args, kwargs, request.input_names))
    if not recording.total:
        raise UsageMistake(_no_call(type(recording.model).__name__, recording))
    module: torch.nn.Module = unwrapped(model)[0]
    calls = [_plain(call, adapter) for call in recording.calls]
    with Guard(module) as guard:
        if not request.train:
            set_eval(module, guard)
        return observe(model, calls, guard, names=request.input_names, plain_output=adapter.plain_output)


def _check_one_example(args: Any, kwargs: Mapping[str, Any], calls: Any, like: Any) -> None:
    given = {"args or kwargs": bool(len(args) if hasattr(args, "__len__") else True) or bool(kwargs)}
    given |= {"calls": calls is not None, "like": like is not None}
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise UsageMistake(f"{enumerated(names)} each give the example; pass one of them.")


def _check_data(data: Any, executor: Any, *, prove: bool) -> None:
    if data is not None and not prove:
        raise UsageMistake("data is for the proof, and prove=False (--no-prove) leaves it out; drop one of them.")
    if executor is not None and data is None:
        raise UsageMistake("executor runs the batches of data, and there are none; pass data=… (--data) too.")
    if executor is not None:
        check_executor(executor)


def _recording(model: Any, calls: Any) -> Recording | None:
    if calls is None or isinstance(calls, Recording):
        recording = calls
    elif callable(getattr(calls, "recording", None)):
        recording = calls.recording()
    else:
        raise UsageMistake(
            f"calls is a {type(calls).__name__}; pass what was recorded: "
            "with onnxmagic.record(model) as calls: …, then export(model, calls=calls)."
        )
    if recording is not None and recording.model is not model:
        own, other = type(recording.model).__name__, type(model).__name__
        raise UsageMistake(f"The calls are those of another model ({own}), not of this {other}; export that one.")
    return recording


def _plain(call: Any, adapter: Adapter) -> Any:
    args, kwargs = adapter.plain_call(call.args, call.kwargs)
    return replace(call, args=args, kwargs=kwargs)


def _no_call(name: str, recording: Recording) -> str:
    if recording.unkept:
        return f"No call of the {name} was recorded. {' '.join(recording.unkept)}"
    if recording.failed:
        return f"No call of the {name} returned: all {recording.failed} failed. Call it with inputs that it takes."
    return (
        f"No call of the {name} was recorded. Calls count where they are written model(...), not model.forward(...), "
        "and on the module itself, not on a copy."
    )
