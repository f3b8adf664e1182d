"""What a diff is made of: one dataclass for each thing that can differ. The names are a contract, see ``result``.

What was not compared has a ``reason`` and no figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from onnxmagic.check.finding import Finding, Where

__all__ = [
    "AtNode",
    "Change",
    "CostDiff",
    "FindingsDiff",
    "Latency",
    "ModuleCost",
    "NodeChange",
    "NodesDiff",
    "OutputsDiff",
    "Region",
    "SignatureChange",
    "SignatureDiff",
    "Spread",
    "ValueChange",
    "WeightChange",
    "WeightsDiff",
]


@dataclass(frozen=True, slots=True)
class AtNode:
    """A node of one of the models; ``index`` is that of its outline, ``module`` None where the file does not say."""

    index: int
    name: str
    op_type: str
    module: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not the same: what (``"attribute axis"``, ``"input 1"``), before and after, as text."""

    kind: Literal["operator", "attribute", "weight", "input", "output", "body"]
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node that is in both, and not the same; ``reason`` says why they are held to be one."""

    a: AtNode
    b: AtNode
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Nodes of the first model in whose place others stand in the second: a rewrite.

    Attributes
    ----------
    name : str
        What it is, where that is known (``"RMSNormalization"``, ``"dynamic int8 MatMul"``); else ``""``.
    removed, added : tuple of AtNode
        One of the two may be empty.
    count : int
        How many such there are; the nodes are those of the first.
    modules : tuple of str
        The modules they are in, each once.
    indices : tuple of two tuples of int
        Removed and added nodes of all of them, by ``AtNode.index``.
    """

    name: str
    removed: tuple[AtNode, ...]
    added: tuple[AtNode, ...]
    count: int = 1
    modules: tuple[str, ...] = ()
    indices: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class NodesDiff:
    """The structure. ``moved`` are the same computation in another module; ``same`` counts what is the same."""

    added: tuple[AtNode, ...] = ()
    removed: tuple[AtNode, ...] = ()
    changed: tuple[NodeChange, ...] = ()
    moved: tuple[NodeChange, ...] = ()
    same: int = 0


@dataclass(frozen=True, slots=True)
class SignatureChange:
    """What a program that calls the model may notice: ``breaking`` when it may have to be changed; ``why`` says so."""

    what: str
    before: str
    after: str
    breaking: bool
    why: str


@dataclass(frozen=True, slots=True)
class SignatureDiff:
    """Inputs, outputs, axes, opsets, IR version, operator sets."""

    changes: tuple[SignatureChange, ...] = ()

    @property
    def breaking(self) -> tuple[SignatureChange, ...]:
        """Those that may break a program that calls the model."""
        return tuple(change for change in self.changes if change.breaking)

    @property
    def compatible(self) -> tuple[SignatureChange, ...]:
        """The others."""
        return tuple(change for change in self.changes if not change.breaking)


@dataclass(frozen=True, slots=True)
class WeightChange:
    """A parameter that is in both, with other values.

    Attributes
    ----------
    name : str
        The parameter's own name, as PyTorch has it, where the files tell.
    before, after : str
        Its names in the two files.
    shape : tuple of int
        In the first.
    dtypes : tuple of str
        In the first and in the second.
    seen_through : tuple of str
        How the two were made comparable: ``"transposed"``, ``"dequantised"``, ``"cast"``, ``"folded"``.
    max_abs, mean_abs : float
        Of the difference of the values; NaN where they were not compared.
    cosine : float
        Of the two, as vectors.
    nan : tuple of int
        NaN in the first and in the second.
    where : str
        The module that uses it, ``""`` where nobody knows.
    reason : str
        Why the values were not compared; empty where they were.
    """

    name: str
    before: str
    after: str
    shape: tuple[int, ...]
    dtypes: tuple[str, str]
    seen_through: tuple[str, ...] = ()
    max_abs: float = float("nan")
    mean_abs: float = float("nan")
    cosine: float = float("nan")
    nan: tuple[int, int] = (0, 0)
    where: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WeightsDiff:
    """The parameters; one with the same values under another name is no change.

    ``unread`` are parameters whose values could not be had, with the reason: nothing is claimed of them.
    """

    changed: tuple[WeightChange, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    same: int = 0
    unread: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A value that both compute, on the same inputs.

    Attributes
    ----------
    name : str
        In the first; ``other`` in the second.
    node : AtNode or None
        What makes it in the first.
    max_abs, max_rel : float
        The largest difference; relative to the largest magnitude in the first, 0.001 at least. Both are infinite where
        an output has another shape in the two, or one has NaN or infinity where the other has none.
    nan : tuple of int
        NaN and infinities in the first and in the second.
    shapes : tuple of two tuples of int
    where : Where
        Module, and notebook line where an export of this session told.
    """

    name: str
    other: str
    node: AtNode | None
    max_abs: float
    max_rel: float
    nan: tuple[int, int] = (0, 0)
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    where: Where = field(default_factory=Where)


@dataclass(frozen=True, slots=True)
class OutputsDiff:
    """Both models run on the same inputs.

    Attributes
    ----------
    compared : bool
    reason : str
        Why not; empty when compared.
    on : str
        Which inputs: ``"your example"``, ``"your data"``, ``"made-up inputs"``.
    samples : int
    outputs : tuple of ValueChange
        One for each output that both have.
    values : tuple of ValueChange
        The matched values inside, in the order of the first model; only those that were compared.
    first : ValueChange or None
        The first value that differs by more than ``tolerance``; None when none does.
    tolerance : float
        Relative.
    left_out : str
        What was not compared, and why; empty when nothing was left out.
    seconds : float
    """

    compared: bool = False
    reason: str = "not tried"
    on: str = ""
    samples: int = 0
    outputs: tuple[ValueChange, ...] = ()
    values: tuple[ValueChange, ...] = ()
    first: ValueChange | None = None
    tolerance: float = 1e-4
    left_out: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ModuleCost:
    """A module's cost in both models; None where it is not in one, or is not known."""

    module: str
    parameters: tuple[int | None, int | None]
    flops: tuple[int | None, int | None]
    nbytes: tuple[int | None, int | None]
    nodes: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Spread:
    """Measured seconds of one run: the median of the rounds, the fastest and the slowest."""

    median: float
    fastest: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Both models timed in turns on the same inputs, ``rounds`` times."""

    a: Spread
    b: Spread
    rounds: int
    runtime: str


@dataclass(frozen=True, slots=True)
class CostDiff:
    """What the models cost; ``latency`` is None where it was not measured, with ``reason``."""

    parameters: tuple[int, int] = (0, 0)
    flops: tuple[int | None, int | None] = (None, None)
    nbytes: tuple[int, int] = (0, 0)
    nodes: tuple[int, int] = (0, 0)
    modules: tuple[ModuleCost, ...] = ()
    latency: Latency | None = None
    reason: str = "not tried"


@dataclass(frozen=True, slots=True)
class FindingsDiff:
    """Findings of the two, where both were checked; ``reason`` says why not."""

    appeared: tuple[Finding, ...] = ()
    vanished: tuple[Finding, ...] = ()
    reason: str = "not tried"
