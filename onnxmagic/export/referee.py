"""Who is wrong when two float32 answers differ? A float64 run of the same model tells.

R = rms(runtime - torch64) / rms(torch32 - torch64): how many times worse than PyTorch's own rounding. Measured: 30
healthy variants gave 0.86 to 2.24, 32 injected bugs 15 and more; a fixed tolerance missed up to 29 of the same bugs.

The float64 run is the user's own module, with every operand of every operator made float64 on the way in: no copy of
the weights is held, and a ``.float()`` inside does not cap the reference. Where that fails (recurrent layers compare
dtypes before they start) a float64 copy of the module runs instead.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from onnxmagic.export.eager import one_line, run_model
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard, written
from onnxmagic.export.modules import all_modules, own_buffers, own_parameters
from onnxmagic.export.quiet import quiet

__all__ = ["Referee", "believable", "everything_double", "relative_noise", "rms"]

MOST_BYTES = 8 * 1024**3
"""Largest module that runs in float64, in bytes of float64 weights; above it the report says that none was possible."""

MOST_COPIED = 2 * 1024**3
"""Largest float64 copy that is made, in bytes."""

ALLOWANCE = 0.25
"""Seconds that float64 runs beyond the example's own may take; the example always has one."""

MOST_NOISE = {torch.float32: 1e-3, torch.float16: 0.1, torch.bfloat16: 0.3}
"""Relative rounding of a whole model that is still believable, by its output's dtype."""

SMALLER = (torch.float32, torch.float16, torch.bfloat16)


class Referee:
    """The user's model in float64, made when first needed.

    Attributes
    ----------
    reason : str
        Why there is no float64 run; empty while there is, or while none was tried.
    """

    def __init__(self, example: Example, guard: Guard) -> None:
        self._example = example
        self._guard = guard
        self._copy: torch.nn.Module | None = None
        self._rate = 0.0
        self._left = ALLOWANCE
        self._bytes = sum(t.numel() * 8 for t in _tensors(example.model) if t.is_floating_point())
        self.reason = _too_large(self._bytes, MOST_BYTES)

    def double(self) -> torch.nn.Module:
        """Return the float64 copy, made when first asked for.

        Raises
        ------
        MemoryError
            It would be larger than ``MOST_COPIED``.
        Exception
            The module cannot be copied.
        """
        if self._guard.always_rewinds:
            raise RuntimeError("the model keeps state, which a copy of it would not share")
        if self._copy is None:
            if self._bytes > MOST_COPIED:
                raise MemoryError(_too_large(self._bytes, MOST_COPIED))
            self._copy = _double_of(self._example.model)
        return self._copy

    def reference(self, example: Example, *, needed: bool) -> tuple[torch.Tensor, ...] | None:
        """Return the outputs of the float64 run; None when it is impossible, or not `needed` and too slow."""
        if self.reason:
            return None
        size = sum(leaf.value.numel() for leaf in example.tensors)
        expected = self._rate * size
        if not needed and expected > self._left:
            return None
        try:
            start = time.perf_counter()
            outputs = self._run(example)
        except Exception as error:  # noqa: BLE001  # any failure of the copy only means: no referee
            self.reason = f"no float64 run: {one_line(error)}"
            return None
        seconds = time.perf_counter() - start
        # The first run also warms up, so the fastest one tells what the next will take.
        rate = seconds / max(size, 1)
        self._rate = min(self._rate, rate) if self._rate else rate
        if not needed:
            self._left -= seconds
        return outputs

    def _run(self, example: Example) -> tuple[torch.Tensor, ...]:
        if self._copy is None:
            try:
                with everything_double():
                    return run_model(double_example(example, example.model), self._guard).tensors
            except Exception:  # noqa: BLE001  # whatever it is, the copy may do without
                self.double()
        with everything_double():
            return run_model(double_example(example, self.double()), self._guard).tensors


def double_example(example: Example, model: torch.nn.Module) -> Example:
    """Return `example` with float64 tensors, for `model`."""
    tensors = [leaf.value.double() if leaf.value.dtype in SMALLER else leaf.value for leaf in example.tensors]
    return replace(example.with_tensors(tensors), model=model)


