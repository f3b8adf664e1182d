"""The model, asked a second time: whether it answers the same, and if not, what decided.

A file has no memory and draws only what its graph draws. A model that counts its calls, keeps a cache or asks Python
for a random number gives another answer the second time, and no exporter says so. Its state, then the random numbers,
one source after the other, are put back and it is asked again: that tells which it was. Only models that give
themselves away pay for these runs; the others are asked once more, which the proof needs anyhow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage]  # the base of all norms with statistics

from onnxmagic.check.evidence import Repeat, Written
from onnxmagic.check.finding import Where
from onnxmagic.check.mode import hidden_modules
from onnxmagic.export.eager import Outputs, run_model, same_outputs
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.lines import line_that_draws, line_that_writes
from onnxmagic.export.process import Numbers
from onnxmagic.export.state import State
from onnxmagic.export.vary import fresh_values

__all__ = ["asked_again"]

Cells = Callable[[str], "int | None"] | None
Source = Literal["", "python", "numpy", "torch", "own", "unknown"]


def asked_again(example: Example, alone: Outputs, guard: Guard, cells: Cells) -> Repeat:
    """Run the model on `example` once more; tell why its answer is not `alone`, or would not be for other values.

    `alone` must be the answer of the first run after the guard's mark. The model and the random numbers stay as the
    last run here left them; the guard puts them back in the end.
    """
    between = State(example.model) if guard.changes() else None
    same = same_outputs(alone, run_model(example, guard))
    if same and between is None:
        return Repeat()
    written = _written(example.model, guard, between, cells)
    asker = _Asker(example, alone, guard)
    if same:
        return Repeat(written, asker.remembers_for_other_values())
    remembers, draws = asker.why()
    if remembers and not written:
        remembers, draws = False, "own"
    return Repeat(written, remembers, draws, line_that_draws(example.model, draws, cells) if draws else Where())


@dataclass(frozen=True)
class _Asker:
    example: Example
    alone: Outputs
    guard: Guard

    def why(self) -> tuple[bool, Source]:
        """Return whether the answer depends on an earlier run, and what else it depends on."""
        everything = Numbers.SOURCES
        if not self._same_from_the_start(everything):
            return False, "unknown"
        if self._same_from_the_start(()):
            return True, ""
        self.guard.numbers.draw(everything)  # the last run has left its traces, and now nothing else differs
        remembers = not same_outputs(self.alone, run_model(self.example, self.guard))
        for source in ("python", "numpy", "torch"):
            if not self._same_from_the_start([other for other in everything if other != source]):
                return remembers, source
        return remembers, "unknown"

    def remembers_for_other_values(self) -> bool:
        """Return whether other values get another answer after a run than before it.

        A mask that is built once is the same for all values of one shape; the largest value seen so far is not.
        """
        others = self.example.with_tensors([_calmer(leaf.value) for leaf in fresh_values(self.example, seed=5).tensors])
        try:
            self.guard.numbers.draw()
            after = run_model(others, self.guard)
            self.guard.rewind()
            self.guard.numbers.draw()
            return not same_outputs(after, run_model(others, self.guard))
        except Exception:  # noqa: BLE001  # the model may not take these values; on its own it answered alike
            return False

    def _same_from_the_start(self, again: Collection[str]) -> bool:
        """Put the model back, and the numbers of the sources `again`, and run."""
        self.guard.rewind()
        self.guard.numbers.draw(again)
        return same_outputs(self.alone, run_model(self.example, self.guard))


def _calmer(values: torch.Tensor) -> torch.Tensor:
    """Halve the distance from the mean: a model that keeps extremes has then seen larger ones."""
    return values.lerp(values.mean(), 0.5) if values.is_floating_point() and values.numel() else values


def _written(model: torch.nn.Module, guard: Guard, between: State | None, cells: Cells) -> tuple[Written, ...]:
    changed = guard.changes()
    twice = {(id(m), name) for m, name in between.changes(guard.changed_storages())} if between else None
    paths = {id(module): path for path, module in (*hidden_modules(model), *model.named_modules())}
    return tuple(
        Written(
            path=".".join(filter(None, (paths.get(id(module), type(module).__name__), name))),
            module=paths.get(id(module), ""),
            buffer=name in module._buffers and not isinstance(module, _NormBase),  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # buffers() may be overridden
            again=twice is None or (id(module), name) in twice,
            where=line_that_writes(module, name, cells),
        )
        for module, name in changed
    )
