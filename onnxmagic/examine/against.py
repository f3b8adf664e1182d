"""A file compared with a PyTorch model: the sweep of an export's data, for a file that was made elsewhere.

The model is put into eval mode and given back as it was. Where values differ, the module in which they begin is looked
for, as far as the file tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID253  # this file is imported when there is a PyTorch model

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import RunEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.errors import UsageMistake
from onnxmagic.examine.astray import first_module
from onnxmagic.export.guard import Guard
from onnxmagic.export.mode import set_eval
from onnxmagic.export.result import Parity
from onnxmagic.export.sweep.run import Swept, sweep
from onnxmagic.export.sweep.sides import Kind
from onnxmagic.graph.facts import Graph
from onnxmagic.inside.exposed import Elsewhere
from onnxmagic.runtime.protocol import Runtime

__all__ = ["Compared", "compare"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison showed: the parity, the evidence and its findings, what was left out (a sentence each)."""

    parity: Parity
    findings: tuple[Finding, ...]
    untried: tuple[str, ...]
    evidence: RunEvidence


def compare(  # noqa: PLR0917  # what there is to say about one comparison
    path: Path,
    graph: Graph,
    against: Any,
    data: Any,
    samples: int | None,
    runtime: Elsewhere,
    progress: Callable[[str], None] | None = None,
    *,
    executor: Any = None,
    kind: Kind = "data",
) -> Compared:
    """Run the file at `path` and the model `against` on the same batches and compare their outputs.

    Parameters
    ----------
    against : torch.nn.Module
        Runs in eval mode, without gradients; afterwards it is as it was.
    data : iterable
        See ``export.sweep.source``.
    samples : int or None
        Rows to compare; None for all.
    executor : concurrent.futures.Executor, optional
        Runs all batches but the first.
    kind : {"data", "made up"}
        What the batches are, for the report; what was made up is no sweep.

    Raises
    ------
    UsageMistake
        `against` is no module, there is no batch, or one fits neither the model nor the file.
    """
    if not isinstance(against, torch.nn.Module):
        raise UsageMistake(f"against is a {type(against).__name__}; it must be the torch.nn.Module of the file.")
    if runtime.missing():
        return _nothing(RunEvidence(runtime.name, not_proved=runtime.missing()))
    with Guard(against) as guard:
        set_eval(against, guard)
        swept = sweep(
            path,
            graph,
            against,
            data,
            samples=samples,
            guard=guard,
            runtime=runtime,
            executor=executor,
            progress=progress,
            kind=kind,
        )
        if swept.refused is not None:
            return _nothing(swept.refused)
        place = None
        if swept.failing is not None:
            with guard.watching():
                place = first_module(path, graph, swept.failing, runtime)
    evidence = RunEvidence(runtime.name, swept.runs, deterministic=True, located=place)
    return Compared(_parity(runtime, swept, kind), catalogue.run(evidence), swept.untried, evidence)


def _parity(runtime: Runtime, swept: Swept, kind: Kind) -> Parity:
    return Parity(runtime.name, swept.cases, True, swept.reason, swept.sweep if kind == "data" else None)


def _nothing(evidence: RunEvidence) -> Compared:
    parity = Parity(evidence.runtime, deterministic=evidence.deterministic, reason=evidence.not_proved)
    return Compared(parity, catalogue.run(evidence), (), evidence)
