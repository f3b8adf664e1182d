"""The first stage: look at the model, and run it as the user does.

Whatever is wrong here is the user's own error at the user's own line, which says more than anything an exporter would
say later; so it is said before the exporter is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import ModelEvidence, Repeat
from onnxmagic.check.finding import Finding
from onnxmagic.errors import CaptureFailed, ModelFailed
from onnxmagic.export.eager import Outputs, first_run
from onnxmagic.export.job import Job
from onnxmagic.export.mode import set_eval
from onnxmagic.export.quiet import quiet
from onnxmagic.export.twice import asked_again

__all__ = ["FirstLook", "first_look"]


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What the rules found, the model's answer on the example, and a second one where it has changed itself."""

    findings: tuple[Finding, ...]
    alone: Outputs
    repeat: Repeat | None


def first_look(job: Job) -> FirstLook:
    """Look at the model and run it; once more if it has changed itself.

    Raises
    ------
    ModelFailed, CaptureFailed
        It does not run, or is of a kind that no exporter takes.
    """
    example, guard = job.example, job.guard
    evidence = ModelEvidence(
        example.model,
        example.evidence(),
        job.request.train,
        wrappers=example.wrappers,
        asked_names=example.asked_names,
    )
    with quiet(), torch.no_grad(), guard.watching():  # a rule may try what the model's own eval() does
        findings = catalogue.run(evidence, ignore=["OM210"])
    _refuse_quantized(findings)
    if not job.request.train:
        set_eval(example.model, guard)
    guard.mark()
    try:
        alone = first_run(example, guard, job.cells)
    except ModelFailed as error:
        # Mixed dtypes are a mistake only where the model does not cope with them.
        findings += catalogue.run(replace(evidence, runs=False), select=["OM210"])
        error.findings = tuple(f for f in catalogue.sort(findings) if f.severity == "error")
        raise
    repeat = asked_again(example, alone, guard, job.cells) if guard.changes() else None
    guard.always_rewinds = repeat is not None and repeat.remembers
    return FirstLook(findings, alone, repeat)


def _refuse_quantized(findings: tuple[Finding, ...]) -> None:
    """Stop before torch does, which has no words for it."""
    fatal = tuple(f for f in findings if f.code == "OM109")
    if fatal:
        raise CaptureFailed(fatal[0].message, fatal)
