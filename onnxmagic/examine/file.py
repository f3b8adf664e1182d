"""A file checked: read without its weights, judged by ONNX's own checker, run, and shown to the rules.

The file may come from a stranger. What reads it in this process is our own reader, which bounds what it takes; ONNX's
checker and the runtime, which crash on some damaged files and never end on others, work in a process of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence, Sidecar
from onnxmagic.check.finding import Finding
from onnxmagic.check.rules import invalid_graph
from onnxmagic.check.wording import listed
from onnxmagic.examine import axis_runs
from onnxmagic.examine.alone import Alone, run_alone
from onnxmagic.examine.any_file import stamp_of
from onnxmagic.examine.compared import WithModel, compare_file
from onnxmagic.examine.ground import memory_for, on_disk, structure
from onnxmagic.examine.inputs import places
from onnxmagic.examine.request import CheckRequest
from onnxmagic.examine.result import Check
from onnxmagic.examine.sidecars import sidecars, strays
from onnxmagic.examine.subject import Subject
from onnxmagic.export.clock import Clock
from onnxmagic.graph.external import External, external, more_nodes
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, facts, skeleton
from onnxmagic.inside.selection import Selection
from onnxmagic.runtime.apart import Apart
from onnxmagic.runtime.isolated import Isolated
from onnxmagic.target import operator_name, unknown_facts

if TYPE_CHECKING:
    import onnx

    from onnxmagic.examine.inputs import Feeds

__all__ = ["NO_MODEL", "check_file"]

MOST_NODES = 250_000
"""Ten times the largest models of today; the rules are linear in the nodes, and each takes its share of memory."""

NO_MODEL = "Not compared with PyTorch: pass the model, against=model (--against model)."


def check_file(subject: Subject, request: CheckRequest, clock: Clock) -> Check:
    """Check a file; one that is no model, or is damaged, is a finding of OM311."""
    try:
        with clock("read"):
            model = skeleton(subject.source)
            if more_nodes(model, MOST_NODES):
                return _not_looked_at(subject, request, f"it has more than {MOST_NODES:,} nodes")
            graph = facts(model)
    except NotAModel as error:
        return _unreadable(subject, request, str(error))
    places = external(model)
    beside = sidecars(subject.path, places) if subject.path is not None else ()
    with on_disk(subject) as path, Apart(memory=memory_for(path, beside)) as apart:
        return _File(subject, request, clock, apart, path, model, graph, places, beside).check()


@dataclass(frozen=True)
class _File:
    """One readable file on its way through the checks; ``path`` is where it lies now."""

    subject: Subject
    request: CheckRequest
    clock: Clock
    apart: Apart
    path: Path
    model: onnx.ModelProto
    graph: Graph
    places: Sequence[External]
    beside: Sequence[Sidecar]

    def check(self) -> Check:
        with self.clock("check"):
            evidence, untried, reason = self._evidence()
        with self.clock("run"):
            alone = self._run(evidence, reason)
        compared = WithModel(axes=alone.axes, untried=(NO_MODEL,))
        if self.request.against is not None:
            with self.clock("prove"):
                compared = self._compare(alone, reason)
        with self.clock("check"):
            findings = self._rules(replace(evidence, bounded_axes=alone.bounded), alone, compared)
        return Check(
            name=self.request.name or self.subject.name,
            path=self.subject.path,
            findings=findings,
            graph=self.graph,
            parity=compared.parity,
            axes=compared.axes,
            stages=self.clock.stages(),
            targets=tuple(map(str, self.request.targets)),
            untried=(*untried, *alone.untried, *compared.untried, *self._unknown()),
            nbytes=sum(nbytes for _, nbytes in evidence.files),
            runtime=alone.evidence.runtime if alone.runs and alone.evidence else "",
            runs=alone.runs,
            selection=Selection(stamp_of(self.subject.path)),
        )

    def _unknown(self) -> tuple[str, ...]:
        """Return what is not known of the targets."""
        used = (operator_name(node.domain, node.op_type) for node in self.graph.walk())
        return unknown_facts(self.request.targets, used)

    def _evidence(self) -> tuple[GraphEvidence, tuple[str, ...], str]:
        """Return what the rules get, what could not be tried, and why the file must not be run, a clause."""
        path = self.subject.path
        untried: list[str] = []
        if path is None and self.places:
            names = listed(dict.fromkeys(place.location for place in self.places))
            untried.append(f"Weights in {names} were not looked for: bytes lie in no folder. Pass the path instead.")
        error, not_checked = structure(self.apart, self.path)
        evidence = GraphEvidence(
            self.graph,
            path=path,
            files=self._files(),
            checker_error=error,
            source=self.subject.source,
            sidecars=tuple(self.beside),
            strays=strays(path, self.beside) if path is not None else (),
            targets=self.request.targets,
        )
        why_not = "the checker was given up" if not_checked else _why_not_run(evidence, self.request)
        return evidence, (*untried, *not_checked), why_not

    def _files(self) -> tuple[tuple[str, int], ...]:
        data = tuple((s.location, s.size) for s in self.beside if s.size is not None)
        return ((self.subject.name, self.path.stat().st_size), *data)

    def _run(self, evidence: GraphEvidence, why_not: str) -> Alone:
        if why_not:
            return Alone(untried=(f"Not run: {why_not}.",), axes=axis_runs.axes(places(self.graph), {}))
        if self.request.against is not None and self.request.data is not None:
            return Alone()  # the comparison runs it, and the data may be there only once
        from onnxmagic.export.loading import may_draw

        alone = run_alone(
            Isolated(self.apart), self.path, self.graph, plainly=may_draw(self.model), batches=self._batches()
        )
        run = alone.evidence
        if run is not None and run.load_error and evidence.checker_error:
            # One cause, one finding: the checker has said it.
            return replace(alone, evidence=None, untried=(f"Not run: {run.runtime} does not load it either.",))
        return alone

    def _batches(self) -> Iterable[Feeds] | None:
        if self.request.data is None:
            return None
        from onnxmagic.examine.batches import feeds_of

        return feeds_of(self.request.data, self.graph, self.request.samples)

    def _compare(self, alone: Alone, why_not: str) -> WithModel:
        if why_not:
            return WithModel(axes=alone.axes, untried=("Not compared with PyTorch, for the same reason.",))
        progress = self.clock.progress
        runtime = Isolated(self.apart)
        return compare_file(runtime, self.path, self.graph, self.request, alone=alone, progress=progress)

    def _rules(self, evidence: GraphEvidence, alone: Alone, compared: WithModel) -> tuple[Finding, ...]:
        select, ignore = self.request.select, self.request.ignore
        found = catalogue.run(evidence, select=select, ignore=ignore)
        if alone.evidence is not None:
            found += catalogue.run(alone.evidence, select=select, ignore=ignore)
        found += catalogue.chosen(compared.findings, select, ignore)
        return catalogue.sort(dict.fromkeys(found))


def _why_not_run(evidence: GraphEvidence, request: CheckRequest) -> str:
    if not request.run:
        return "run=False (--no-run)"
    if any(s.escapes for s in evidence.sidecars):
        return "its weights lie outside its folder"
    if any(s.size is None or s.size < s.needed for s in evidence.sidecars):
        return "its weights are not all there"
    if evidence.path is None and any(i.external is not None for i in evidence.graph.initializers):
        return "its weights are not in these bytes"
    return ""


def _unreadable(subject: Subject, request: CheckRequest, reason: str) -> Check:
    finding = invalid_graph.unreadable(reason)
    found = catalogue.chosen([finding], request.select, request.ignore)
    return replace(_not_looked_at(subject, request, "it cannot be read"), findings=found)


def _not_looked_at(subject: Subject, request: CheckRequest, reason: str) -> Check:
    return Check(
        name=request.name or subject.name,
        path=subject.path,
        findings=(),
        graph=None,
        targets=tuple(map(str, request.targets)),
        untried=(f"Nothing was tried on it: {reason}.",),
        nbytes=subject.path.stat().st_size if subject.path is not None else len(subject.data or b""),
    )
