"""What the stages hand to the rules.

One frozen dataclass a moment (``Rule.when``): the rules of that moment get it and nothing else, so a rule is tested
with a few lines of data. Only ``ModelEvidence`` holds PyTorch objects; the others can be made where torch is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from onnxmagic.check.finding import Where
from onnxmagic.graph.facts import Graph

if TYPE_CHECKING:
    import torch

__all__ = [
    "Argument",
    "AxisTrial",
    "CaptureEvidence",
    "EagerEvidence",
    "Evidence",
    "GraphEvidence",
    "ModelEvidence",
    "RunCase",
    "RunEvidence",
    "Untranslated",
]


@dataclass(frozen=True, slots=True)
class Argument:
    """One leaf of the call's arguments.

    ``path`` is how a person writes it (``"x"``, ``"batch['mask']"``, ``"states[0]"``); ``input`` the name of the graph
    input, None for what is baked; ``value`` the tensor, number, flag, string or None.
    """

    path: str
    input: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class ModelEvidence:
    """Before the export, before any flag is touched: the module and its arguments.

    ``runs`` is whether the model ran on the example in PyTorch; None when that was not tried.
    """

    model: torch.nn.Module
    arguments: tuple[Argument, ...]
    keep_train: bool = False
    runs: bool | None = None


@dataclass(frozen=True, slots=True)
class AxisTrial:
    """The PyTorch model itself, run with one axis (or several tied by one name) at other sizes.

    Attributes
    ----------
    name : str
        The axis's name, for example ``"batch"``.
    places : tuple of (str, int)
        Argument path and axis index, for all arguments it was tried on.
    outcome : str
        ``accepted``: runs, and rows agree. ``refused``: raises. ``misread``: runs, and the output does not grow with
        the input, or rows differ in a way that is neither of the next two. ``branches``: size 1 gives another row 0
        than all other sizes, which agree among themselves. ``mixes``: a row's output depends on the other rows.
        ``untried``: nothing to compare.
    asked : bool
        The user asked for this axis; otherwise it is the batch axis that was found.
    sizes : tuple of int
        Sizes at which the model ran.
    detail : str
        The model's own error, or the size of the difference, one line.
    where : Where
        The user's line that refused.
    """

    name: str
    places: tuple[tuple[str, int], ...]
    outcome: Literal["accepted", "refused", "misread", "branches", "mixes", "untried"]
    asked: bool = False
    sizes: tuple[int, ...] = ()
    detail: str = ""
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class EagerEvidence:
    """After trial runs of the PyTorch model: what each wanted axis did. ``static`` is whether static was asked for."""

    trials: tuple[AxisTrial, ...]
    static: bool = False


@dataclass(frozen=True, slots=True)
class Untranslated:
    """One operator the exporter has no ONNX translation for; ``target`` is like ``"aten.linalg_inv_ex.default"``."""

    target: str
    where: Where = Where()
    count: int = 1


@dataclass(frozen=True, slots=True)
class CaptureEvidence:
    """The capture, when it failed or had to be done in another way.

    Attributes
    ----------
    data_dependent : str
        The condition or size that depends on tensor values, as torch writes it; empty when that was not the cause.
    where : Where
        The user's line for it.
    untranslated : tuple of Untranslated
        All operators without a translation.
    optimizer_error : str
        Why the optimiser gave up, one line; empty when it did not.
    static_after : str
        An axis was made static because the exporter refused it: its message, one line.
    """

    data_dependent: str = ""
    where: Where = Where()
    untranslated: tuple[Untranslated, ...] = ()
    optimizer_error: str = ""
    static_after: str = ""


@dataclass(frozen=True, slots=True)
class GraphEvidence:
    """The file and its graph.

    Attributes
    ----------
    graph : Graph
    path : Path or None
        Where the file will live, or lives; None when it stays in memory.
    files : tuple of (str, int)
        Name and bytes of every file the model travels as.
    places : mapping of node name to Where
        The user's line behind a node, as far as known.
    checker_error : str
        What the ONNX checker says; empty when it accepts the file.
    asked_opset : int or None
    asked_static : bool
        The user asked for a static export.
    asked_train : bool
        The user asked to keep training mode.
    refused_axes : tuple of (str, int, str)
        Input, index and reason of axes that had to stay static.
    bounded_axes : tuple of (str, int, str)
        Input, index and range of axes that the file declares dynamic while its range constraints bound them.
    baked_tensors : tuple of str
        Tensor arguments that became no graph input.
    keep_source : bool
        The user asked to keep source lines in the file.
    stripped_source : int
        Bytes of source lines and paths that were removed before writing; 0 for a file from elsewhere.
    """

    graph: Graph
    path: Path | None = None
    files: tuple[tuple[str, int], ...] = ()
    places: Mapping[str, Where] | None = None
    checker_error: str = ""
    asked_opset: int | None = None
    asked_static: bool = False
    asked_train: bool = False
    refused_axes: tuple[tuple[str, int, str], ...] = ()
    bounded_axes: tuple[tuple[str, int, str], ...] = ()
    baked_tensors: tuple[str, ...] = ()
    keep_source: bool = False
    stripped_source: int = 0

    def where(self, node: str) -> Where:
        """Return the user's line behind the node called `node`, with the node's name in it."""
        from dataclasses import replace

        return replace((self.places or {}).get(node, Where()), node=node)


@dataclass(frozen=True, slots=True)
class RunCase:
    """One output of one run, compared; the float figures mean what ``export.result.Case`` says.

    ``problem`` is the first strict thing that differs: ``count``, ``shape``, ``dtype``, ``nan`` (runtime only),
    ``nan-both`` (PyTorch too), ``values``, ``run`` (the runtime refused to run); empty when it agrees.
    """

    output: str
    sizes: Mapping[str, int]
    inputs: Literal["example", "varied", "tiled"]
    problem: Literal["", "count", "shape", "dtype", "nan", "nan-both", "values", "run"] = ""
    detail: str = ""
    max_abs: float = 0.0
    max_rel: float = 0.0
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """What happened when the file ran in a runtime.

    Attributes
    ----------
    runtime : str
    cases : tuple of RunCase
    load_error : str
        Why the runtime refuses the file, its own words; empty when it loads.
    nondeterministic : tuple of str
        Outputs that differed between two runs of one session with optimisation off.
    deterministic : bool or None
        None when not tried.
    not_proved : str
        Why nothing could be compared; empty when something was.
    """

    runtime: str
    cases: tuple[RunCase, ...] = ()
    load_error: str = ""
    nondeterministic: tuple[str, ...] = ()
    deterministic: bool | None = None
    not_proved: str = ""


Evidence = ModelEvidence | EagerEvidence | CaptureEvidence | GraphEvidence | RunEvidence
