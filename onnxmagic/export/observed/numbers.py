"""Python numbers that differed between calls: inputs of the file, if the model takes them as tensors.

``unet(x, 981)`` and ``unet(x, 961)`` are one file with a scalar input, unless the model decides something in Python by
the number: then the file can hold only one of them. Whether it does shows when it runs with tensors in their place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from onnxmagic.export.observed.answers import Answers, agree
from onnxmagic.export.observed.taken import Taken

__all__ = ["numbers_as_tensors"]

MOST_TRIED = 4
"""Calls with different numbers that are run; all of them are compared when they are replayed."""

MOST_SHOWN = 2

READ = torch.ops.aten._local_scalar_dense.default  # noqa: SLF001  # an operator's name, with the underscore it has


def numbers_as_tensors(
    model: torch.nn.Module, calls: Sequence[Taken], answers: Answers
) -> tuple[list[Taken], list[str]]:
    """Return the calls with scalars in place of numbers that differed, where the model allows it; and sentences."""
    dtypes = _differing(calls)
    taken: dict[str, torch.dtype] = {}
    said: list[str] = []
    for path, dtype in dtypes.items():
        refusal = _refused(model, calls, {**taken, path: dtype}, answers)
        said.append(_sentence(path, dtype, calls, refusal))
        if not refusal:
            taken[path] = dtype
    return [_as_tensors(call, taken) for call in calls], said


def _differing(calls: Sequence[Taken]) -> dict[str, torch.dtype]:
    """Return the paths of numbers that differed, each with the dtype that holds them all."""
    values: dict[str, list[Any]] = {}
    for call in calls:
        for path, value in call.leaves.items():
            if _is_number(value) or (isinstance(value, torch.Tensor) and value.ndim == 0):
                values.setdefault(path, []).append(value)
    return {
        path: _dtype(found)
        for path, found in values.items()
        if any(_is_number(value) for value in found) and len({_key(value) for value in found}) > 1
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _key(value: Any) -> Any:
    return "tensor" if isinstance(value, torch.Tensor) else value


def _dtype(values: Sequence[Any]) -> torch.dtype:
    tensor = next((value for value in values if isinstance(value, torch.Tensor)), None)
    if tensor is not None:
        return tensor.dtype
    return torch.float32 if any(isinstance(value, float) for value in values) else torch.int64


def _as_tensors(call: Taken, dtypes: Mapping[str, torch.dtype]) -> Taken:
    """Return `call` with tensors in place of its numbers; on the device that the call's other scalars would be on."""
    device = next((tensor.device for tensor in call.tensors.values()), None)
    return call.with_leaves(
        {
            path: torch.tensor(call.leaves[path], dtype=dtype, device=device)
            for path, dtype in dtypes.items()
            if _is_number(call.leaves.get(path))
        }
    )


def _refused(
    model: torch.nn.Module, calls: Sequence[Taken], dtypes: Mapping[str, torch.dtype], answers: Answers
) -> str:
    """Return why the last of these numbers cannot be a tensor, continuing "and"; empty where it can.

    The others can be, each with those before it.
    """
    tried = _to_try(calls, tuple(dtypes))
    if not tried:
        return "no call with it was kept to try a tensor in its place"
    for call in tried:
        example = _as_tensors(call, dtypes).example(model)
        with _Reads() as reads:
            got = answers.given(example)
        if got is None:
            return "the model takes no tensor in its place"
        if reads.count and reads.count > _reads_anyway(model, call, answers):
            return "the model reads its value in Python"
        if not agree(got, answers.expected(call)):
            return "a tensor in its place gives another answer"
    return ""


def _to_try(calls: Sequence[Taken], paths: Sequence[str]) -> list[Taken]:
    """Return kept calls that have these numbers, each set of values once, from the whole range."""
    by_values: dict[tuple[Any, ...], Taken] = {}
    for call in calls:
        values = tuple(call.leaves.get(path) for path in paths)
        if call.call.kept and any(map(_is_number, values)):
            by_values.setdefault(tuple(_key(value) for value in values), call)
    found = list(by_values.values())
    if len(found) <= MOST_TRIED:
        return found
    return [found[n * (len(found) - 1) // (MOST_TRIED - 1)] for n in range(MOST_TRIED)]


def _reads_anyway(model: torch.nn.Module, call: Taken, answers: Answers) -> int:
    """Return how many values the model reads out of tensors when it is called with the number itself."""
    with _Reads() as reads:
        answers.given(call.example(model))
    return reads.count


class _Reads(TorchDispatchMode):
    """Counts the values that are read out of tensors into Python, as ``if t > 500`` and ``int(t)`` do."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is READ
        return func(*args, **(kwargs or {}))


def _sentence(path: str, dtype: torch.dtype, calls: Sequence[Taken], refusal: str) -> str:
    values = Counter[Any]()
    for call in calls:
        value = call.leaves.get(path)
        if _is_number(value):
            values[value] += call.call.count
    shown = ", ".join(str(value) for value in list(values)[:MOST_SHOWN])
    more = ", ..." if len(values) > MOST_SHOWN else ""
    differed = f"`{path}` differed between calls ({shown}{more})"
    if not refusal:
        kind = str(dtype).removeprefix("torch.")
        article = "an" if kind.startswith("i") else "a"
        return f"{differed}, so it is an input: {article} {kind} scalar."
    return f"{differed}, and {refusal}, so the file holds one of them."
