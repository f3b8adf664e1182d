"""What the stages hand to the rules.

One frozen dataclass a moment (``Rule.when``): the rules of that moment get it and nothing else, so a rule is tested
with a few lines of data. Only ``ModelEvidence`` holds PyTorch objects; the others can be made where torch is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from onnxmagic.check.finding import Where
from onnxmagic.graph.facts import Graph, Node
from onnxmagic.target.target import Target

if TYPE_CHECKING:
    import torch

__all__ = [
    "Argument",
    "AxisTrial",
    "CaptureEvidence",
    "EagerEvidence",
    "Evidence",
    "GraphEvidence",
    "Located",
    "MaskedRow",
    "ModelEvidence",
    "OutputPlace",
    "Repeat",
    "RunCase",
    "RunEvidence",
    "Sidecar",
    "Untranslated",
    "Written",
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

    Attributes
    ----------
    model : torch.nn.Module
        What is exported, wrappers around it removed.
    arguments : tuple of Argument
    keep_train : bool
        The user asked to keep training mode.
    runs : bool or None
        Whether the model ran on the example in PyTorch; None when that was not tried.
    wrappers : tuple of str
        Classes that were wrapped around the model and taken off, the outermost first.
    asked_names : tuple of (str, str)
        Argument path of each tensor, in the order of the call, and the input name that was asked for it; empty when
        none was.
    """

    model: torch.nn.Module
    arguments: tuple[Argument, ...]
    keep_train: bool = False
    runs: bool | None = None
    wrappers: tuple[str, ...] = ()
    asked_names: tuple[tuple[str, str], ...] = ()


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
class Written:
    """Something that the model keeps and changes while it runs.

    ``path`` is how a person writes it (``"encoder.cache"``), ``module`` the path of the module that has it; ``buffer``
    whether it is a registered buffer (and no norm's own statistics); ``again`` whether the second run changed it too: a
    mask that is built once is not.
    """

    path: str
    module: str
    buffer: bool = False
    again: bool = True
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class Repeat:
    """The PyTorch model, run once more on the same example.

    Attributes
    ----------
    written : tuple of Written
        What its runs changed in it.
    remembers : bool
        Its answer depends on that: it is another one after an earlier run, and the same again once the model was put
        back.
    draws : str
        What else its answer depends on: ``"python"``, ``"numpy"``, ``"torch"`` for their random numbers, ``"own"`` for
        a generator that the model keeps, ``"unknown"`` for what differs though model and random numbers were put back
        (the time, a file, memory outside the model), or nothing.
    where : Where
        The user's line that draws, as far as known.
    """

    written: tuple[Written, ...] = ()
    remembers: bool = False
    draws: Literal["", "python", "numpy", "torch", "own", "unknown"] = ""
    where: Where = Where()


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """One place in what the model returned.

    Attributes
    ----------
    path : str
        As a person writes it: ``"output['logits']"``.
    kind : str
        ``"tensor"``, ``"none"``, or the class of what a graph cannot return: ``"int"``, ``"DynamicCache"``.
    name : str or None
        The name of the graph output; None where there is none.
    text : str
        A number's or text's own value.
    is_dataclass : bool
    """

    path: str
    kind: str
    name: str | None = None
    text: str = ""
    is_dataclass: bool = False


