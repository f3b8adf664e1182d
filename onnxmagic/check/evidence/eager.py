"""After trial runs of the PyTorch model: what they showed, as data, so that its rules run no model again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onnxmagic.check.finding import Where

__all__ = ["AxisTrial", "EagerEvidence", "OutputPlace", "Repeat", "Written"]


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
