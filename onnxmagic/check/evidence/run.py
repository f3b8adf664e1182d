"""After runs in a runtime: how far the outputs agree, as figures, so that no rule holds an array or a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from onnxmagic.check.finding import Where

__all__ = ["Located", "MaskedRow", "RunCase", "RunEvidence"]


@dataclass(frozen=True, slots=True)
class RunCase:
    """One output of one run, compared; the float figures mean what ``export.result.Case`` says.

    ``problem`` is the first strict thing that differs: ``count``, ``shape``, ``dtype``, ``nan`` (runtime only),
    ``nan-both`` (PyTorch too), ``nan-alone`` (nothing to compare with), ``values``, ``run`` (the runtime refused to
    run); empty when it agrees. ``inputs`` is also ``made up`` for a file without a model, ``data`` for the user's own.
    """

    output: str
    sizes: Mapping[str, int]
    inputs: Literal["example", "varied", "tiled", "recorded", "made up", "data"]
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
