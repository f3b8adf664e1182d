"""A worker of the user's executor: it gets the file and the model once, and then batch after batch.

Which worker takes a task is the executor's affair, so a task carries a key and a batch, and a worker that does not know
the key says so; only then are file and model sent along. What is sent are Python objects, to workers that the user
started, in the way every executor sends them.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils import _pytree as pytree

from onnxmagic.errors import UsageMistake
from onnxmagic.export.compare import to_numpy
from onnxmagic.export.eager import Outputs, one_line, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.process import one_thread
from onnxmagic.export.quiet import quiet
from onnxmagic.export.referee import Referee
from onnxmagic.export.sweep.bind import Bound
from onnxmagic.export.sweep.forward import run_plainly
from onnxmagic.export.sweep.rows import Rows
from onnxmagic.export.sweep.sides import Kind, Measured, Sides
from onnxmagic.runtime.ort import OnnxRuntime

__all__ = ["Missing", "Payload", "keep_here", "packed_batch", "packed_payload", "release", "task"]


@dataclass(frozen=True, slots=True)
class Missing:
    """A worker's answer when it has not got the file and the model."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What a worker needs once: the bytes of the file and of those beside it, by name, and the model.

    ``rewinds`` is whether the model goes on differently after each run, and has to be put back before the next.
    """

    files: tuple[tuple[str, bytes], ...]
    model: torch.nn.Module
    rows: Rows
    noise: list[float] | None
    kind: Kind
    rewinds: bool = False


@dataclass(frozen=True, slots=True)
class _Batch:
    args: Any
    kwargs: Any
    names: tuple[str | None, ...]
    sizes: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor on its way: pickled as an array, because torch sends tensors by other ways where it can."""

    array: Any
    dtype: torch.dtype

    def tensor(self, device: torch.device) -> torch.Tensor:
        array = self.array.view("uint16") if self.dtype is torch.bfloat16 else self.array
        tensor = torch.from_numpy(array)
        if self.dtype.is_complex:
            tensor = torch.view_as_complex(tensor)
        return (tensor.view(self.dtype) if self.dtype is torch.bfloat16 else tensor).to(device)


class _Worker:
    """The sides of one sweep in a process of the executor; one model runs at a time, on one thread."""

    def __init__(self, payload: Payload) -> None:
        self._payload = payload
        self._lock = threading.Lock()
        with tempfile.TemporaryDirectory(prefix="onnxmagic-", ignore_cleanup_errors=True) as folder:
            for name, content in payload.files:
                place = Path(folder) / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            session = OnnxRuntime(threads=1).load(Path(folder) / payload.files[0][0])
        self._sides = Sides(session, self._forward, self._reference, payload.rows, payload.noise, payload.kind)

    def measure(self, batch: bytes, *, thorough: bool, beaten: float) -> Measured:
        return self._sides.measure(_bound(batch, self._payload.model), thorough=thorough, beaten=beaten)

    def _forward(self, example: Example) -> Outputs:
        with self._lock, one_thread():
            if self._payload.rewinds:
                with Guard(self._payload.model) as guard:
                    return run_model(example, guard)
            with quiet():
                return run_plainly(example)

    def _reference(self, example: Example) -> Sequence[torch.Tensor] | None:
        with self._lock, one_thread(), Guard(self._payload.model) as guard:
            return Referee(example, guard).reference(example, needed=True)


class _Here:
    """The sides of a sweep in the user's own process, whose threads are the workers; the model is the user's."""

    def __init__(self, sides: Sides, model: torch.nn.Module) -> None:
        self._process = os.getpid()
        self._sides = sides
        self._model = model

    @property
    def alive(self) -> bool:
        """False in a process that was forked from this one: its threads and locks did not come along."""
        return os.getpid() == self._process

    def measure(self, batch: bytes, *, thorough: bool, beaten: float) -> Measured:
        return self._sides.measure(_bound(batch, self._model), thorough=thorough, beaten=beaten)


_HERE: Final[dict[str, _Here]] = {}
_KNOWN: Final[dict[str, _Worker]] = {}
_MAKING: Final = threading.Lock()


def task(key: str, batch: bytes, payload: bytes | None, thorough: bool, beaten: float) -> Measured | Missing:
    """Compare one batch; it runs in the executor."""
    here = _HERE.get(key)
    if here is not None and here.alive:
        return here.measure(batch, thorough=thorough, beaten=beaten)
    worker = _KNOWN.get(key)
    if worker is None:
        if payload is None:
            return Missing()
        worker = _made(key, payload)
    return worker.measure(batch, thorough=thorough, beaten=beaten)


def keep_here(key: str, sides: Sides, model: torch.nn.Module) -> None:
    """Let workers that turn out to be threads of this process use `sides`."""
    _HERE[key] = _Here(sides, model)


def release(key: str) -> None:
    """Forget what ``keep_here`` kept."""
    _HERE.pop(key, None)


def packed_batch(bound: Bound) -> bytes:
    """Return a batch as bytes."""
    args, kwargs = pytree.tree_map(
        lambda leaf: _Tensor(to_numpy(leaf), leaf.dtype) if isinstance(leaf, torch.Tensor) else leaf,
        (bound.example.args, bound.example.kwargs),
    )
    return _pickler().dumps(_Batch(args, kwargs, bound.names, bound.sizes))


def packed_payload(payload: Payload) -> bytes:
    """Return file and model as bytes.

    Raises
    ------
    UsageMistake
        The model cannot be pickled.
    """
    pickler = _pickler()
    try:
        return pickler.dumps(payload)
    except Exception as error:
        name = type(payload.model).__name__
        message = f"The model cannot be sent to the executor's workers: {one_line(error)}."
        if pickler.__name__ == "pickle":
            message += f" If {name} was defined in the notebook, pip install onnxmagic[executor] makes it possible."
        else:
            message += f" Keep out of {name} what cannot be pickled (locks, open files), or leave the executor out."
        raise UsageMistake(message) from error


def _bound(packed: bytes, model: torch.nn.Module) -> Bound:
    batch: _Batch = _pickler().loads(packed)
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    args, kwargs = pytree.tree_map(
        lambda leaf: leaf.tensor(device) if isinstance(leaf, _Tensor) else leaf, (batch.args, batch.kwargs)
    )
    example = Example.make(model, args, kwargs)
    pairs = zip(batch.names, example.tensors, strict=True)
    return Bound(example, batch.names, {n: to_numpy(leaf.value) for n, leaf in pairs if n is not None}, batch.sizes)


def _made(key: str, payload: bytes) -> _Worker:
    with _MAKING:
        worker = _KNOWN.get(key)
        if worker is None:
            _KNOWN.clear()  # one sweep at a time: the last one's model would stay in memory
            worker = _KNOWN[key] = _Worker(_pickler().loads(payload))
    return worker


def _pickler() -> Any:
    try:
        import cloudpickle
    except ImportError:
        import pickle  # noqa: TID251  # nothing is stored: it goes to the user's own workers

        return pickle
    return cloudpickle
