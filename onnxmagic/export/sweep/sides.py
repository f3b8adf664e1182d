"""The file and the model side by side: one batch in, how far they agree out.

It is all that a worker of an executor needs, in this process or in another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from onnxmagic.check.evidence import RunCase
from onnxmagic.export.compare import agreement, to_numpy
from onnxmagic.export.eager import Outputs, one_line
from onnxmagic.export.example import Example
from onnxmagic.export.judge import case_of
from onnxmagic.export.referee import believable, relative_noise
from onnxmagic.export.result import Case
from onnxmagic.export.sweep.bind import Bound
from onnxmagic.export.sweep.measure import matching, measured
from onnxmagic.export.sweep.rows import Rows, axis_of
from onnxmagic.export.sweep.scrutiny import Answers, Seen, looked_at
from onnxmagic.runtime.protocol import Session

__all__ = ["Kind", "Measured", "ModelFails", "Part", "Sides", "believed"]

Kind = Literal["data", "made up"]
Outputs64 = Sequence[torch.Tensor] | None


class ModelFails(Exception):
    """The PyTorch model fails on a batch; the message is its own error in one line."""


@dataclass(frozen=True, slots=True)
class Part:
    """The worst row of a batch: both answers, by the names of the file's outputs."""

    row: int
    max_abs: float
    expected: Mapping[str, Any]
    got: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """One batch, compared.

    Attributes
    ----------
    errors : numpy.ndarray
        The largest absolute error of each sample.
    wrong : int
        Samples that are beyond rounding.
    matching : tuple of int or None
        For each output, in how many rows the top class is the same.
    case : Case
    runs : tuple of RunCase
    doubtful : bool
        A float64 run of this batch could tell more.
    thorough : bool
        It had such a run.
    worst : Part or None
        None where no row is worse than what was to be beaten.
    """

    errors: Any
    wrong: int
    matching: tuple[int | None, ...]
    case: Case
    runs: tuple[RunCase, ...]
    doubtful: bool = False
    thorough: bool = False
    worst: Part | None = None


