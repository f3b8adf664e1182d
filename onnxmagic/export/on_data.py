"""The last part of the proof: the user's own data, where some were given.

It comes after the made-up values, because a file that fails on those needs no data to be wrong, and before the file is
moved over the target, because what the data show counts for the gate.
"""

from __future__ import annotations

from dataclasses import replace

from onnxmagic.export.file import Written
from onnxmagic.export.job import Job
from onnxmagic.export.prove import Proof
from onnxmagic.export.sweep.run import sweep
from onnxmagic.runtime.ort import OnnxRuntime

__all__ = ["on_data"]


def on_data(job: Job, written: Written, proof: Proof) -> Proof:
    """Return `proof` with what the user's data gave; as it is where there are none, or nothing can be compared.

    Raises
    ------
    UsageMistake
        There is no batch, or the first one fits neither the model nor the file.
    """
    supplied = job.supplied
    if supplied.data is None or not proof.parity.cases:
        return proof
    job.guard.restart()
    with job.clock("sweep"):
        swept = sweep(
            written.files[0],
            written.graph,
            job.example.model,
            supplied.data,
            samples=supplied.samples,
            guard=job.guard,
            runtime=OnnxRuntime(),
            executor=supplied.executor,
            progress=job.clock.progress,
        )
    parity = replace(
        proof.parity,
        cases=proof.parity.cases + swept.cases,
        sweep=swept.sweep,
        reason=proof.parity.reason or swept.reason,
    )
    evidence = replace(proof.evidence, cases=proof.evidence.cases + swept.runs)
    return replace(proof, parity=parity, evidence=evidence, left_out=(*proof.left_out, *swept.untried))
