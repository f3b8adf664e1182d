"""What the user asked a diff for, checked before anything is read or run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from onnxmagic.compared.measured import TOLERANCE
from onnxmagic.errors import UsageMistake
from onnxmagic.examine.request import check_data
from onnxmagic.export.request import check_target
from onnxmagic.export.sweep.asked import SAMPLES, check_samples

__all__ = ["FAIL_ON", "DiffRequest", "Pin"]

FailOn = Literal["breaking", "structure", "weights", "outputs", "any", "never"]
FAIL_ON: Final[tuple[FailOn, ...]] = ("breaking", "structure", "weights", "outputs", "any", "never")
Pin = tuple[str | int, str | int]
"""A node of the first and the one of the second that it is, by name or by index."""


@dataclass(frozen=True)
class DiffRequest:
    """The options of one diff, valid in themselves; they mean what ``onnxmagic.diff`` says."""

    data: Any = None
    samples: int | None = SAMPLES
    pins: tuple[Pin, ...] = ()
    run: bool = True
    time: bool = False
    tolerance: float = TOLERANCE
    markdown: Path | None = None
    fail_on: FailOn = "never"
    names: tuple[str | None, str | None] = (None, None)

    @classmethod
    def make(
        cls,
        *,
        data: Any = None,
        samples: int | Literal["all"] = SAMPLES,
        pins: Iterable[Sequence[str | int]] = (),
        run: bool = True,
        time: bool = False,
        tolerance: float = TOLERANCE,
        markdown: str | os.PathLike[str] | None = None,
        fail_on: str = "never",
        names: tuple[str | None, str | None] = (None, None),
    ) -> DiffRequest:
        """Return the request.

        Raises
        ------
        UsageMistake
            An option has a wrong value, or two do not go together; the message says what to write.
        """
        if fail_on not in FAIL_ON:
            levels = ", ".join(map(repr, FAIL_ON[:-1]))
            raise UsageMistake(f"fail_on is {fail_on!r}; it must be {levels} or {FAIL_ON[-1]!r}.")
        request = cls(
            data=check_data(data),
            samples=check_samples(samples),
            pins=tuple(map(_check_pin, _check_pins(pins))),
            run=run,
            time=time,
            tolerance=_check_tolerance(tolerance),
            markdown=_check_markdown(markdown),
            fail_on=fail_on,  # type: ignore[arg-type]  # narrowed above
            names=names,
        )
        request._check_together()
        return request

    def _check_together(self) -> None:
        if self.run:
            return
        asked = {"data": self.data is not None, "time": self.time, "fail_on='outputs'": self.fail_on == "outputs"}
        option = next((name for name, given in asked.items() if given), None)
        if option is not None:
            raise UsageMistake(
                f"{option} means running both models, and run=False (--no-run) forbids it; leave one out."
            )


def _check_pins(pins: Any) -> list[Any]:
    if isinstance(pins, Mapping):
        return list(pins.items())  # pyright: ignore[reportUnknownArgumentType]  # the user's own
    if isinstance(pins, str):
        raise UsageMistake(f'pins is the text {pins!r}; it must be pairs of nodes: [("/fc/MatMul", "node_linear_3")].')
    return list(pins)


def _check_pin(pin: Any) -> Pin:
    if isinstance(pin, str) or not isinstance(pin, Sequence) or len(pin) != 2:  # pyright: ignore[reportUnknownArgumentType]  # the user's own
        raise UsageMistake(f"pins holds {pin!r}; it must hold pairs, a node of the first and one of the second.")
    return pin[0], pin[1]  # pyright: ignore[reportUnknownVariableType]  # looked up later


def _check_tolerance(tolerance: Any) -> float:
    number = isinstance(tolerance, (int, float)) and not isinstance(tolerance, bool)
    if not number or not 0 <= tolerance < float("inf"):
        raise UsageMistake(f"tolerance is {tolerance!r}; it must be a number from 0 on, for example 1e-4.")
    return float(tolerance)


def _check_markdown(markdown: str | os.PathLike[str] | None) -> Path | None:
    if markdown is None:
        return None
    if os.fspath(markdown).lower().endswith(".onnx"):
        raise UsageMistake(f"markdown is where the report goes; {os.fspath(markdown)} is the name of a model.")
    return check_target(markdown)