@dataclass
class Sides:
    """Compares batch after batch; nothing of one is kept for the next.

    Attributes
    ----------
    session : Session
        The file, loaded.
    forward : callable
        Runs the model on an example.
    reference : callable
        Runs it in float64; returns None where that is impossible.
    rows : Rows
    noise : list of float or None
        PyTorch's relative rounding of each output, of a batch on which it was measured.
    kind : str
    feeding : context manager, optional
        Held while the file runs, where the runtime takes one at a time.
    """

    session: Session
    forward: Callable[[Example], Outputs]
    reference: Callable[[Example], Outputs64]
    rows: Rows
    noise: list[float] | None
    kind: Kind = "data"
    feeding: AbstractContextManager[Any] | None = field(default=None)

    def measure(self, bound: Bound, *, thorough: bool, beaten: float) -> Measured:
        """Run both on a batch and compare.

        Parameters
        ----------
        thorough : bool
            Run the model in float64 too where the batch does not plainly agree.
        beaten : float
            The worst error so far; only what is larger comes back whole.

        Raises
        ------
        ModelFails
        """
        try:
            torch32 = self.forward(bound.example)
        except Exception as error:
            raise ModelFails(one_line(error)) from error
        try:
            got = self._run(bound)
        except Exception as error:  # noqa: BLE001  # whatever the runtime raises is its refusal to run
            return self._refused(bound, torch32, one_line(error), beaten)
        return self.judge(bound, torch32, got, thorough=thorough, beaten=beaten)

    def judge(self, bound: Bound, torch32: Outputs, got: Sequence[Any], *, thorough: bool, beaten: float) -> Measured:
        """Compare the two answers to a batch."""
        expected = [to_numpy(tensor) for tensor in torch32.tensors]
        size = self.rows.count(bound.feeds)
        axes = [axis_of(e.shape, axis, size) for e, axis in zip(expected, self._axes(len(expected)), strict=True)]
        size = size if any(axis is not None for axis in axes) else 1
        base = RunCase("", bound.sizes, self.kind)
        seen, answers = self._plain(base, got, torch32, expected, (axes, size)), None
        doubtful = seen is None
        if seen is None:
            answers = Answers(self.session.outputs, got, torch32, None, self.noise, axes, size)
            if thorough:
                answers = self._with_reference(answers, bound.example)
            seen = looked_at(base, answers)
        right = tuple(matching(g, e, axis) for g, e, axis in zip(got, expected, axes, strict=False))
        known = zip(right, got, torch32.tensors, strict=False)
        shares = [agreement(g, t) if count is None else count / len(t) for count, g, t in known]
        return Measured(
            seen.errors,
            int(seen.wrong.sum()) if seen.wrong is not None else 0,
            right,
            case_of(bound.sizes, self.kind, seen.compared, shares),
            tuple(one.case for one in seen.compared),
            doubtful and not thorough and self.noise is not None,
            doubtful and thorough,
            self._worst(seen.errors, expected, got, axes, beaten),
        )

    def _run(self, bound: Bound) -> list[Any]:
        if self.feeding is None:
            return self.session.run(bound.feeds)
        with self.feeding:
            return self.session.run(bound.feeds)

    def _axes(self, count: int) -> list[int | None]:
        return [*self.rows.outputs, *[None] * count][:count]

    def _plain(self, base: RunCase, got: Sequence[Any], torch32: Outputs, expected: Sequence[Any], rows: Any) -> Any:
        """Return what a batch shows that plainly agrees; None for any other."""
        axes, size = rows
        if len(got) != len(expected):
            return None
        noise: Sequence[float | None] = self.noise if self.noise is not None else [None] * len(expected)
        compared: list[Any] = []
        errors = np.zeros(size)
        for number, name in enumerate(self.session.outputs):
            case = RunCase(name, base.sizes, base.inputs)
            one = measured(
                case,
                got[number],
                torch32.tensors[number],
                expected[number],
                noise=noise[number],
                axis=axes[number],
            )
            if one is None:
                return None
            compared.append(one.compared)
            np.maximum(errors, one.errors, out=errors)
        return Seen(errors, None, compared)

    def _with_reference(self, answers: Answers, example: Example) -> Answers:
        torch64 = believed(self.reference(example), answers.torch32)
        if torch64 is None or answers.noise is None:
            return answers
        own = relative_noise(answers.torch32.tensors, torch64)
        noise = [max(a, b) for a, b in zip(answers.noise, own, strict=True)]
        return Answers(answers.names, answers.got, answers.torch32, torch64, noise, answers.axes, answers.rows)

    def _worst(
        self, errors: Any, expected: Sequence[Any], got: Sequence[Any], axes: Sequence[int | None], beaten: float
    ) -> Part | None:
        row = int(errors.argmax()) if len(errors) else 0
        if not len(errors) or not errors[row] > beaten:
            return None
        names = [*self.session.outputs, *(f"output_{n}" for n in range(len(self.session.outputs), len(expected)))]
        places = [*axes, *[None] * len(names)]
        theirs = {name: _row(e, axis, row) for name, e, axis in zip(names, expected, places, strict=False)}
        ours = {name: _row(g, axis, row) for name, g, axis in zip(names, got, places, strict=False)}
        return Part(row, float(errors[row]), theirs, ours)

    def _refused(self, bound: Bound, torch32: Outputs, reason: str, beaten: float) -> Measured:
        infinite = float("inf")
        expected = [to_numpy(tensor) for tensor in torch32.tensors]
        axes = self._axes(len(expected))
        errors = np.full(self.rows.count(bound.feeds), infinite)
        said = f"it does not run: {reason}"
        case = Case(bound.sizes, self.kind, False, infinite, infinite, 0.0, "float32", reason=said)
        run = RunCase("", bound.sizes, self.kind, "run", reason)
        return Measured(errors, len(errors), (), case, (run,), worst=self._worst(errors, expected, (), axes, beaten))


def believed(torch64: Outputs64, torch32: Outputs) -> Outputs64:
    """Return the outputs of a float64 run where they can be this model's."""
    if torch64 is None or len(torch64) != len(torch32.tensors):
        return None
    noise = relative_noise(torch32.tensors, torch64)
    return torch64 if believable(noise, torch32.tensors) else None


def _row(value: Any, axis: int | None, row: int) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return value.copy() if axis is None or value.ndim <= axis or value.shape[axis] <= row else value.take([row], axis)
