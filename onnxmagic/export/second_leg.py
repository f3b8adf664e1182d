"""The second leg of the referee: a wrong translation told from a runtime that only rounds worse.

A huge plain sum rounds worse in a runtime that adds one by one than in PyTorch, which adds in pairs; that is no bug of
the file. So when the runtime is off by more than rounding explains, the float64 copy of the model is exported in the
same way and evaluated in float64. Measured: right translations end at 2.5e-8 and less (1.1e-6 for one with a float32
grid inside), wrong ones at 2.9e-6 and more.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
import torch

from onnxmagic.disk.write import write_stream
from onnxmagic.export.axes import Plan
from onnxmagic.export.capture import capture
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.eager import one_line, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.referee import Referee, double_example, rms
from onnxmagic.export.strip import content_of
from onnxmagic.runtime.reference import evaluate

__all__ = ["SecondLeg", "SecondOpinion"]

MOST_ERROR = 1e-7
"""Relative error of the float64 graph above which the translation is wrong."""


@dataclass(frozen=True, slots=True)
class SecondLeg:
    """``translated`` right or wrong, or ``untried`` with the reason."""

    verdict: Literal["right", "wrong", "untried"]
    detail: str


@dataclass
class SecondOpinion:
    """The float64 copy of the model, exported as `example` was, once for all cases that are in doubt."""

    example: Example
    plan: Plan
    names: tuple[str, ...]
    opset: int | None
    referee: Referee
    guard: Guard
    _model: onnx.ModelProto | None = None

    def __call__(self, failing: Example) -> SecondLeg:
        """Evaluate the export in float64 on `failing`."""
        try:
            model = self._exported()
            inputs = double_example(failing, self.referee.double())
            expected = run_model(inputs, self.guard).tensors
            got = evaluate(model, {leaf.name or "": to_numpy(leaf.value) for leaf in inputs.tensors})
        except Exception as error:  # noqa: BLE001  # the judge of last resort may be unable to judge; that is an answer
            return SecondLeg("untried", f"no second opinion in float64: {one_line(error)}")
        worst = max((_error(g, to_numpy(e)) for g, e in zip(got, expected, strict=True)), default=0.0)
        if worst > MOST_ERROR:
            return SecondLeg("wrong", f"translated wrongly: the graph is off by {worst:.1e} in float64 too")
        return SecondLeg("right", f"the translation is right ({worst:.0e} in float64)")

    def _exported(self) -> onnx.ModelProto:
        if self._model is None:
            exported = capture(double_example(self.example, self.referee.double()), self.plan, self.names, self.opset)
            content = content_of(exported.program, keep_source=False)
            with tempfile.TemporaryFile() as file:
                write_stream(content.model, content.weights, file)
                file.seek(0)
                self._model = onnx.load_model_from_string(file.read())
        return self._model


def _error(got: object, expected: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> float:
    if not isinstance(got, np.ndarray) or got.shape != expected.shape:
        return float("inf")
    if expected.dtype.kind != "f":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    good = np.isfinite(expected)
    if not np.array_equal(good, np.isfinite(got)):
        return float("inf")
    difference = torch.from_numpy(np.asarray(got, "f8")[good] - np.asarray(expected, "f8")[good])
    scale = rms(torch.from_numpy(np.asarray(expected, "f8")[good]))
    return rms(difference) / scale if scale else rms(difference)
