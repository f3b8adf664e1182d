"""The user's own module, run as PyTorch runs it, and what it gives back.

The first run is also the first check: a model that fails here fails with its own error at the user's own line, which
says more than anything an exporter would say later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import EagerEvidence, OutputPlace
from onnxmagic.check.finding import Where
from onnxmagic.check.known_errors import see
from onnxmagic.check.places import where_from_traceback
from onnxmagic.errors import CaptureFailed, ModelFailed, UsageMistake
from onnxmagic.export.example import Example, graph_name, human_path, unique
from onnxmagic.export.guard import Guard
from onnxmagic.export.lines import line_that_returns
from onnxmagic.export.quiet import quiet

__all__ = ["Outputs", "first_run", "one_line", "outputs_of", "run_model", "same_outputs"]

Cells = Callable[[str], "int | None"]


class NotTensors(CaptureFailed):
    """The model returned something a graph cannot; ``places`` is all that it returned."""

    def __init__(self, places: tuple[OutputPlace, ...]) -> None:
        bad = next(place for place in places if place.kind not in ("tensor", "none"))
        super().__init__(f"The model returns a {bad.kind} as `{bad.path}`; a graph returns tensors only.")
        self.places = places


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a run of the module gave: its tensors in order (detached), and how a person writes their places.

    ``empty`` are the places that hold None, each with the number of tensors before it.
    """

    paths: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]
    empty: tuple[tuple[str, int], ...] = ()


def run_model(example: Example, guard: Guard) -> Outputs:
    """Run the module once, without gradients, and return its tensors.

    Raises
    ------
    Exception
        Whatever the module raises.
    """
    guard.restart()
    with quiet(), torch.no_grad(), guard.watching():
        # Clones, so that a forward that writes into its input cannot change what the file is fed with later.
        args, kwargs = example.call_with([leaf.value.clone() for leaf in example.tensors])
        result = example.model(*args, **kwargs)
    return outputs_of(result)


def outputs_of(result: Any) -> Outputs:
    """Return the tensors in what the module returned, as copies.

    Raises
    ------
    CaptureFailed
        It holds no tensor, or something that is none.
    """
    keyed, _ = pytree.tree_flatten_with_path(result)
    places = [(human_path("output", keys), value) for keys, value in keyed]
    kept = [(path, value) for path, value in places if value is not None]
    if not kept:
        raise CaptureFailed("The model returns nothing; a graph returns tensors.", advice="return a tensor in forward")
    if any(not isinstance(value, torch.Tensor) for _, value in kept):
        raise NotTensors(tuple(_place(path, value) for path, value in places))
    # Cloned: a model may return a buffer or an input that its next run writes into.
    tensors = tuple(value.detach().clone() for _, value in kept)
    empty = tuple(
        (path, sum(v is not None for _, v in places[:n])) for n, (path, value) in enumerate(places) if value is None
    )
    return Outputs(tuple(path for path, _ in kept), tensors, empty)


def first_run(example: Example, guard: Guard, cells: Cells | None) -> Outputs:
    """Run the module on the user's example.

    Raises
    ------
    ModelFailed
        The module fails; with the user's own error and line.
    CaptureFailed
        It returns something a graph cannot.
    """
    try:
        return run_model(example, guard)
    except NotTensors as error:
        evidence = EagerEvidence(outputs=error.places, return_where=line_that_returns(example.model, cells))
        findings = catalogue.run(evidence, select=["OM213"])
        raise CaptureFailed(findings[0].message, findings) from None
    except CaptureFailed:
        raise
    except Exception as error:
        where = where_from_traceback(error.__traceback__, cells)
        headline = f"The model itself fails on this example: {one_line(error)}"
        raise ModelFailed(
            headline, where=where, advice=_advice(error, example), detail=see(str(error)).strip()
        ) from error


def output_names(
    outputs: Outputs, asked: Sequence[str], inputs: Sequence[str]
) -> tuple[tuple[str, ...], tuple[OutputPlace, ...]]:
    """Return a graph output name for each tensor, and every place of what the model returned with its name.

    Names are taken as asked, else from dict keys, field names and positions. As many names as there are places,
    counting those that hold None, are taken place by place; where there are more or fewer, from the first tensor on.

    Raises
    ------
    UsageMistake
        A name is an input's.
    """
    places = [(path, n, True) for n, path in enumerate(outputs.paths)]
    for path, before in reversed(outputs.empty):
        places.insert(before, (path, before, False))
    if len(asked) == len(places):
        asked = [name for name, (_, _, is_tensor) in zip(asked, places, strict=True) if is_tensor]
    asked = asked[: len(outputs.paths)]
    clash = sorted(set(asked) & set(inputs))
    if clash:
        raise UsageMistake(f"The output name {clash[0]!r} is also an input's; names in a graph are unique.")
    own = unique([_short_name(path) for path in outputs.paths[len(asked) :]], [*inputs, *asked])
    names = (*asked, *own)
    return names, tuple(
        OutputPlace(path, "tensor" if is_tensor else "none", names[n] if is_tensor else None)
        for path, n, is_tensor in places
    )


def same_outputs(first: Outputs, second: Outputs) -> bool:
    """Return whether two runs gave the same answer, but for the order in which threads may have added."""
    if len(first.tensors) != len(second.tensors):
        return False
    return all(_same_answer(a, b) for a, b in zip(first.tensors, second.tensors, strict=True))


def _same_answer(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not a.is_floating_point():
        return torch.equal(a, b)
    # A few units in the last place of the largest value are no second answer.
    largest = a.abs().masked_fill(~a.isfinite(), 0).max() if a.numel() else 0.0
    return torch.allclose(a, b, rtol=0, atol=float(largest) * 16 * torch.finfo(a.dtype).eps, equal_nan=True)


def one_line(error: BaseException) -> str:
    """Return an exception as one line: its class and the first line of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def where_failed(error: BaseException, cells: Cells | None) -> Where:
    """Return the user's line that `error` came from."""
    return where_from_traceback(error.__traceback__, cells)


def _short_name(path: str) -> str:
    rest = path.removeprefix("output")
    name = graph_name(rest)
    if "." in name:  # a cache that comes back is called present, as the one that goes in is called past
        return re.sub(r"^(past_key_values?|_\d+|_)(?=\.)", "present", name)
    return "output" if not rest else f"output{name}" if name.startswith("_") else name


def _place(path: str, value: Any) -> OutputPlace:
    if value is None or isinstance(value, torch.Tensor):
        return OutputPlace(path, "none" if value is None else "tensor")
    text = repr(value)[:60] if isinstance(value, (bool, int, float, complex, str)) else ""
    return OutputPlace(path, type(value).__name__, None, text, is_dataclass=is_dataclass(value))


def _advice(error: Exception, example: Example) -> str:
    """Name what is most often wrong: a dtype or a device that differs from the parameters'."""
    first = next((p for p in example.model.parameters() if p.is_floating_point()), None)
    if first is None:
        return ""
    for leaf in example.tensors:
        if leaf.value.device != first.device:
            device = str(first.device)
            return f"{leaf.path} is on {leaf.value.device}, the model on {device}: {leaf.path}.to({device!r})"
        if leaf.value.is_floating_point() and leaf.value.dtype != first.dtype and "dtype" in str(error).lower():
            return f"{leaf.path} is {leaf.value.dtype}, the parameters are {first.dtype}: {leaf.path}.to({first.dtype})"
    return ""
