"""What is known of one stack that a file may have to run on.

Facts are data (``facts/*.json``), each with its source and the day it was taken down, because they age and because a
person must be able to check them. How a fact was learnt is part of it: ``ran`` (values were compared), ``compiled``
(it was built or simulated, not run) and ``table says`` are never mixed. What is not known is None, and said so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Fact", "OperatorFact", "Support", "Target", "Word", "operator_name"]

Word = Literal["ran", "compiled", "table says"]
Support = Literal["yes", "no", "partly", "wrong"]


def operator_name(domain: str, op_type: str) -> str:
    """Return how the facts call an operator: ``"Conv"``, ``"com.microsoft::Gelu"``."""
    return op_type if domain in ("", "ai.onnx") else f"{domain}::{op_type}"


@dataclass(frozen=True, slots=True)
class Fact:
    """Where something is known from; ``str()`` is how it is said in brackets behind a claim.

    ``word`` is how it was learnt, ``source`` what to look up (a table's path and version, or what was run), ``date``
    the day or month it was taken down, ISO; ``of`` the version of the stack that it is of, empty when the source names
    none.
    """

    word: Word
    source: str
    date: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.source}, {self.date}"


@dataclass(frozen=True, slots=True)
class OperatorFact:
    """What a target does with one operator.

    ``support`` is ``yes``, ``no``, ``partly`` (``note`` says what works) or ``wrong`` (runs, and gives wrong values).
    ``attribute`` narrows it to nodes whose attribute has this value, for example ``("antialias", 1)``; ``input_dtype``
    to nodes that take a tensor of this type. ``instead`` is what to write instead; empty where nobody knows.
    """

    operator: str
    support: Support
    fact: Fact
    note: str = ""
    attribute: tuple[str, object] | None = None
    input_dtype: str = ""
    instead: str = ""

    @property
    def whole(self) -> bool:
        """It speaks of the operator however it is used."""
        return self.attribute is None and not self.input_dtype


@dataclass(frozen=True, slots=True)
class Target:
    """A stack, at one version where the facts depend on it.

    Attributes
    ----------
    name : str
        As a person writes it: ``"onnxruntime"``, ``"opencv"``.
    title : str
        For a person: ``"ONNX Runtime"``.
    version : str or None
        The version that was asked for, else the newest that the facts are of; None when they name none.
    asked : bool
        The version was asked for.
    said : str
        What stands in for that version where nothing is known of it, one sentence; empty where something is.
    highest_opset, highest_ir : int or None
        The newest it reads; None when not known.
    opset_fact, ir_fact : Fact or None
    whole_opset : int or None
        The newest opset in which it also had the operators of the models that were tried: releases read a number before
        they have all that it stands for. None when that was not tried; ``whole_note`` says what failed above it.
    operators : mapping of operator name (``"Resize"``, ``"com.microsoft::Gelu"``) to facts, the best one first
    list_fact : Fact or None
        The list that names every operator the target has, so that one not in ``operators`` is lacking. None where there
        is no such list: then nothing is known of the others.
    otherwise : str
        What becomes of a node that the target does not take, a clause; empty where the whole file is refused.
    dtypes : mapping of numpy dtype name to (supported, note, Fact)
        Only what is known.
    dynamic_shapes : str
        ``"yes"``, ``"no"``, ``"partly"``, or ``"unknown"``; ``dynamic_note`` says what happens.
    int64_io : str
        How it takes int64 inputs and outputs; ``int64_note`` says what happens.
    note : str
        What a person must know besides, one sentence; may be empty.
    """

    name: str
    title: str
    version: str | None = None
    asked: bool = False
    said: str = ""
    highest_opset: int | None = None
    highest_ir: int | None = None
    opset_fact: Fact | None = None
    ir_fact: Fact | None = None
    whole_opset: int | None = None
    whole_note: str = ""
    whole_fact: Fact | None = None
    operators: Mapping[str, tuple[OperatorFact, ...]] = field(default_factory=dict[str, "tuple[OperatorFact, ...]"])
    list_fact: Fact | None = None
    otherwise: str = ""
    dtypes: Mapping[str, tuple[bool, str, Fact]] = field(default_factory=dict[str, "tuple[bool, str, Fact]"])
    dynamic_shapes: Literal["yes", "no", "partly", "unknown"] = "unknown"
    dynamic_note: str = ""
    dynamic_fact: Fact | None = None
    int64_io: Literal["yes", "no", "dislikes", "unknown"] = "unknown"
    int64_note: str = ""
    int64_fact: Fact | None = None
    note: str = ""

    def __str__(self) -> str:
        return f"{self.title} {self.version}" if self.version else self.title

    @property
    def option(self) -> str:
        """What to write to ask for this target."""
        return f"--target {self.name}=={self.version}" if self.asked else f"--target {self.name}"
