"""The user's own module, run as PyTorch runs it, and what it gives back.

The first run is also the first check: a model that fails here fails with its own error at the user's own line, which
says more than anything an exporter would say later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from onnxmagic.check.finding import Where
from onnxmagic.check.places import where_from_traceback
from onnxmagic.errors import CaptureFailed, ModelFailed, UsageMistake
from onnxmagic.export.example import Example, human_path, identifier, unique
from onnxmagic.export.guard import Guard
from onnxmagic.export.quiet import quiet

__all__ = ["Outputs", "first_run", "one_line", "run_model"]

Cells = Callable[[str], "int | None"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a run of the module gave: its tensors in order (detached), and how a person writes their places."""

    paths: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]


def run_model(example: Example, guard: Guard) -> Outputs:
    """Run the module once, without gradients, and return its tensors.

    Raises
    ------
    Exception
        Whatever the module raises.
    """
    with quiet(), torch.no_grad(), guard.watching():
        # Clones, so that a forward that writes into its input cannot change what the file is fed with later.
        call = example.with_tensors([leaf.value.clone() for leaf in example.tensors])
        result = call.model(*call.args, **call.kwargs)
    keyed, _ = pytree.tree_flatten_with_path(result)
    kept = [(human_path("output", keys), value) for keys, value in keyed if value is not None]
    if not kept:
        raise CaptureFailed("The model returns nothing; a graph returns tensors.", advice="return a tensor in forward")
    for path, value in kept:
        _check_output(path, value)
    # Cloned: a model may return a buffer or an input that its next run writes into.
    tensors = tuple(value.detach().clone() for _, value in kept)
    return Outputs(tuple(path for path, _ in kept), tensors)


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
    except CaptureFailed:
        raise
    except Exception as error:
        where = where_from_traceback(error.__traceback__, cells)
        headline = f"The model itself fails on this example: {one_line(error)}"
        raise ModelFailed(headline, where=where, advice=_advice(error, example)) from error


def output_names(outputs: Outputs, asked: Sequence[str], inputs: Sequence[str]) -> tuple[str, ...]:
    """Return a graph output name for each tensor: as asked, else from dict keys, field names and positions.

    Raises
    ------
    UsageMistake
        Another number of names was asked for than there are tensors.
    """
    if asked and len(asked) != len(outputs.paths):
        places = ", ".join(outputs.paths)
        raise UsageMistake(f"{len(asked)} output names for {len(outputs.paths)} tensors ({places}); name each one.")
    clash = sorted(set(asked) & set(inputs))
    if clash:
        raise UsageMistake(f"The output name {clash[0]!r} is also an input's; names in a graph are unique.")
    return tuple(asked) or unique([_short_name(path) for path in outputs.paths], inputs)


def one_line(error: BaseException) -> str:
    """Return an exception as one line: its class and the first line of its message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def where_failed(error: BaseException, cells: Cells | None) -> Where:
    """Return the user's line that `error` came from."""
    return where_from_traceback(error.__traceback__, cells)


def _short_name(path: str) -> str:
    rest = path.removeprefix("output")
    name = identifier(rest)
    return "output" if not rest else f"output{name}" if name.startswith("_") else name


def _check_output(path: str, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        return
    kind = type(value).__name__
    if isinstance(value, (bool, int, float, str)):
        headline = f"The model returns {value!r} as `{path}`; a graph returns tensors only."
        advice = "return tensors only, or torch.tensor(value) where the number matters"
    else:
        headline = f"The model returns a {kind} as `{path}`, which torch cannot take apart into tensors."
        advice = (
            "call it with use_cache=False"
            if "Cache" in kind
            else f"torch.export.register_dataclass({kind}) once, or return a tuple or dict of tensors"
        )
    raise CaptureFailed(headline, advice=advice)


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