def _too_large(size: int, most: int) -> str:
    if size <= most:
        return ""
    return f"no float64 run: {size / 1024**3:.1f} GB of float64 weights are above the limit of {most / 1024**3:.0f} GB"


def _tensors(model: torch.nn.Module) -> Iterator[torch.Tensor]:
    seen: set[int] = set()
    for module in all_modules(model):
        for tensor in (*own_parameters(module), *own_buffers(module)):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor


def _double_of(model: torch.nn.Module) -> torch.nn.Module:
    # deepcopy takes what is in its memo for a copy already made, so no float32 copy of the weights is made first.
    memo: dict[int, Any] = {}
    for tensor in _tensors(model):
        if tensor.dtype in SMALLER:
            double = tensor.detach().double()
            wrap = isinstance(tensor, torch.nn.Parameter)
            memo[id(tensor)] = torch.nn.Parameter(double, requires_grad=False) if wrap else double
        else:
            memo[id(tensor)] = tensor.detach().clone() if not isinstance(tensor, torch.nn.Parameter) else tensor
    with quiet():
        twin = copy.deepcopy(model, memo)
    for module in all_modules(twin):
        for name, value in list(vars(module).items()):
            if isinstance(value, torch.Tensor) and value.dtype in SMALLER:
                vars(module)[name] = value.detach().double()
        flatten = getattr(module, "_flat_weights_names", None)
        if flatten is not None:
            module._flat_weights = [getattr(module, n) if n else None for n in flatten]  # noqa: SLF001  # type: ignore[assignment]  # an RNN keeps a second list
    return twin


class _Double(TorchDispatchMode):
    """Runs every operator in float64: its operands, and the type it asks for."""

    supports_higher_order_operators = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        schema = getattr(func, "_schema", None)
        if schema is not None and schema.is_mutable and any(t.dtype in SMALLER for t in written(schema, args, kwargs)):
            raise TypeError("writes into a float32 tensor, which a float64 copy of it would not see")
        if func is torch.ops.aten.embedding.default:
            # Rows are picked, not computed with: a whole vocabulary need not become float64 for a few of them.
            return _widened(func(*args, **kwargs))
        return func(*[_widened(v) for v in args], **{k: _widened(v) for k, v in kwargs.items()})


def _widened(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.double() if value.dtype in SMALLER else value
    if isinstance(value, (list, tuple)):
        return type(value)(_widened(item) for item in value)
    return torch.float64 if isinstance(value, torch.dtype) and value in SMALLER else value


@contextlib.contextmanager
def everything_double() -> Generator[None]:
    """Run every operator of PyTorch in float64, whatever the type of its operands."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with _Double():
            yield
    finally:
        torch.set_default_dtype(before)


def rms(values: torch.Tensor) -> float:
    """Return the root mean square of a float64 tensor; 0 for an empty one."""
    return float(values.square().mean().sqrt()) if values.numel() else 0.0


def believable(noise: Sequence[float], outputs: Sequence[torch.Tensor]) -> bool:
    """Tell whether each `noise` can be the rounding of its output; if not, the float64 run is of another model."""
    return all(n <= MOST_NOISE.get(t.dtype, 1.0) for n, t in zip(noise, outputs, strict=True))


def relative_noise(outputs: Sequence[torch.Tensor], references: Sequence[torch.Tensor]) -> list[float]:
    """Return PyTorch's own rounding for each output: rms(torch32 - torch64) / rms(torch64), with its dtype's floor."""
    result: list[float] = []
    for output, reference in zip(outputs, references, strict=True):
        if not output.is_floating_point() or output.shape != reference.shape:
            result.append(0.0)
            continue
        good = output.isfinite() & reference.isfinite()
        scale = rms(reference[good].double())
        error = rms((output.double() - reference.double())[good])
        floor = torch.finfo(output.dtype).eps / 2
        result.append(max(error / scale if scale else 0.0, floor))
    return result
