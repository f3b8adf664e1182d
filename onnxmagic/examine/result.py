"""What a check gives back. The names are a contract: tests and users rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from onnxmagic.check.finding import Finding, Where
from onnxmagic.export.judged import Judged, Selection
from onnxmagic.export.result import Axis, Parity, Stage, plain_data
from onnxmagic.fix.beside import Beside
from onnxmagic.graph.facts import Graph
from onnxmagic.inside.looked import no_file, selectable

if TYPE_CHECKING:
    from onnxmagic.inside.file import Inside

__all__ = ["Check", "Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the file by itself: nothing was compared, so it says no more than that the file runs.

    Attributes
    ----------
    sizes : mapping of axis name to size
    inputs : {"made up", "yours"}
        Values made up from the signature, or from the user's data.
    ok : bool
        It ran, and its floating-point outputs were finite.
    reason : str
        Why it is not ok; empty otherwise.
    count : int
        How many batches of these sizes went so.
    """

    sizes: Mapping[str, int]
    inputs: Literal["made up", "yours"]
    ok: bool
    reason: str = ""
    count: int = 1


@selectable
@dataclass(frozen=True, repr=False)
class Check(Judged):
    """What was found in a model or a file, and what was not tried.

    Attributes
    ----------
    name : str
        What was checked, for a person: the file's name, or the model as the user wrote it.
    path : Path or None
        The file; None for a model in memory.
    findings : tuple of Finding
        Sorted, errors first.
    graph : Graph or None
        None when no graph could be had: the capture failed, or the file is damaged.
    parity : Parity or None
        The comparison with PyTorch; None when there was no PyTorch model to compare with.
    axes : tuple of Axis
        What is known of the dynamic axes.
    stages : tuple of Stage
    targets : tuple of str
        The stacks it was checked for, with versions.
    untried : tuple of str
        What was not tried and why, a sentence each: nothing that is missing here was left out silently.
    changes : tuple of str
        What ``--fix`` changed, a sentence each.
    nbytes : int
        Bytes of the file(s); 0 for a model whose file was not made.
    runtime : str
        Where ``runs`` were made, ``"ONNX Runtime 1.31.1 (CPU)"``; empty when there was none.
    runs : tuple of Run
        Runs of the file without a PyTorch model beside it; those with one are in ``parity``.
    places : mapping of node name to Where
        The user's line behind a node, where an export told; a file alone has none.
    """

    name: str
    path: Path | None
    findings: tuple[Finding, ...]
    graph: Graph | None
    parity: Parity | None = None
    axes: tuple[Axis, ...] = ()
    stages: tuple[Stage, ...] = ()
    targets: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    nbytes: int = 0
    runtime: str = ""
    runs: tuple[Run, ...] = ()
    places: Mapping[str, Where] = field(default_factory=dict[str, Where], compare=False)
    selection: Selection = field(default_factory=Selection, compare=False)

    @property
    def _title(self) -> str:
        return self.name

    @property
    def mending(self) -> Beside | None:
        """What applies fixes to a copy of the file, one by one; None for a model in memory."""
        return self._mending(self.targets)

    @property
    def inside(self) -> Inside:
        """The file, to be asked for the values in it.

        Raises
        ------
        UsageMistake
            No file was kept.
        """
        from onnxmagic.examine.any_file import AnyFile
        from onnxmagic.examine.subject import Subject

        if self.path is None or self.graph is None:
            raise no_file(self.name)
        return AnyFile(self.graph, self.selection, Subject(self.path.name, self.path))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; docs/check.schema.json describes it."""
        data: dict[str, Any] = {
            "version": 1,
            "ok": self.ok,
            "name": self.name,
            "path": str(self.path) if self.path else None,
            "bytes": self.nbytes,
            "opset": self.graph.opset if self.graph else None,
            "ir_version": self.graph.ir_version if self.graph else None,
            "inputs": [asdict(v) for v in self.graph.inputs] if self.graph else [],
            "outputs": [asdict(v) for v in self.graph.outputs] if self.graph else [],
            "parameters": self.graph.parameters if self.graph else None,
            "findings": [f.to_dict() for f in self.findings],
            "axes": [asdict(a) for a in self.axes],
            "parity": self.parity.to_dict() if self.parity else None,
            "runtime": self.runtime,
            "runs": [asdict(r) for r in self.runs],
            "stages": [asdict(s) for s in self.stages],
            "targets": list(self.targets),
            "untried": list(self.untried),
            "changes": list(self.changes),
        }
        return {key: plain_data(value) for key, value in data.items()}

    def to_sarif(self) -> dict[str, Any]:
        """Return the findings as SARIF 2.1.0 (OASIS), which code hosts show beside the changed lines."""
        from onnxmagic.examine.sarif import sarif

        return sarif(self)
