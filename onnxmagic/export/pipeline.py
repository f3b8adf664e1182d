"""The pipeline: one line, stage after stage, none reaching back.

    example -> model rules -> first run -> axes -> capture -> write -> check -> prove -> move -> Export

The file is moved over the target last, after the proof: an interrupt during the proof, or a closed gate, leaves the old
file too. Capture to prove is a loop, because only the exporter and the runtime know whether an axis really varies; each
turn gives up at least one axis, so it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import EagerEvidence, Located, Repeat
from onnxmagic.check.finding import Finding
from onnxmagic.check.gate import stopped_by
from onnxmagic.check.wording import code
from onnxmagic.disk.staging import install, staging, write_failed
from onnxmagic.errors import CaptureFailed, GateClosed
from onnxmagic.export.adapted.adapter import adapted
from onnxmagic.export.artifact import Artifact
from onnxmagic.export.asked import asked_groups
from onnxmagic.export.axes import Plan, static_axes
from onnxmagic.export.axis_report import axes_of
from onnxmagic.export.capture import Captured, capture
from onnxmagic.export.changes import Changes, changes_since
from onnxmagic.export.clock import Clock
from onnxmagic.export.dropouts import dropouts_off
from onnxmagic.export.eager import output_names
from onnxmagic.export.failure import AxesRefused
from onnxmagic.export.file import Written, check_file, check_memory, write_file
from onnxmagic.export.first_look import first_look
from onnxmagic.export.fixed import fix_graph, leaves_dropouts_out, still_there
from onnxmagic.export.guard import Guard
from onnxmagic.export.job import Cells, Job
from onnxmagic.export.locate import Locator
from onnxmagic.export.observed.plan import plan_observed
from onnxmagic.export.on_data import on_data
from onnxmagic.export.opset import Aim
from onnxmagic.export.own_file import kept_example
from onnxmagic.export.process import little_collection, no_collection, noticed_interrupts
from onnxmagic.export.proof_inputs import ProofInputs
from onnxmagic.export.prove import Proof, Prove, Prover, not_proved
from onnxmagic.export.request import Request
from onnxmagic.export.result import Export
from onnxmagic.export.second_leg import SecondOpinion
from onnxmagic.export.strip import content_of
from onnxmagic.export.supplied import Supplied, understood
from onnxmagic.export.trials import Tester
from onnxmagic.export.unwrapped import unwrapped
from onnxmagic.runtime.ort import OnnxRuntime

__all__ = ["run"]


def run(
    model: Any,
    supplied: Supplied,
    request: Request,
    *,
    cells: Cells | None = None,
    progress: Callable[[str], None] | None = None,
) -> Export:
    """Export, check and prove; see ``onnxmagic.export``."""
    with (
        adapted(unwrapped(model)[0], supplied.calls()) as adapter,
        little_collection() as set_aside,
        noticed_interrupts() as check,
    ):
        clock = Clock(progress, check)
        with clock("model"):
            observed = understood(model, supplied, adapter, request)
        example = observed.example
        check_memory(example, request)
        asked = asked_groups(example, request)
        with (
            Guard(example.model, [leaf.value for leaf in example.tensors]) as guard,
            dropouts_off(leaves_dropouts_out(request), cells) as dropouts,
        ):
            aim = Aim.of(request)
            return _export(Job(observed, supplied, request, asked, aim, guard, clock, set_aside, cells, dropouts))


@dataclass(frozen=True)
class _Turn:
    """The file of the last turn of the loop, with its proof."""

    captured: Captured
    written: Written
    proof: Proof
    plan: Plan
    reasons: Mapping[str, str]


def _export(job: Job) -> Export:
    with job.clock("model"):
        look = first_look(job)
    findings = look.findings
    names, places = output_names(
        look.alone, job.request.output_names, [leaf.name or "" for leaf in job.example.tensors]
    )
    with job.clock("axes"):
        tester = Tester(job.example, look.alone, job.guard, job.cells)
        plan = plan_observed(job.observed, tester, job.asked, auto=job.request.auto)
        findings += catalogue.run(
            EagerEvidence(
                plan.trials,
                static=not job.request.auto,
                outputs=places,
                asked_outputs=job.request.output_names,
            )
        )
    inputs = ProofInputs(job.example, look.alone, job.guard, job.observed.replays)
    prover = Prover(inputs, job.guard, OnnxRuntime(), repeat=look.repeat, cells=job.cells)
    with _memory_is_the_cause(look.repeat), write_failed(job.request.output), staging(job.request.output) as folder:
        with _told(findings):
            turn = _until_true(job, folder, plan, names, prover)
        findings += catalogue.run(EagerEvidence(repeat=prover.repeat))
        findings += catalogue.run(turn.captured.evidence)
        findings += turn.written.findings + catalogue.run(turn.proof.evidence)
        return _finish(job, findings, turn)


def _until_true(job: Job, folder: Path, plan: Plan, names: tuple[str, ...], prover: Prover) -> _Turn:
    """Capture, write, check and prove, giving up the axes that turn out not to be true."""
    reasons: dict[str, str] = {}
    broken: Located | None = None
    while True:
        try:
            job.guard.restart()
            with job.clock("capture"), no_collection(job.set_aside):
                captured = capture(job.example, plan, names, job.aim.captured, job.cells, optimize=broken is None)
        except AxesRefused as refused:
            reasons.update(refused.reasons)
            plan = plan.without(list(refused.reasons))
            continue
        with job.clock("write"):
            content = content_of(
                captured.program,
                keep_source=job.request.keep_source,
                rewrite=lambda model: fix_graph(model, job.request),
            )
            content = job.aim.reach(content)
            files = write_file(job, folder, content, plan, prover)
        with prover.proving(files[0], content.model) if job.request.prove else nullcontext() as prove:
            written = check_file(job, files, content, plan, reasons)
            proof = _prove(job, prove, plan, names, prover)
        if proof.false_axes:
            reasons.update(proof.false_axes)
            plan = plan.without(list(proof.false_axes))
            continue
        proof = _located(job, captured, written, proof)
        place = proof.evidence.located
        if broken is None and place is not None and place.blame == "exporter-optimiser":
            broken = place
            continue
        proof = on_data(job, written, proof)
        return _Turn(_without_optimizer(captured, broken), written, proof, plan, reasons)


def _prove(job: Job, prove: Prove | None, plan: Plan, names: tuple[str, ...], prover: Prover) -> Proof:
    if prove is None:
        return not_proved()
    doubt = SecondOpinion(job.example, plan, names, job.aim.captured, prover.referee, job.guard)
    with job.clock("prove"):
        return prove(plan, doubt)


def _located(job: Job, captured: Captured, written: Written, proof: Proof) -> Proof:
    """Add where the file goes wrong, if it does."""
    if proof.failing is None:
        return proof
    locator = Locator(
        captured.program,
        written.files[0],
        written.graph,
        written.evidence.places or {},
        job.aim.captured,
        job.guard,
        OnnxRuntime(),
        job.cells,
    )
    with job.clock("prove"):
        located = locator.locate(proof.failing)
    return replace(proof, evidence=replace(proof.evidence, located=located))


def _finish(job: Job, findings: tuple[Finding, ...], turn: _Turn) -> Export:
    request, written = job.request, turn.written
    chosen = catalogue.chosen(dict.fromkeys(findings), request.select, request.ignore)
    static = static_axes(job.example, turn.plan) if not request.auto else ()
    axes = axes_of(turn.plan, turn.reasons, turn.proof, static)
    result = Export(
        path=request.output,
        findings=catalogue.sort(chosen),
        graph=written.graph,
        parity=turn.proof.parity,
        axes=still_there(axes, written.content.fixed),
        stages=job.clock.stages(),
        model_name=request.name or type(job.example.model).__name__,
        nbytes=sum(file.stat().st_size for file in written.files),
        artifact=Artifact(),
        taken=(*job.taken, *turn.proof.left_out),
        fixed=(*job.dropouts.said, *written.content.fixed.applied.changes),
        chosen=written.content.chosen,
        places=written.evidence.places or {},
        example=kept_example(job.example, written.graph),
    )
    _gate(result, request)
    if request.output is None:
        return replace(result, artifact=Artifact(data=written.files[0].read_bytes()))
    changes = _changes(job, written)
    with job.clock("write"):
        files = install(written.files, request.output)
    return replace(
        result,
        artifact=Artifact.on_disk(files),
        changes=changes.diff,
        not_compared=changes.reason,
        stages=job.clock.stages(),
    )


def _changes(job: Job, written: Written) -> Changes:
    """Return what changes in the file that is about to be replaced."""
    target = job.request.output
    if target is None or not job.request.changes or not target.is_file():
        return Changes()
    with job.clock("compare"):
        return changes_since(target, written.files[0], written.graph)


@contextmanager
def _memory_is_the_cause(repeat: Repeat | None) -> Generator[None]:
    """Tell what the model remembers where the exporter refuses it for a reason that no rule knows."""
    try:
        yield
    except CaptureFailed as error:
        if repeat is not None and repeat.remembers and not error.findings:
            error.findings = catalogue.run(EagerEvidence(repeat=repeat))
        raise


def _without_optimizer(captured: Captured, broken: Located | None) -> Captured:
    """Say that torch's optimiser was left out where it had `broken` something."""
    if broken is None:
        return captured
    error = f"what it made of {code(broken.target)} computes something else"
    where = replace(broken.where, node=None)  # a node of the file that was given up
    return replace(captured, evidence=replace(captured.evidence, optimizer_error=error, where=where))


@contextmanager
def _told(findings: tuple[Finding, ...]) -> Generator[None]:
    """Let a failure to capture the model carry what had been found before."""
    try:
        yield
    except CaptureFailed as error:
        error.earlier = findings
        raise


def _gate(result: Export, request: Request) -> None:
    if codes := stopped_by(result.findings, request.fail_on):
        raise GateClosed(f"Not kept, because of --fail-on {request.fail_on}: {codes}.", replace(result, path=None))
