"""One export: what stays the same from stage to stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onnxmagic.export.clock import Clock
from onnxmagic.export.dropouts import Dropouts
from onnxmagic.export.example import Example
from onnxmagic.export.guard import Guard
from onnxmagic.export.observed.observed import Observed
from onnxmagic.export.opset import Aim
from onnxmagic.export.request import Request
from onnxmagic.export.supplied import Supplied
from onnxmagic.export.trials import Place

__all__ = ["Cells", "Job"]

Cells = Callable[[str], "int | None"]


@dataclass(frozen=True)
class Job:
    """What every stage may need; none of them changes it.

    ``observed`` is the example with what recorded calls tell of it, ``supplied`` what the user gave, ``asked`` are the
    places of each axis that was asked for, ``aim`` is the opset, ``set_aside`` takes what the exporter leaves behind
    from the garbage collector, ``cells`` maps a file name to a notebook cell.
    """

    observed: Observed
    supplied: Supplied
    request: Request
    asked: Mapping[str, tuple[Place, ...]]
    aim: Aim
    guard: Guard
    clock: Clock
    set_aside: Callable[[], None]
    cells: Cells | None
    dropouts: Dropouts

    @property
    def example(self) -> Example:
        """The call that is exported."""
        return self.observed.example

    @property
    def taken(self) -> tuple[str, ...]:
        """How the example was found, and what the file does not stand for."""
        recording = self.supplied.recording
        unkept = recording.unkept if recording else ()
        return (*self.supplied.taken, *self.observed.said, *unkept, *self.observed.left_out)
