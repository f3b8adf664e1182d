"""What is shown: the target is told apart, its graph read without a judgement, the modules to open are looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from onnxmagic.check.wording import code, sentence
from onnxmagic.errors import UsageMistake
from onnxmagic.examine.any_file import AnyFile, stamp_of
from onnxmagic.examine.result import Check
from onnxmagic.examine.subject import Subject, is_module, subject_of
from onnxmagic.export.result import Export
from onnxmagic.graph.drawn import outlined
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, read
from onnxmagic.inside.near import did_you_mean
from onnxmagic.inside.selection import Selection
from onnxmagic.show.result import Shown

__all__ = ["shown"]


def shown(
    target: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    opened: str | Sequence[str],
    name: str | None,
    cells: Callable[[str], int | None] | None,
    progress: Callable[[str], None] | None,
) -> Shown:
    """Return what is to be shown of `target`; see ``onnxmagic.show``."""
    if is_module(target):
        from onnxmagic.export import export

        exported = export(target, args, kwargs, prove=False, name=name, cells=cells, progress=progress)
        made = _of_export(exported)
    elif args or kwargs:
        raise UsageMistake("Arguments go with a model; a file is shown as it is.")
    else:
        made = _of_value(target, progress)
    asked = (opened,) if isinstance(opened, str) else tuple(opened)
    for path in asked:
        _check_opened(path, made.graph)
    return replace(made, name=name or made.name, opened=asked)


def _of_value(target: Any, progress: Callable[[str], None] | None) -> Shown:
    if isinstance(target, Shown):
        return replace(target, selection=Selection())
    if isinstance(target, Export):
        return _of_export(target)
    if isinstance(target, Check):
        return _of_check(target)
    return _of_file(subject_of(target), progress)


def _of_export(export: Export) -> Shown:
    # The file is that of the export, and what is computed of it is kept there; what is chosen is this view's own.
    return Shown(
        export.path.name if export.path else export.model_name,
        export.path,
        export.graph,
        export.nbytes,
        places=export.places,
        file=export.inside,
    )


def _of_check(check: Check) -> Shown:
    if check.graph is None:
        raise UsageMistake(f"There is no graph to show: the check of {check.name} could not look into it.")
    file = check.inside if check.path is not None else None
    return Shown(check.name, check.path, check.graph, check.nbytes, places=check.places, file=file)


def _of_file(subject: Subject, progress: Callable[[str], None] | None) -> Shown:
    if progress is not None:
        progress("read")
    selection = Selection(stamp_of(subject.path))
    try:
        graph = read(subject.source)
    except NotAModel as error:
        raise UsageMistake(f"Nothing can be shown: {sentence(str(error), 300)}") from None
    nbytes = selection.stamp[0] if selection.stamp else len(subject.data or b"")
    file = AnyFile(graph, selection, subject)
    return Shown(subject.name, subject.path, graph, nbytes, file=file, selection=selection)


def _check_opened(path: str, graph: Graph) -> None:
    """Refuse a module that the graph does not have."""
    scopes = [scope.path for scope in outlined(graph).scopes[1:]]
    if path in scopes:
        return
    if not scopes:
        raise UsageMistake(f"There is no module {code(path)} to open: this graph is shown without modules.")
    raise UsageMistake(f"There is no module {code(path)} to open. {did_you_mean(path, scopes, _listed(scopes))}")


def _listed(scopes: Sequence[str]) -> str:
    first = [path for path in scopes if "." not in path] or list(scopes)
    more = " …" if len(first) > 8 else ""
    return f"The outermost are {', '.join(map(code, first[:8]))}{more}."
