"""A file mended, checked again and proved against the one that it was made from, before it is put in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from onnxmagic.check.evidence import Sidecar
from onnxmagic.disk.staging import install, staging, write_failed
from onnxmagic.errors import FixFailed, UsageMistake
from onnxmagic.examine.alone import feeds_for
from onnxmagic.examine.batches import feeds_of
from onnxmagic.examine.file import check_file
from onnxmagic.examine.ground import memory_for, on_disk, structure
from onnxmagic.examine.inputs import Feeds
from onnxmagic.examine.request import CheckRequest
from onnxmagic.examine.result import Check
from onnxmagic.examine.sidecars import sidecars
from onnxmagic.examine.subject import Subject
from onnxmagic.export.clock import Clock
from onnxmagic.fix import Fixes
from onnxmagic.graph.external import external
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, facts, skeleton
from onnxmagic.runtime.apart import Apart
from onnxmagic.runtime.isolated import Isolated

__all__ = ["mend"]


def mend(subject: Subject, request: CheckRequest, clock: Clock) -> Check:
    """Apply ``request.fix`` to a file and return the check of the new file, or of the old one when nothing applied.

    Raises
    ------
    FixFailed
        A rewrite failed, or the new file computes other numbers although only safe fixes were asked for. Nothing was
        written.
    WriteFailed
        The new file could not be written; what was there before is untouched.
    UsageMistake
        The file is no model, or cannot be read whole.
    """
    if request.output is None:  # the request has seen to it
        raise UsageMistake("Say where the mended file goes: output='fixed.onnx' (-o fixed.onnx).")
    try:
        model = skeleton(subject.source)
    except NotAModel as error:
        raise UsageMistake(f"It cannot be mended: {error}.") from None
    graph = facts(model)
    with on_disk(subject) as path:
        beside = sidecars(path, external(model))
        with Apart(memory=2 * memory_for(path, beside)) as apart:  # the old file and the new one
            return _Mending(subject, request, clock, apart, path, graph, beside).mend(request.output)


@dataclass(frozen=True)
class _Mending:
    """One file on its way to another; ``path`` is where it lies now."""

    subject: Subject
    request: CheckRequest
    clock: Clock
    apart: Apart
    path: Path
    graph: Graph
    beside: Sequence[Sidecar]

    def mend(self, output: Path) -> Check:
        from onnxmagic.fix.mend import check_output, mend_file

        again = replace(self.request, fix=Fixes(), output=None, data=None, against=None)
        check_output(self.path, output, self.beside)
        with write_failed(output), staging(output) as folder:
            staged = folder / output.name
            with self.clock("fix"):
                mended = mend_file(self.path, self.request.fix, staged, sidecars=self.beside, checker=self._checker)
            if not mended.changes:
                check = check_file(self.subject, again, self.clock)
                said = "Nothing was mended, and nothing was written: no fix applies."
                return replace(check, untried=(said, *mended.left, *check.untried))
            with self.clock("prove"):
                twin = self._twin(folder) if mended.applied.did("dropout-to-identity") else self.path
                proof, untried = self._prove(twin, staged, safe=mended.applied.safe)
            check = check_file(Subject(output.name, staged), again, self.clock)
            install(mended.files, output)
        return replace(
            check,
            path=output,
            changes=(*mended.changes, *proof),
            untried=(*mended.left, *untried, *check.untried),
            stages=self.clock.stages(),
        )

    def _checker(self, source: Path | bytes) -> str:
        return structure(self.apart, source)[0] if isinstance(source, Path) else ""

    def _twin(self, folder: Path) -> Path:
        """Return what the file computes in inference: a live dropout gives another answer on every run."""
        from onnxmagic.fix.mend import inference_twin

        twin = folder / "twin"
        twin.mkdir()
        return inference_twin(self.path, twin / "model.onnx", sidecars=self.beside)

    def _prove(self, original: Path, mended: Path, *, safe: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the comparison of the two showed, or why there was none."""
        from onnxmagic.fix.proof import prove

        if not self.request.run:
            return (), ("Not compared with the original: run=False (--no-run).",)
        runtime = Isolated(self.apart)
        feeds, reason = self._feeds(runtime, original)
        if reason:
            return (), (f"Not compared with the original: {reason}.",)
        called = "the original" if original == self.path else "the original with its dropouts off"
        proof = prove(original, mended, runtime, feeds, safe=safe, called=called)
        says = f"{proof.says[:1].upper()}{proof.says[1:]}."
        if proof.ok is False:
            raise FixFailed(f"Not written: the mended file is not what the original was. {says}")
        return ((says,), ()) if proof.ok else ((), (says,))

    def _feeds(self, runtime: Isolated, original: Path) -> tuple[Sequence[Feeds], str]:
        if self.request.data is not None:
            return list(feeds_of(self.request.data, self.graph, self.request.samples)), ""
        return feeds_for(runtime, original, self.graph)
