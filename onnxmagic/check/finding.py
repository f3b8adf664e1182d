"""One thing that a check has to say.

Plain frozen data: rules make findings, views print them, tests compare them, ``to_dict`` gives JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["SEVERITIES", "Finding", "Fix", "Severity", "Where"]

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Where:
    """The place a finding speaks of; what is not known is None.

    Attributes
    ----------
    module : str or None
        Path of the PyTorch module, as in ``named_modules()``; the root is ``""``.
    node : str or None
        Name of the node in the graph.
    cell : int or None
        Number of the notebook cell, as in ``In [4]``.
    file : str or None
        Name of the Python file (not its folder) when the line is not in a notebook cell.
    line : int or None
        Line in the cell or file, from 1.
    source : str or None
        That line's text, stripped.
    function : str or None
        The function the line is in, for example ``forward``.
    """

    module: str | None = None
    node: str | None = None
    cell: int | None = None
    file: str | None = None
    line: int | None = None
    source: str | None = None
    function: str | None = None

    def __str__(self) -> str:
        place = f"cell {self.cell}" if self.cell is not None else self.file
        parts = [place] if place else []
        if place and self.line is not None:
            parts.append(f"line {self.line}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about a finding.

    Attributes
    ----------
    kind : {"auto", "option", "code"}
        ``auto``: the export has done it already. ``option``: add ``option`` to the magic. ``code``: write ``text``.
    text : str
        For a person: one phrase, or the code to write instead.
    option : str or None
        The option of ``%onnx_export`` that does it, or that undoes an automatic fix, for example ``--train``.
    rewrite : str or None
        Name of the rewrite of the graph that does it (a module of ``fix/rewrites``, for example
        ``"dropout-to-identity"``); ``--fix NAME`` applies it to a file, and a button in the live view does.
    """

    kind: Literal["auto", "option", "code"]
    text: str
    option: str | None = None
    rewrite: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake or fact, with its place and its cure.

    Attributes
    ----------
    code, name : str
        As in the catalogue: ``"OM101"``, ``"train-mode"``. A contract: people write them in ``--ignore``.
    severity : {"error", "warning", "info"}
    message : str
        One or two sentences that can be acted on without the docs. Text, never markup; backquotes mark code.
    where : Where
    fix : Fix or None
    count : int
        How many places have the same cause; ``where`` is the first of them.
    """

    code: str
    name: str
    severity: Severity
    message: str
    where: Where = field(default_factory=Where)
    fix: Fix | None = None
    count: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        return asdict(self)
