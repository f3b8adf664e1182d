"""From the module to an ONNX program, by torch's own exporter.

The recipe is the one that made 20 of 20 transformer architectures dynamic from a batch-1 example: export an example of
batch 3, name no ``Dim`` (it is silently made static when it does not hold) and no ``AUTO`` (declared dynamic, body
specialised), but demand each axis, so that a conflict is loud. Axes are named afterwards, by their places: torch pairs
names with inputs only when no argument is a plain number. What is left to silence shows in the range constraints.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from onnxmagic.check.evidence import CaptureEvidence
from onnxmagic.export.axes import Plan
from onnxmagic.export.eager import one_line
from onnxmagic.export.example import Example
from onnxmagic.export.failure import AxesRefused, capture_failed, chain, is_final
from onnxmagic.export.matching import quick_matching
from onnxmagic.export.process import no_collection
from onnxmagic.export.quiet import quiet
from onnxmagic.export.torchlib import quick_registry
from onnxmagic.export.trials import Place
from onnxmagic.export.unique_names import keep_apart
from onnxmagic.export.vary import resized

__all__ = ["Captured", "capture"]

Cells = Callable[[str], "int | None"]


@dataclass(frozen=True)
class Captured:
    """An ONNX program that is ours to change, with what happened on the way."""

    program: Any
    evidence: CaptureEvidence
    axes: Mapping[Place, str]


def capture(
    example: Example,
    plan: Plan,
    outputs: tuple[str, ...],
    opset: int | None,
    cells: Cells | None = None,
    *,
    optimize: bool = True,
) -> Captured:
    """Export `example` with the axes of `plan`; `optimize` is whether torch's optimiser may work on the graph.

    Raises
    ------
    AxesRefused
        PyTorch fixed some of the axes; without them it may succeed.
    CaptureFailed
        PyTorch cannot turn the model into a graph.
    """
    grown = resized(example, {place: axis.export_size for axis in plan.wanted for place in axis.places})
    call = _Call(grown, plan, outputs, opset)
    _forget_rnn_lengths()
    optimizer_error = ""
    try:
        try:
            program = call(optimize=optimize)
        except Exception as error:
            if not _from_optimizer(error):
                raise
            optimizer_error = one_line(list(chain(error))[-1])
            _forget_rnn_lengths()
            program = call(optimize=False)
    except Exception as error:
        if plan.wanted and not is_final(error):
            raise _refused(error, example, plan) from error
        raise capture_failed(error, call, cells) from error
    _check_bounds(program, example, plan)
    keep_apart(program.model)
    _name_axes(program, example, plan)
    return Captured(program, CaptureEvidence(optimizer_error=optimizer_error), plan.names())


@dataclass(frozen=True)
class _Call:
    """One call of torch's exporter, ready to be repeated with other options."""

    example: Example
    plan: Plan
    outputs: tuple[str, ...]
    opset: int | None

    def __call__(self, **options: Any) -> Any:
        example = self.example
        args: tuple[Any, ...] = example.args
        if args and not example.kwargs and isinstance(args[-1], dict):
            args = (*args, {})  # torch takes a trailing dict for keyword arguments
        dynamic = torch.export.Dim.DYNAMIC
        with quiet(), torch.no_grad(), _explicit_keywords(example), no_collection(), quick_matching(), quick_registry():
            shapes = example.dynamic_shapes(dict.fromkeys(self.plan.names(), dynamic)) if self.plan.wanted else None
            return torch.onnx.export(
                example.model,
                args,
                kwargs=example.kwargs or None,
                dynamo=True,
                verbose=False,
                opset_version=self.opset,
                input_names=[leaf.name or "" for leaf in example.tensors],
                output_names=list(self.outputs),
                dynamic_shapes=shapes,
                **options,
            )


@contextlib.contextmanager
def _explicit_keywords(example: Example) -> Generator[None]:
    """Give a forward with ``**kwargs`` a signature that names them; torch loses dynamic shapes of the others."""
    model = example.model
    signature = inspect.signature(model.forward)
    if all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values()):
        yield
        return
    forward, own = model.forward, vars(model).get("forward")
    named = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    extra = [name for name in example.kwargs if name not in {p.name for p in named}]
    named += [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in extra]

    def explicit(*args: Any, **kwargs: Any) -> Any:
        return forward(*args, **kwargs)

    explicit.__signature__ = signature.replace(parameters=named)  # type: ignore[attr-defined]  # a function takes it
    model.forward = explicit
    try:
        yield
    finally:
        if own is None:
            del model.forward
        else:
            model.forward = own


def _forget_rnn_lengths() -> None:
    """Drop torch's dispatch caches for LSTM and GRU; with them only the first export of a process is dynamic."""
    for operator in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        overload = getattr(getattr(torch.ops.aten, operator, None), "input", None)
        cache = getattr(overload, "_dispatch_cache", None)
        if cache is not None:
            cache.clear()


def _from_optimizer(error: BaseException) -> bool:
    return any(type(cause).__name__ == "PassError" for cause in chain(error))


def _refused(error: BaseException, example: Example, plan: Plan) -> AxesRefused:
    """Find the axes that torch's conflict message speaks of; all of them when it names none."""
    causes = list(chain(error))
    text = "\n".join(str(cause) for cause in causes)
    paths = {leaf.name: leaf.path for leaf in example.tensors}
    named: dict[str, str] = {}
    for axis in plan.wanted:
        for name, index in axis.places:
            root = re.split(r"[\[.]", paths[name])[0]
            pattern = rf"static shape of (\d+) for dimension inputs\['{re.escape(root)}'\][^\n]*\.shape\[{index}\]"
            found = re.search(pattern, text)
            if found:
                named[axis.name] = (
                    f"PyTorch's exporter fixes it at {found[1]}: the code turns this size into a constant"
                )
    if not named:
        named = {axis.name: f"PyTorch's exporter refuses it: {one_line(causes[-1])}" for axis in plan.wanted}
    return AxesRefused(named)


def _check_bounds(program: Any, example: Example, plan: Plan) -> None:
    """Refuse axes that the exporter fixed or bounded without a word."""
    ranges = {str(symbol): bounds for symbol, bounds in program.exported_program.range_constraints.items()}
    refused: dict[str, str] = {}
    for axis in plan.wanted:
        for dim in _dims(program, example, axis.places):
            text = _symbol(dim)
            upper = "int_oo" if text not in ranges else str(ranges[text].upper)
            if isinstance(dim, int):
                refused[axis.name] = f"PyTorch's exporter fixed it at {dim} without a word"
            elif upper != "int_oo":
                refused[axis.name] = f"PyTorch's exporter bounds it to at most {upper}"
    if refused:
        raise AxesRefused(refused)


def _name_axes(program: Any, example: Example, plan: Plan) -> None:
    names: dict[str, str] = {}
    for axis in plan.wanted:
        for dim in _dims(program, example, axis.places):
            names.setdefault(_symbol(dim), axis.name)
    if names:
        program.rename_axes(names)


def _dims(program: Any, example: Example, places: tuple[Place, ...]) -> list[Any]:
    inputs = {leaf.name: value for leaf, value in zip(example.tensors, program.model.graph.inputs, strict=True)}
    return [inputs[name].shape[index] for name, index in places]


def _symbol(dim: Any) -> str:
    return str(getattr(dim, "value", dim))
