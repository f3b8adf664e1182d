"""What is compared: each of the two targets as a side of the diff, with what this session knows of it.

A file may be gone by now: whoever exports after every experiment has written over the file of the export before. Its
graph is still known, so the structure is compared all the same and the rest is said to be missing; the weights of
another model that stands in its place would be worse than none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from onnxmagic.check.finding import Finding, Where
from onnxmagic.check.wording import code, sentence
from onnxmagic.compared.model import as_call, exported, is_call
from onnxmagic.diff.reading import side_of
from onnxmagic.diff.side import Side
from onnxmagic.errors import UsageMistake
from onnxmagic.examine.any_file import AnyFile
from onnxmagic.examine.result import Check
from onnxmagic.examine.subject import is_module, subject_of
from onnxmagic.export.result import Export
from onnxmagic.graph.drawn import outlined
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, Source
from onnxmagic.inside.file import Inside
from onnxmagic.show.result import Shown

__all__ = ["Target", "targets_of"]

Kind = Literal["file", "export", "check"]
Cells = Callable[[str], int | None] | None
Progress = Callable[[str], None] | None


@dataclass(frozen=True)
class Target:
    """One of the two.

    Attributes
    ----------
    side : Side
        Its ``source`` is None where there is no file any more; then nothing of it can be run or read.
    own : bool
        Made in this session: it may run in this process. A file from anywhere runs apart.
    example : mapping of input name to array
        What an export was made with; empty where there is none, or where it was too large to be kept.
    findings : tuple of Finding or None
        What was found when it was exported or checked; None for a file that nobody looked at.
    kind : {"file", "export", "check"}
    places : mapping of node name to Where
        The user's line behind a node, where an export told.
    notes : tuple of str
        What a reader must know of it, a sentence each.
    """

    side: Side
    own: bool = False
    example: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)
    findings: tuple[Finding, ...] | None = None
    kind: Kind = "file"
    places: Mapping[str, Where] = field(default_factory=dict[str, Where], compare=False)
    notes: tuple[str, ...] = ()


def targets_of(
    a: Any, b: Any, names: tuple[str | None, str | None], *, cells: Cells, progress: Progress
) -> tuple[Target, Target]:
    """Return the two targets; a model is exported into memory, after the other was read, and as that one is.

    Raises
    ------
    UsageMistake
        One of them is nothing that can be compared; the message says what to pass.
    ExportError
        The model could not be exported.
    """
    first = None if is_call(a) else _of_value(a, names[0], progress)
    second = None if is_call(b) else _of_value(b, names[1], progress)
    if first is None:
        first = _of_call(a, names[0], second, cells, progress)
    if second is None:
        second = _of_call(b, names[1], first, cells, progress)
    return _told_apart(first, second)


def _of_call(target: Any, name: str | None, other: Target | None, cells: Cells, progress: Progress) -> Target:
    call = as_call(target)
    export = exported(call, name, other.side.graph if other else None, cells, progress)
    made = _of_looked(export, export.inside, name or export.model_name, progress)
    like = f", at opset {export.graph.opset} as {other.side.name} is" if other else ""
    # What its rules found depends on how it was exported; the other was exported in another way.
    return replace(made, findings=None, notes=(f"{made.side.name} was exported into memory for this{like}.",))


def _of_value(target: Any, name: str | None, progress: Progress) -> Target:
    if is_module(target):
        raise UsageMistake("A model needs the inputs that it is called with; pass (model, (x,)), or an export of it.")
    if isinstance(target, Export):
        named = name or (target.path.name if target.path else target.model_name)
        made = _of_looked(target, target.inside, named, progress)
        return replace(made, findings=target.findings, kind="export")
    if isinstance(target, Check):
        file = target.inside if target.path is not None and target.graph is not None else None
        made = _of_looked(target, file, name or target.name, progress)
        return replace(made, findings=target.findings, kind="check")
    if isinstance(target, Shown):
        return _of_looked(target, target.file, name or target.name, progress)
    subject = subject_of(target)
    return Target(_side(subject.source, name or subject.name, None, progress))


def _of_looked(result: Export | Check | Shown, file: Inside | None, name: str, progress: Progress) -> Target:
    """Return a result of this session, whose graph is known; its file, too, where it is still there."""
    graph: Graph | None = result.graph
    if graph is None:
        raise UsageMistake(f"There is no graph to compare: the check of {name} could not look into it.")
    # Asked the other way round, since the file of an export brings torch with it.
    own = file is not None and not isinstance(file, AnyFile)
    example: Mapping[str, Any] = getattr(file, "example", {})
    if file is None:
        note = f"No file of {name} was kept: its structure is compared, its weights and numbers are not."
        return Target(_bare(graph, name), places=result.places, notes=(note,))
    try:
        source = _plain(file.source())
    except UsageMistake as error:
        note = f"{sentence(str(error))} The structure of {name} is still known; its weights and numbers are gone."
        return Target(_bare(graph, name), own, example, places=result.places, notes=(note,))
    return Target(_side(source, name, graph, progress), own, example, places=result.places)


def _bare(graph: Graph, name: str) -> Side:
    return Side(name, graph, outlined(graph))


def _plain(source: Source) -> Path | bytes:
    return (
        source
        if isinstance(source, Path)
        else Path(source)
        if isinstance(source, (str, os.PathLike))
        else bytes(source)
    )


def _side(source: Path | bytes, name: str, graph: Graph | None, progress: Progress) -> Side:
    try:
        return side_of(source, name, graph, progress=progress)
    except NotAModel as error:
        raise UsageMistake(f"{code(name)} cannot be compared: {sentence(str(error), 300)}") from None
    except OSError as error:
        raise UsageMistake(f"{code(name)} cannot be read: {sentence(str(error), 300)}") from None


def _told_apart(a: Target, b: Target) -> tuple[Target, Target]:
    """Return both, with names of which a reader knows which is which."""
    if a.side.name != b.side.name:
        return a, b
    one, other = (f"{a.side.name} (first)", f"{b.side.name} (second)")
    first, second = a.side.source, b.side.source
    if isinstance(first, Path) and isinstance(second, Path) and first.parent != second.parent:
        one, other = _unlike(first, second)
    return replace(a, side=_named(a.side, one)), replace(b, side=_named(b.side, other))


def _unlike(a: Path, b: Path) -> tuple[str, str]:
    """Return the ends of two paths, as long as needed to tell them apart."""
    most = max(len(a.parts), len(b.parts))
    ends = (("/".join(a.parts[-count:]), "/".join(b.parts[-count:])) for count in range(1, most + 1))
    return next((pair for pair in ends if pair[0] != pair[1]), (str(a), str(b)))


def _named(side: Side, name: str) -> Side:
    return replace(side, name=name)
