"""The recorder: a ``with`` block in which the calls of one module are recorded.

The code in the block must run as it would without. So whatever goes wrong in recording is a sentence in the recording
and never an error, and a call is only looked at where values are values: not while PyTorch traces or transforms.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Literal

import torch

from onnxmagic.errors import UsageMistake
from onnxmagic.record.budget import parse_budget, parse_keep
from onnxmagic.record.calls import Recording
from onnxmagic.record.doorway import hide, unwatch, watch
from onnxmagic.record.store import Store
from onnxmagic.record.watched import Outcome, Watched, stand_in

__all__ = ["Recorder"]


class Recorder:
    """Records the calls of `model` while it is entered; made by ``onnxmagic.record``.

    Parameters
    ----------
    model : torch.nn.Module
    keep : int
    budget : str or int

    Raises
    ------
    UsageMistake
        `model` is no module, or `keep` or `budget` is none.
    """

    def __init__(self, model: torch.nn.Module, *, keep: int = 16, budget: int | str = "1GB") -> None:
        if not isinstance(model, torch.nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance] -- users have no pyright
            raise UsageMistake(
                f"Calls of a torch.nn.Module are recorded, and this is a {type(model).__name__}; "
                "name the module itself: record(model)."
            )
        self.model = model
        self._store = Store(parse_keep(keep), parse_budget(budget), stand_in)
        self._too_large: set[type] = set()
        self._lock = threading.Lock()
        self._made = 0
        self._outcomes: Counter[Outcome] = Counter()
        self._state: Literal["new", "open", "closed"] = "new"

    def __enter__(self) -> Recorder:
        if self._state != "new":
            raise UsageMistake("This recorder was used already; write `with onnxmagic.record(model) as calls:` again.")
        self._state = "open"
        watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        unwatch(self)
        with self._lock:
            self._state = "closed"
        hide(error)

    def __repr__(self) -> str:
        return f"<Recorder of {type(self.model).__name__}: {self._total} calls>"

    def recording(self) -> Recording:
        """Return what was recorded so far, frozen; after the block that is all."""
        with self._lock:
            total, outcomes = self._total, dict(self._outcomes)
        said = [
            f"{_calls(count)} could not be copied: {why}." for (what, why), count in outcomes.items() if what == "lost"
        ]
        if traced := outcomes.get(("traced", ""), 0):
            said.append(
                f"{_calls(traced)} {'was' if traced == 1 else 'were'} not recorded: PyTorch was tracing or "
                "transforming (torch.jit.trace, torch.fx, torch.func), and what goes through a module has no "
                "values then."
            )
        unkept = (*self._store.unkept(total), *said)
        return Recording(self.model, self._store.calls(), total, outcomes.get(("failed", ""), 0), unkept)

    def started(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Watched:
        """Look at a call that begins; for the doorway."""
        with self._lock:
            self._made += 1
            number = self._made
        watched = Watched(self.model, number, self._store, self._too_large, self._tell)
        watched.look(args, kwargs)
        return watched

    @property
    def _total(self) -> int:
        return self._outcomes["returned", ""]

    def _tell(self, outcome: Outcome) -> bool:
        """Count what became of a call, unless the block is over: what still runs in a thread is in no recording."""
        with self._lock:
            if self._state == "closed":
                return False
            self._outcomes[outcome] += 1
            return True


def _calls(count: int) -> str:
    return f"{count:,} {'call' if count == 1 else 'calls'}"
