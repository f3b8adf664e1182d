"""What the user asked a check for, checked before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from onnxmagic.check import catalogue
from onnxmagic.errors import UsageMistake
from onnxmagic.export.request import FailOn, check_target
from onnxmagic.export.sweep.asked import SAMPLES, check_executor, check_samples
from onnxmagic.fix import Fixes
from onnxmagic.target import Target, find_targets

__all__ = ["CheckRequest", "check_data"]


@dataclass(frozen=True)
class CheckRequest:
    """The options of one check, valid in themselves; they mean what ``onnxmagic.check`` says."""

    against: Any = None
    data: Iterable[Any] | None = None
    samples: int | None = SAMPLES
    executor: Any = None
    targets: tuple[Target, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fix: Fixes = field(default_factory=Fixes)
    output: Path | None = None
    run: bool = True
    fail_on: FailOn = "never"
    name: str | None = None

    @classmethod
    def make(
        cls,
        *,
        against: Any = None,
        data: Iterable[Any] | None = None,
        samples: int | Literal["all"] = SAMPLES,
        executor: Any = None,
        targets: str | Sequence[str] = (),
        select: str | Sequence[str] = (),
        ignore: str | Sequence[str] = (),
        fix: bool | str | Sequence[str] = False,
        output: str | os.PathLike[str] | None = None,
        run: bool = True,
        fail_on: str = "never",
        name: str | None = None,
    ) -> CheckRequest:
        """Return the request.

        Raises
        ------
        UsageMistake
            An option has a wrong value, or two do not go together; the message says what to write.
        """
        if fail_on not in ("error", "warning", "never"):
            raise UsageMistake(f"fail_on is {fail_on!r}; it must be 'error', 'warning' or 'never'.")
        request = cls(
            against=against,
            data=check_data(data),
            samples=check_samples(samples),
            executor=executor,
            targets=find_targets(targets),
            select=catalogue.known(select),
            ignore=catalogue.known(ignore),
            fix=Fixes.make(fix),
            output=check_target(output) if output is not None else None,
            run=run,
            fail_on=fail_on,  # type: ignore[arg-type]  # narrowed above
            name=name,
        )
        request._check_together()
        return request

    def _check_together(self) -> None:
        if self.output is not None and not self.fix:
            raise UsageMistake(
                "There is nothing to write: output is where a mended file goes, so it goes with fix "
                "(--fix -o fixed.onnx). To write a model, export it."
            )
        if self.fix and self.output is None:
            raise UsageMistake("Say where the mended file goes: output='fixed.onnx' (-o fixed.onnx).")
        if self.executor is not None:
            check_executor(self.executor)
            if self.data is None or self.against is None:
                raise UsageMistake(
                    "executor runs the comparison on data; it goes with against and data (--against net --data loader)."
                )
        if not self.run and (self.against is not None or self.data is not None):
            option = "against" if self.against is not None else "data"
            raise UsageMistake(f"{option} means running the file, and run=False (--no-run) forbids it; leave one out.")


def check_data(data: Any) -> Iterable[Any] | None:
    """Refuse what is no data; a DataLoader, an array and a dict of arrays are."""
    if data is None or isinstance(data, Mapping):
        return data  # pyright: ignore[reportUnknownVariableType]  # the user's own
    if isinstance(data, (str, bytes, os.PathLike)):
        raise UsageMistake("data is a text or a path; it must be the data themselves: a DataLoader, a list of batches.")
    if not hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
        kind = type(data).__name__
        raise UsageMistake(f"data is a {kind}; it must be batches: a DataLoader, a list of tuples or dicts, an array.")
    return data
