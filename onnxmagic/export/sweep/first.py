"""The first batch of a sweep, on which everything is tried that can be wrong with file, model and data as such."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from onnxmagic.check.evidence import RunCase, RunEvidence
from onnxmagic.errors import UsageMistake
from onnxmagic.export.eager import Outputs, one_line, run_model, same_outputs
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.loading import DRAWING, Loaded, load
from onnxmagic.export.referee import Referee, relative_noise
from onnxmagic.export.sweep.bind import Bound
from onnxmagic.export.sweep.rows import Rows
from onnxmagic.export.sweep.sides import Kind, Sides, believed
from onnxmagic.graph.facts import Graph
from onnxmagic.runtime.ort import OrtSession
from onnxmagic.runtime.protocol import NotLoadable, Runtime

__all__ = ["First", "Nothing"]


class Nothing(Exception):
    """Nothing can be compared, for the reason in ``evidence``."""

    def __init__(self, evidence: RunEvidence) -> None:
        super().__init__(evidence.not_proved)
        self.evidence = evidence


@dataclass(frozen=True)
class First:
    """Runs both on the first batch; `referee` measures on it how much PyTorch itself rounds."""

    path: Path
    graph: Graph
    runtime: Runtime
    guard: Guard
    referee: Referee
    kind: Kind

    def both(self, first: Bound, rows: Rows, noise: Sequence[float] | None) -> tuple[Outputs, Sequence[Any], Sides]:
        """Return both answers, and what compares them and those to the batches after it.

        Raises
        ------
        UsageMistake
            The model fails.
        Nothing
            The file cannot be run, or one of both gives two answers.
        """
        torch32 = self._known(first)
        torch64 = believed(self._reference(first.example), torch32)
        rounding = relative_noise(torch32.tensors, torch64) if torch64 is not None else None
        if noise is not None and len(noise) == len(torch32.tensors):
            rounding = [max(a, b) for a, b in zip(noise, rounding or noise, strict=True)]
        file = self._loaded(first)
        rows = rows.settled([tensor.shape for tensor in torch32.tensors], first.feeds)
        feeding = None if isinstance(file.session, OrtSession) else threading.Lock()  # a pipe has one user at a time
        forward = self._forward
        return torch32, file.answer, Sides(file.session, forward, self._reference, rows, rounding, self.kind, feeding)

    def _known(self, first: Bound) -> Outputs:
        try:
            known, again = self._forward(first.example), self._forward(first.example)
        except Exception as error:
            raise UsageMistake(f"The model fails on the first batch of data: {one_line(error)}") from error
        if not same_outputs(known, again):
            raise Nothing(self._evidence("the PyTorch model gives two answers for one input"))
        return known

    def _forward(self, example: Example) -> Outputs:
        return run_model(example, self.guard)

    def _reference(self, example: Example) -> Sequence[torch.Tensor] | None:
        return self.referee.reference(example, needed=True)

    def _loaded(self, first: Bound) -> Loaded:
        try:
            file = load(self.runtime, self.path, first.feeds, plainly=_may_draw(self.graph))
        except NotLoadable as error:
            raise Nothing(self._evidence("the runtime does not load the file", load_error=str(error))) from error
        except Exception as error:
            case = RunCase("", first.sizes, self.kind, "run", one_line(error))
            raise Nothing(self._evidence(f"the file does not run: {one_line(error)}", cases=(case,))) from error
        if file.unstable:
            reason = f"{', '.join(file.unstable)}: random, so nothing can be compared"
            raise Nothing(self._evidence(reason, nondeterministic=file.unstable, deterministic=False))
        return file

    def _evidence(self, reason: str, **evidence: Any) -> RunEvidence:
        return RunEvidence(self.runtime.name, not_proved=reason, **evidence)


def _may_draw(graph: Graph) -> bool:
    return any(node.op_type in DRAWING or node.domain not in ("", "ai.onnx") for node in graph.walk())
