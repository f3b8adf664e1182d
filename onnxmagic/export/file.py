"""The file, before it is proved: written beside the target, read back, and looked at by the rules that need no run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Where
from onnxmagic.check.places import where_from_trace
from onnxmagic.disk.write import write_model
from onnxmagic.errors import CaptureFailed, UsageMistake
from onnxmagic.export.axes import Plan
from onnxmagic.export.axis_report import refused_axes
from onnxmagic.export.beside import beside
from onnxmagic.export.example import Example
from onnxmagic.export.fixed import refused_by_checker
from onnxmagic.export.job import Cells, Job
from onnxmagic.export.modules import all_modules, own_buffers, own_parameters
from onnxmagic.export.process import one_thread
from onnxmagic.export.prove import Prover
from onnxmagic.export.request import Request
from onnxmagic.export.shapes import forget_shapes, shapes_are_wrong
from onnxmagic.export.strip import Content
from onnxmagic.graph.checker import structure_error
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import read

__all__ = ["Written", "check_file", "check_memory", "write_file"]

SINGLE_FILE_BYTES = 1_500_000_000
"""From here on the weights go to a second file; one protobuf message ends at 2 GB."""

WORTH_A_THREAD = 250_000_000
"""Bytes of weights whose writing takes longer than what is lost by computing on one thread beside it."""


@dataclass(frozen=True)
class Written:
    """The staged files, and what is known of them."""

    files: tuple[Path, ...]
    content: Content
    graph: Graph
    evidence: GraphEvidence
    findings: tuple[Finding, ...]


def check_memory(example: Example, request: Request) -> None:
    """Refuse what would be written as two files when there is no place for them.

    Raises
    ------
    UsageMistake
        There is no output file, and the weights are too large for one message.
    """
    tensors = {id(t): t for m in all_modules(example.model) for t in (*own_parameters(m), *own_buffers(m))}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    if request.output is None and size >= SINGLE_FILE_BYTES:
        raise UsageMistake(f"{size / 1e9:.1f} GB of weights travel in two files; say where: -o model.onnx.")
    if request.output is None and request.external_data:
        raise UsageMistake("A model in two files does not stay in memory; say where: -o model.onnx.")


def write_file(job: Job, folder: Path, content: Content, plan: Plan, prover: Prover) -> tuple[Path, ...]:
    """Write the file to `folder`; beside a large one, ask PyTorch what the proof will need."""
    files = _write_and_ask(job, folder, content, plan, prover)
    if shapes_are_wrong(content.model, files[0]):
        forget_shapes(content.model)
        files = _write(job, folder, content)
    return files


def check_file(job: Job, files: tuple[Path, ...], content: Content, plan: Plan, reasons: Mapping[str, str]) -> Written:
    """Read the file back and run the rules of the graph.

    Raises
    ------
    CaptureFailed
        ONNX's own checker refuses it.
    """
    with job.clock("check"):
        classes = {path: type(m).__name__ for path, m in job.example.model.named_modules()}
        graph = read(files[0], classes=classes)
        evidence = _evidence(job, files, content, graph, refused_axes(plan, reasons))
        findings = catalogue.run(evidence)
    if evidence.checker_error:
        refused_by_checker(content.fixed, evidence.checker_error)
        raise _invalid(catalogue.sort(findings))
    return Written(files, content, graph, evidence, findings)


def _write_and_ask(job: Job, folder: Path, content: Content, plan: Plan, prover: Prover) -> tuple[Path, ...]:
    """Write the file, and ask PyTorch on this thread while another writes.

    A model that writes into its own tensors while it runs must not do so while they are written to the file.
    """
    if not job.request.prove or content.nbytes < WORTH_A_THREAD or job.guard.wrote:
        return _write(job, folder, content)
    with beside(lambda stop: _write(job, folder, content, stop)) as written, one_thread():
        prover.ask(plan)
        files = written()
    if not job.guard.wrote:
        return files
    job.guard.rewind()
    return _write(job, folder, content)


def _write(job: Job, folder: Path, content: Content, stop: Event | None = None) -> tuple[Path, ...]:
    request = job.request
    name = request.output.name if request.output else "model.onnx"
    external = request.external_data
    if external is None:
        external = content.nbytes >= SINGLE_FILE_BYTES
    return tuple(write_model(content.model, content.weights, folder / name, external=external, stop=stop))


def _evidence(
    job: Job, files: tuple[Path, ...], content: Content, graph: Graph, refused: tuple[tuple[str, int, str], ...]
) -> GraphEvidence:
    request = job.request
    inputs = {value.name for value in graph.inputs} | set(content.fixed.removed)
    return GraphEvidence(
        graph,
        path=request.output,
        files=tuple((file.name, file.stat().st_size) for file in files),
        places=_places(content.traces, job.cells),
        checker_error=structure_error(files[0]),
        asked_opset=request.opset,
        opset_problem=content.opset_problem,
        asked_static=not request.auto,
        asked_train=request.train,
        refused_axes=refused,
        source=files[0],
        targets=request.targets,
        baked_tensors=tuple(leaf.path for leaf in job.example.tensors if leaf.name not in inputs),
        keep_source=request.keep_source,
        stripped_source=content.stripped,
    )


def _places(traces: Mapping[str, str], cells: Cells | None) -> dict[str, Where]:
    known: dict[str, Where] = {}
    return {node: known.setdefault(trace, where_from_trace(trace, cells)) for node, trace in traces.items()}


def _invalid(findings: tuple[Finding, ...]) -> CaptureFailed:
    return CaptureFailed(findings[0].message if findings else "The exported graph is invalid.", findings)
