"""What an export gives back. The names are a contract: tests and users rely on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from onnxmagic.check.finding import Finding, Where
from onnxmagic.diff.result import Diff
from onnxmagic.export.judged import Judged, Selection
from onnxmagic.export.sweep.result import Sample, Sweep
from onnxmagic.graph.facts import Graph
from onnxmagic.inside.looked import selectable

if TYPE_CHECKING:
    import os

    import onnx

    from onnxmagic.export.artifact import Artifact
    from onnxmagic.inside.file import Inside

__all__ = ["Axis", "Case", "Export", "Parity", "Stage", "plain_data"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of one input, and what is known of it.

    Attributes
    ----------
    input : str
        Name of the graph input.
    index : int
    name : str
        The dynamic axis's name, for example ``"batch"``; for a static axis the name it would have had.
    status : {"proved", "declared", "static", "refused"}
        ``proved``: the file ran at ``sizes`` and agreed with PyTorch. ``declared``: dynamic in the file, not tried.
        ``static``: fixed, as asked. ``refused``: wanted dynamic, fixed all the same, for ``reason``.
    sizes : tuple of int
        Sizes at which the file ran and agreed.
    reason : str
        Why it is static or refused; empty otherwise.
    """

    input: str
    index: int
    name: str
    status: Literal["proved", "declared", "static", "refused"]
    sizes: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison of the file with PyTorch, over all outputs; the worst output decides.

    Attributes
    ----------
    sizes : mapping of axis name to size
    inputs : {"example", "varied", "tiled", "recorded", "data", "made up"}
        The user's example; fresh values in its range; the example's own rows repeated (where fresh values do not suit);
        recorded calls of these sizes, against their recorded outputs, and the user's data, all batches of these sizes:
        of both the worst speaks; made-up values where there were none.
    ok : bool
    max_abs, max_rel : float
        Largest difference between runtime and float32 PyTorch; relative to the largest magnitude of that output.
    tolerance : float
        With a ratio: the largest root-mean-square error allowed, 8 times PyTorch's own rounding (9 times against a
        float32 reference, which rounds itself). Without: the largest absolute difference allowed.
    reference : {"float64", "float32"}
        What the file was compared with in this case.
    ratio : float or None
        The runtime's error over PyTorch's own rounding, which a float64 run of this case measured, or one of the user's
        example; None where no float64 run was possible.
    agreement : float or None
        Share of rows whose largest entry is at the same place, for outputs of shape (rows, classes).
    reason : str
        What differs, or how it was decided when that was not plain; empty otherwise.
    count : int
        How many calls or batches this case stands for.
    """

    sizes: Mapping[str, int]
    inputs: Literal["example", "varied", "tiled", "recorded", "data", "made up"]
    ok: bool
    max_abs: float
    max_rel: float
    tolerance: float
    reference: Literal["float64", "float32"]
    ratio: float | None = None
    agreement: float | None = None
    reason: str = ""
    count: int = 1


@dataclass(frozen=True, slots=True)
class Parity:
    """The proof: the file, run in a runtime, against the user's own module.

    ``runtime`` names it (``"ONNX Runtime 1.31.1 (CPU)"``); ``reason`` says why nothing, or not all, was compared.
    ``deterministic`` is whether one session gave one answer twice with optimisation off; None when not tried.
    ``sweep`` is what the user's data gave; None where none was given.
    """

    runtime: str
    cases: tuple[Case, ...] = ()
    deterministic: bool | None = None
    reason: str = ""
    sweep: Sweep | None = None

    @property
    def ok(self) -> bool:
        """Something was compared and all of it agreed."""
        return bool(self.cases) and all(case.ok for case in self.cases)

    @property
    def worst(self) -> Sample | None:
        """The sample of the user's data with the largest error, with its inputs and both outputs."""
        return self.sweep.worst if self.sweep else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, without the arrays of the worst sample."""
        swept = self.sweep.to_dict() if self.sweep else None
        return {"ok": self.ok, **asdict(replace(self, sweep=None)), "sweep": swept}


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the export and the seconds it took."""

    name: str
    seconds: float


@selectable
@dataclass(frozen=True, repr=False)
class Export(Judged):
    """A model that left PyTorch, with all that is known of the file.

    Attributes
    ----------
    path : Path or None
        The .onnx file; None when it was not written (no ``output``).
    findings : tuple of Finding
        Sorted, errors first.
    graph : Graph
        The file's facts.
    parity : Parity
    axes : tuple of Axis
    stages : tuple of Stage
    changes : Diff or None
        The diff to the file that was replaced, which was not run again; None where none was.
    not_compared : str
        Why there is no diff although a file was replaced; empty otherwise.
    model_name : str
        As the user wrote it, for example ``"net.encoder"``, or the class's name.
    nbytes : int
        Bytes of the file(s).
    taken : tuple of str
        How the inputs were found where nobody wrote a call, and which calls the file does not stand for, a sentence
        each.
    fixed : tuple of str
        What ``--fix`` changed in the graph, a sentence each.
    chosen : tuple of str
        The opset and IR version that were chosen for the targets, and why, a sentence each.
    places : mapping of node name to Where
        The user's line behind a node, where the exporter told; the file itself keeps none.
    example : mapping of input name to array
        Copies of the tensors that the model was exported with, for ``value``; empty above 64 MB.
    """

    path: Path | None
    findings: tuple[Finding, ...]
    graph: Graph
    parity: Parity
    axes: tuple[Axis, ...]
    stages: tuple[Stage, ...]
    model_name: str
    nbytes: int
    artifact: Artifact = field(compare=False)
    changes: Diff | None = field(default=None, compare=False)
    not_compared: str = ""
    taken: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    places: Mapping[str, Where] = field(default_factory=dict[str, Where], compare=False)
    example: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)
    selection: Selection = field(default_factory=Selection, compare=False)

    @property
    def _title(self) -> str:
        return self.path.name if self.path else self.model_name

    @property
    def inside(self) -> Inside:
        """The file, to be asked for the values in it."""
        from onnxmagic.export.own_file import OwnFile

        return OwnFile(self.graph, self.selection, self.artifact, self.example)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model to `path` (replaced whole or not touched) and return it.

        Raises
        ------
        UsageMistake
            The folder is missing or not writable, or the exported file has changed since.
        WriteFailed
            Writing failed; what was at `path` is untouched.
        """
        return self.artifact.save(path)

    def model_proto(self) -> onnx.ModelProto:
        """Return the whole model, weights included, as a new ``onnx.ModelProto``.

        Raises
        ------
        UsageMistake
            The exported file has changed since.
        """
        return self.artifact.model_proto()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; docs/result.schema.json describes it."""
        data = {
            "version": 1,
            "ok": self.ok,
            "path": str(self.path) if self.path else None,
            "model": self.model_name,
            "bytes": self.nbytes,
            "opset": self.graph.opset,
            "ir_version": self.graph.ir_version,
            "inputs": [asdict(v) for v in self.graph.inputs],
            "outputs": [asdict(v) for v in self.graph.outputs],
            "parameters": self.graph.parameters,
            "findings": [f.to_dict() for f in self.findings],
            "axes": [asdict(a) for a in self.axes],
            "parity": self.parity.to_dict(),
            "stages": [asdict(s) for s in self.stages],
            "taken": list(self.taken),
            "fixed": list(self.fixed),
            "chosen": list(self.chosen),
            "changes": self.changes.summary if self.changes else None,
        }
        return {key: plain_data(value) for key, value in data.items()}


def plain_data(value: Any) -> Any:
    """Return lists for tuples, and None for NaN and infinity, which JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_data(item) for item in value]
    return value