@dataclass(frozen=True, slots=True)
class EagerEvidence:
    """After trial runs of the PyTorch model; what is empty was not tried or not asked for.

    Attributes
    ----------
    trials : tuple of AxisTrial
        What each wanted axis did.
    static : bool
        The user asked for a static export.
    repeat : Repeat or None
        What a second run on the same example showed.
    outputs : tuple of OutputPlace
        What the model returned.
    asked_outputs : tuple of str
        The output names that were asked for.
    return_where : Where
        The user's line that returns it.
    """

    trials: tuple[AxisTrial, ...] = ()
    static: bool = False
    repeat: Repeat | None = None
    outputs: tuple[OutputPlace, ...] = ()
    asked_outputs: tuple[str, ...] = ()
    return_where: Where = Where()


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
class Sidecar:
    """A file that holds external data.

    ``location`` is as the model writes it; ``needed`` the bytes it must have for all tensors to fit, ``size`` those it
    has, None when it is not there; ``escapes`` is whether it lies outside the model's folder (then it was not looked
    at, and ``size`` is None); ``used`` the bytes that tensors refer to.
    """

    location: str
    needed: int
    size: int | None
    escapes: bool = False
    used: int = 0


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
    opset_problem : str
        Why the file has another opset than the one that was wanted, a clause; empty when it has that one.
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
    source : Path, bytes or None
        Where the whole model can be read right now, for rules that need the values of weights (through
        ``graph.weights``); None when nothing but the graph is at hand.
    sidecars : tuple of Sidecar
        The files that the model's external data is in, opened by nobody.
    strays : tuple of (str, int)
        Name and bytes of .data files beside the model that nothing in it refers to.
    targets : tuple of Target
        The stacks that the file is meant for.
    example_shapes : mapping of input name to shape, or None
        The sizes of an example, where one is known.
    """

    graph: Graph
    path: Path | None = None
    files: tuple[tuple[str, int], ...] = ()
    places: Mapping[str, Where] | None = None
    checker_error: str = ""
    asked_opset: int | None = None
    opset_problem: str = ""
    asked_static: bool = False
    asked_train: bool = False
    refused_axes: tuple[tuple[str, int, str], ...] = ()
    bounded_axes: tuple[tuple[str, int, str], ...] = ()
    baked_tensors: tuple[str, ...] = ()
    keep_source: bool = False
    stripped_source: int = 0
    source: Path | bytes | None = None
    sidecars: tuple[Sidecar, ...] = ()
    strays: tuple[tuple[str, int], ...] = ()
    targets: tuple[Target, ...] = ()
    example_shapes: Mapping[str, tuple[int, ...]] | None = None

    def where(self, node: str) -> Where:
        """Return the user's line behind the node called `node`, with the node's name in it."""
        from dataclasses import replace

        return replace((self.places or {}).get(node, Where()), node=node)

    def by_line(self, nodes: Iterable[Node]) -> list[list[Node]]:
        """Return `nodes` in groups of one source line; those whose line is not known are one group."""
        lines: dict[tuple[object, ...], list[Node]] = {}
        for node in nodes:
            where = (self.places or {}).get(node.name, Where())
            lines.setdefault((where.cell, where.file, where.line), []).append(node)
        return list(lines.values())


@dataclass(frozen=True, slots=True)
class RunCase:
    """One output of one run, compared; the float figures mean what ``export.result.Case`` says.

    ``problem`` is the first strict thing that differs: ``count``, ``shape``, ``dtype``, ``nan`` (runtime only),
    ``nan-both`` (PyTorch too), ``nan-alone`` (nothing to compare with), ``values``, ``run`` (the runtime refused to
    run); empty when it agrees. ``inputs`` is also ``made up`` for a file without a model, ``data`` for the user's own.
    """

    output: str
    sizes: Mapping[str, int]
    inputs: Literal["example", "varied", "tiled", "made up", "data"]
    problem: Literal["", "count", "shape", "dtype", "nan", "nan-both", "nan-alone", "values", "run"] = ""
    detail: str = ""
    max_abs: float = 0.0
    max_rel: float = 0.0
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """Where the file and PyTorch part.

    Attributes
    ----------
    value : str
        The first value of the file that differs although everything that it is computed from agrees.
    operator : str
        Type of the node that gives it, as in the file: ``"AveragePool"``.
    target : str
        The operator that PyTorch runs there: ``"aten.avg_pool2d.default"``.
    where : Where
        Its node, its module and the user's line, as far as known.
    blame : str
        ``translation``: torch's exporter wrote the wrong thing. ``exporter-optimiser``: only its optimiser did, the
        export without it agrees. ``optimiser``: the file is right, and the runtime's optimiser breaks it. ``capture``:
        the graph that PyTorch captured is another than the module that runs. ``module``: a file was compared with a
        module, and the module's parts tell where they part, but not why. ``unknown``: ``detail`` says why.
    detail : str
        How much differs there, or why no place was found; one line. For ``optimiser`` the highest optimisation level
        that agrees, as ONNX Runtime spells it.
    others : int
        Further values that differ for a reason of their own.
    """

    value: str = ""
    operator: str = ""
    target: str = ""
    where: Where = Where()
    blame: Literal["translation", "exporter-optimiser", "optimiser", "capture", "module", "unknown"] = "unknown"
    detail: str = ""
    others: int = 0

    @property
    def node(self) -> str | None:
        """Name of the node in the file."""
        return self.where.node

    @property
    def module(self) -> str | None:
        """Path of the PyTorch module."""
        return self.where.module


@dataclass(frozen=True, slots=True)
class MaskedRow:
    """The file and PyTorch, given an example with a row whose attention mask hides everything; they differ.

    ``input`` is the mask, ``output`` the output that differs most, ``detail`` by how much.
    """

    input: str
    output: str
    detail: str


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
    located : Located or None
        Where a difference begins; None when nothing differs, or nobody looked.
    masked_row : MaskedRow or None
        None when a wholly masked row makes no difference, or there is no mask to try.
    """

    runtime: str
    cases: tuple[RunCase, ...] = ()
    load_error: str = ""
    nondeterministic: tuple[str, ...] = ()
    deterministic: bool | None = None
    not_proved: str = ""
    located: Located | None = None
    masked_row: MaskedRow | None = None


Evidence = ModelEvidence | EagerEvidence | CaptureEvidence | GraphEvidence | RunEvidence
