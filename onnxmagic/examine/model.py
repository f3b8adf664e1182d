"""A module checked: exported into a folder that is removed again, so that every rule of every moment has its say."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from onnxmagic.check import catalogue
from onnxmagic.errors import CaptureFailed, UsageMistake
from onnxmagic.examine.request import CheckRequest
from onnxmagic.examine.result import Check
from onnxmagic.export import pipeline
from onnxmagic.export.clock import Clock
from onnxmagic.export.request import Request
from onnxmagic.export.result import Export
from onnxmagic.export.supplied import Supplied
from onnxmagic.target import operator_name, unknown_facts

__all__ = ["check_model"]


def check_model(
    model: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    request: CheckRequest,
    *,
    clock: Clock,
    cells: Callable[[str], int | None] | None,
) -> Check:
    """Export `model`, called as ``model(*args, **kwargs)``, and return what was found on the way.

    Raises
    ------
    UsageMistake
        Options do not go with a model, or the arguments do not fit it.
    ModelFailed
        The model itself fails on the example.
    CaptureFailed
        PyTorch cannot turn it into a graph, for a reason that is no rule's.
    """
    _check_options(model, request)
    with tempfile.TemporaryDirectory(prefix="onnxmagic-") as folder:
        options = Request(
            output=Path(folder).resolve() / "model.onnx",
            prove=request.run,
            name=request.name,
            targets=request.targets,
        )
        try:
            export = pipeline.run(model, Supplied(args, kwargs), options, cells=cells, progress=clock.progress)
        except CaptureFailed as error:
            if not error.findings:
                raise
            return _no_file(model, request, error)
        return _check(export, request)


def _check(export: Export, request: CheckRequest) -> Check:
    untried = () if request.run else ("Not run, and not compared with PyTorch: run=False (--no-run).",)
    used = (operator_name(node.domain, node.op_type) for node in export.graph.walk())
    # That it was not proved is said above, in the words of this call.
    ignore = request.ignore if request.run else (*request.ignore, "OM407")
    return Check(
        name=export.model_name,
        path=None,
        findings=catalogue.chosen(export.findings, request.select, ignore),
        graph=export.graph,
        parity=export.parity if request.run else None,
        axes=export.axes,
        stages=export.stages,
        targets=tuple(map(str, request.targets)),
        untried=(*untried, *unknown_facts(request.targets, used)),
        nbytes=export.nbytes,
        places=export.places,
    )


def _no_file(model: Any, request: CheckRequest, error: CaptureFailed) -> Check:
    """Return the check of a model that PyTorch cannot capture: its findings say why."""
    found = catalogue.sort(dict.fromkeys((*error.findings, *error.earlier)))
    return Check(
        name=request.name or type(model).__name__,
        path=None,
        findings=catalogue.chosen(found, request.select, request.ignore),
        graph=None,
        targets=tuple(map(str, request.targets)),
        untried=("No file could be made of the model, so nothing was tried on one.",),
    )


def _check_options(model: Any, request: CheckRequest) -> None:
    if request.fix:
        raise UsageMistake("fix mends a file; to mend a model's file export it so: %onnx_export … -o net.onnx --fix")
    if request.against is not None and request.against is not model:
        raise UsageMistake("A model is compared with itself; against goes with a file or an export.")
    if request.data is not None:
        raise UsageMistake(
            "data goes with a file or an export; a model is proved on its example and on varied inputs. For more: "
            "e = %onnx_export model(x), then %onnx_check e --against model --data loader"
        )
