"""The pipeline: one line, stage after stage, none reaching back.

    example -> model rules -> first run -> axes -> capture -> write -> check -> prove -> move -> Export

The file is moved over the target last, after the proof: an interrupt during the proof, or a closed gate, leaves the old
file too. Capture to prove is a loop, because only the exporter and the runtime know whether an axis really varies; each
turn gives up at least one axis, so it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import torch

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import EagerEvidence, GraphEvidence, Located, ModelEvidence, Repeat, RunEvidence
from onnxmagic.check.finding import Finding, Where
from onnxmagic.check.gate import stopped_by
from onnxmagic.check.places import where_from_trace
from onnxmagic.check.wording import code
from onnxmagic.disk.staging import install, staging, write_failed
from onnxmagic.disk.write import write_model
from onnxmagic.errors import CaptureFailed, GateClosed, ModelFailed, UsageMistake
from onnxmagic.export.artifact import Artifact
from onnxmagic.export.asked import asked_groups
from onnxmagic.export.axes import Plan, choose_axes, static_axes
from onnxmagic.export.axis_report import axes_of, refused_axes
from onnxmagic.export.beside import beside
from onnxmagic.export.capture import Captured, capture
from onnxmagic.export.clock import Clock
from onnxmagic.export.dropouts import Dropouts, dropouts_off
from onnxmagic.export.eager import Outputs, first_run, output_names
from onnxmagic.export.example import Example
from onnxmagic.export.failure import AxesRefused
from onnxmagic.export.fixed import fix_graph, leaves_dropouts_out, refused_by_checker, still_there
from onnxmagic.export.guard import Guard
from onnxmagic.export.locate import Locator
from onnxmagic.export.mode import set_eval
from onnxmagic.export.modules import all_modules, own_buffers, own_parameters
from onnxmagic.export.opset import Aim
from onnxmagic.export.process import little_collection, no_collection, noticed_interrupts, one_thread
from onnxmagic.export.prove import Proof, Prove, Prover
from onnxmagic.export.quiet import quiet
from onnxmagic.export.referee import Referee
from onnxmagic.export.request import Request
from onnxmagic.export.result import Export, Parity
from onnxmagic.export.second_leg import SecondOpinion
from onnxmagic.export.shapes import forget_shapes, shapes_are_wrong
from onnxmagic.export.strip import Content, content_of
from onnxmagic.export.trials import Place, Tester
from onnxmagic.export.twice import asked_again
from onnxmagic.graph.checker import structure_error
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import read
from onnxmagic.runtime.ort import OnnxRuntime

__all__ = ["run"]

SINGLE_FILE_BYTES = 1_500_000_000
"""From here on the weights go to a second file; one protobuf message ends at 2 GB."""

WORTH_A_THREAD = 250_000_000
"""Bytes of weights whose writing takes longer than what is lost by computing on one thread beside it."""

Cells = Callable[[str], "int | None"]


def run(
    model: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    request: Request,
    *,
    cells: Cells | None = None,
    progress: Callable[[str], None] | None = None,
) -> Export:
    """Export, check and prove; see ``onnxmagic.export``."""
    example = Example.make(model, args, kwargs, request.input_names)
    _check_memory(example, request)
    asked = asked_groups(example, request)
    tensors = [leaf.value for leaf in example.tensors]
    with (
        little_collection() as set_aside,
        noticed_interrupts() as check,
        Guard(example.model, tensors) as guard,
        dropouts_off(leaves_dropouts_out(request), cells) as dropouts,
    ):
        return _Run(
            example, request, asked, Aim.of(request), guard, Clock(progress, check), set_aside, cells, dropouts
        ).export()


@dataclass(frozen=True)
class _Written:
    """The staged files, and what is known of them."""

    files: tuple[Path, ...]
    content: Content
    graph: Graph
    evidence: GraphEvidence
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Run:
    """One export: what stays the same from stage to stage."""

    example: Example
    request: Request
    asked: Mapping[str, tuple[Place, ...]]
    aim: Aim
    guard: Guard
    clock: Clock
    set_aside: Callable[[], None]
    cells: Cells | None
    dropouts: Dropouts

    def export(self) -> Export:
        with self.clock("model"):
            findings, alone, repeat = self._model()
        names, places = output_names(
            alone, self.request.output_names, [leaf.name or "" for leaf in self.example.tensors]
        )
        with self.clock("axes"):
            tester = Tester(self.example, alone, self.guard, self.cells)
            plan = choose_axes(self.example, tester, self.asked, auto=self.request.auto)
            findings += catalogue.run(
                EagerEvidence(
                    plan.trials,
                    static=not self.request.auto,
                    outputs=places,
                    asked_outputs=self.request.output_names,
                )
            )
        prover = Prover(self.example, alone, self.guard, OnnxRuntime(), repeat=repeat, cells=self.cells)
        with _memory_is_the_cause(repeat), write_failed(self.request.output), staging(self.request.output) as folder:
            with _told(findings):
                captured, written, proof, plan, reasons = self._until_true(folder, plan, names, prover)
            findings += catalogue.run(EagerEvidence(repeat=prover.repeat))
            findings += catalogue.run(captured.evidence) + written.findings + catalogue.run(proof.evidence)
            return self._finish(findings, written, proof, plan, reasons)

    def _model(self) -> tuple[tuple[Finding, ...], Outputs, Repeat | None]:
        """Look at the model and run it; once more if it has changed itself."""
        evidence = ModelEvidence(
            self.example.model,
            self.example.evidence(),
            self.request.train,
            wrappers=self.example.wrappers,
            asked_names=self.example.asked_names,
        )
        with quiet(), torch.no_grad(), self.guard.watching():  # a rule may try what the model's own eval() does
            findings = catalogue.run(evidence, ignore=["OM210"])
        _refuse_quantized(findings)
        if not self.request.train:
            set_eval(self.example.model, self.guard)
        self.guard.mark()
        try:
            alone = first_run(self.example, self.guard, self.cells)
        except ModelFailed as error:
            # Mixed dtypes are a mistake only where the model does not cope with them.
            findings += catalogue.run(replace(evidence, runs=False), select=["OM210"])
            error.findings = tuple(f for f in catalogue.sort(findings) if f.severity == "error")
            raise
        repeat = asked_again(self.example, alone, self.guard, self.cells) if self.guard.changes() else None
        self.guard.always_rewinds = repeat is not None and repeat.remembers
        return findings, alone, repeat

    def _until_true(
        self, folder: Path, plan: Plan, names: tuple[str, ...], prover: Prover
    ) -> tuple[Captured, _Written, Proof, Plan, dict[str, str]]:
        """Capture, write, check and prove, giving up the axes that turn out not to be true."""
        reasons: dict[str, str] = {}
        broken: Located | None = None
        while True:
            try:
                self.guard.restart()
                with self.clock("capture"), no_collection(self.set_aside):
                    captured = capture(
                        self.example, plan, names, self.aim.captured, self.cells, optimize=broken is None
                    )
            except AxesRefused as refused:
                reasons.update(refused.reasons)
                plan = plan.without(list(refused.reasons))
                continue
            with self.clock("write"):
                content = content_of(
                    captured.program,
                    keep_source=self.request.keep_source,
                    rewrite=lambda model: fix_graph(model, self.request),
                )
                content = self.aim.reach(content)
                files = self._write_and_ask(folder, content, plan, prover)
                if shapes_are_wrong(content.model, files[0]):
                    forget_shapes(content.model)
                    files = self._write(folder, content)
            with prover.proving(files[0], content.model) if self.request.prove else nullcontext() as prove:
                written = self._check(files, content, plan, reasons)
                proof = self._prove(prove, plan, names, prover.referee)
            if proof.false_axes:
                reasons.update(proof.false_axes)
                plan = plan.without(list(proof.false_axes))
                continue
            proof = self._located(captured, written, proof)
            place = proof.evidence.located
            if broken is None and place is not None and place.blame == "exporter-optimiser":
                broken = place
                continue
            return _without_optimizer(captured, broken), written, proof, plan, reasons

    def _write_and_ask(self, folder: Path, content: Content, plan: Plan, prover: Prover) -> tuple[Path, ...]:
        """Write the file; beside a large one, ask PyTorch what the proof will need.

        A model that writes into its own tensors while it runs must not do so while they are written to the file.
        """
        if not self.request.prove or content.nbytes < WORTH_A_THREAD or self.guard.wrote:
            return self._write(folder, content)
        with beside(lambda stop: self._write(folder, content, stop)) as written, one_thread():
            prover.ask(plan)
            files = written()
        if not self.guard.wrote:
            return files
        self.guard.rewind()
        return self._write(folder, content)

    def _write(self, folder: Path, content: Content, stop: Event | None = None) -> tuple[Path, ...]:
        name = self.request.output.name if self.request.output else "model.onnx"
        external = self.request.external_data
        if external is None:
            external = content.nbytes >= SINGLE_FILE_BYTES
        return tuple(write_model(content.model, content.weights, folder / name, external=external, stop=stop))

    def _check(self, files: tuple[Path, ...], content: Content, plan: Plan, reasons: Mapping[str, str]) -> _Written:
        with self.clock("check"):
            classes = {path: type(m).__name__ for path, m in self.example.model.named_modules()}
            graph = read(files[0], classes=classes)
            evidence = self._graph_evidence(files, content, graph, plan, reasons)
            findings = catalogue.run(evidence)
        if evidence.checker_error:
            refused_by_checker(content.fixed, evidence.checker_error)
            raise _invalid(catalogue.sort(findings))
        return _Written(files, content, graph, evidence, findings)

    def _graph_evidence(
        self, files: tuple[Path, ...], content: Content, graph: Graph, plan: Plan, reasons: Mapping[str, str]
    ) -> GraphEvidence:
        inputs = {value.name for value in graph.inputs} | set(content.fixed.removed)
        return GraphEvidence(
            graph,
            path=self.request.output,
            files=tuple((file.name, file.stat().st_size) for file in files),
            places=_places(content.traces, self.cells),
            checker_error=structure_error(files[0]),
            asked_opset=self.request.opset,
            opset_problem=content.opset_problem,
            asked_static=not self.request.auto,
            asked_train=self.request.train,
            refused_axes=refused_axes(plan, reasons),
            source=files[0],
            targets=self.request.targets,
            baked_tensors=tuple(leaf.path for leaf in self.example.tensors if leaf.name not in inputs),
            keep_source=self.request.keep_source,
            stripped_source=content.stripped,
        )

    def _prove(self, prove: Prove | None, plan: Plan, names: tuple[str, ...], referee: Referee) -> Proof:
        if prove is None:
            return _not_proved()

        doubt = SecondOpinion(self.example, plan, names, self.aim.captured, referee, self.guard)
        with self.clock("prove"):
            return prove(plan, doubt)

    def _located(self, captured: Captured, written: _Written, proof: Proof) -> Proof:
        """Add where the file goes wrong, if it does."""
        if proof.failing is None:
            return proof
        locator = Locator(
            captured.program,
            written.files[0],
            written.graph,
            written.evidence.places or {},
            self.aim.captured,
            self.guard,
            OnnxRuntime(),
            self.cells,
        )
        with self.clock("prove"):
            located = locator.locate(proof.failing)
        return replace(proof, evidence=replace(proof.evidence, located=located))

    def _finish(
        self, findings: tuple[Finding, ...], written: _Written, proof: Proof, plan: Plan, reasons: dict[str, str]
    ) -> Export:
        chosen = catalogue.chosen(dict.fromkeys(findings), self.request.select, self.request.ignore)
        findings = catalogue.sort(chosen)
        axes = axes_of(plan, reasons, proof, static_axes(self.example, plan) if not self.request.auto else ())
        nbytes = sum(file.stat().st_size for file in written.files)
        result = Export(
            path=self.request.output,
            findings=findings,
            graph=written.graph,
            parity=proof.parity,
            axes=still_there(axes, written.content.fixed),
            stages=self.clock.stages(),
            model_name=self.request.name or type(self.example.model).__name__,
            nbytes=nbytes,
            artifact=Artifact(),
            fixed=(*self.dropouts.said, *written.content.fixed.applied.changes),
            chosen=written.content.chosen,
        )
        _gate(result, self.request)
        if self.request.output is None:
            return replace(result, artifact=Artifact(data=written.files[0].read_bytes()))
        with self.clock("write"):
            files = install(written.files, self.request.output)
        return replace(result, artifact=Artifact.on_disk(files), stages=self.clock.stages())


def _refuse_quantized(findings: tuple[Finding, ...]) -> None:
    """Stop before torch does, which has no words for it."""
    fatal = tuple(f for f in findings if f.code == "OM109")
    if fatal:
        raise CaptureFailed(fatal[0].message, fatal)


@contextmanager
def _memory_is_the_cause(repeat: Repeat | None) -> Generator[None]:
    """Tell what the model remembers where the exporter refuses it for a reason that no rule knows."""
    try:
        yield
    except CaptureFailed as error:
        if repeat is not None and repeat.remembers and not error.findings:
            error.findings = catalogue.run(EagerEvidence(repeat=repeat))
        raise


def _check_memory(example: Example, request: Request) -> None:
    """Refuse what would be written as two files when there is no place for them."""
    tensors = {id(t): t for m in all_modules(example.model) for t in (*own_parameters(m), *own_buffers(m))}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    if request.output is None and size >= SINGLE_FILE_BYTES:
        raise UsageMistake(f"{size / 1e9:.1f} GB of weights travel in two files; say where: -o model.onnx.")
    if request.output is None and request.external_data:
        raise UsageMistake("A model in two files does not stay in memory; say where: -o model.onnx.")


def _without_optimizer(captured: Captured, broken: Located | None) -> Captured:
    """Say that torch's optimiser was left out where it had `broken` something."""
    if broken is None:
        return captured
    error = f"what it made of {code(broken.target)} computes something else"
    where = replace(broken.where, node=None)  # a node of the file that was given up
    return replace(captured, evidence=replace(captured.evidence, optimizer_error=error, where=where))


def _places(traces: Mapping[str, str], cells: Cells | None) -> dict[str, Where]:
    known: dict[str, Where] = {}
    return {node: known.setdefault(trace, where_from_trace(trace, cells)) for node, trace in traces.items()}


@contextmanager
def _told(findings: tuple[Finding, ...]) -> Generator[None]:
    """Let a failure to capture the model carry what had been found before."""
    try:
        yield
    except CaptureFailed as error:
        error.earlier = findings
        raise


def _invalid(findings: tuple[Finding, ...]) -> CaptureFailed:
    return CaptureFailed(findings[0].message if findings else "The exported graph is invalid.", findings)


def _not_proved() -> Proof:
    reason = "--no-prove"
    return Proof(
        Parity("ONNX Runtime", reason=f"not tried: {reason}"), RunEvidence("ONNX Runtime", not_proved=reason), {}
    )


def _gate(result: Export, request: Request) -> None:
    if codes := stopped_by(result.findings, request.fail_on):
        raise GateClosed(f"Not kept, because of --fail-on {request.fail_on}: {codes}.", replace(result, path=None))
