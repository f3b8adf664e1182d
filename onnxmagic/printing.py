"""What the commands share: choices on the line, and where a report goes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxmagic.errors import UsageMistake

if TYPE_CHECKING:
    from onnxmagic.options import Option

__all__ = ["choice", "print_result", "refuse_report", "write"]


def choice(table: Sequence[Option], given: dict[str, Any], name: str, default: str) -> str:
    """Return what was given for the option called `name`.

    Raises
    ------
    UsageMistake
        It is none of its choices.
    """
    option = next(option for option in table if option.dest == name)
    value = given.get(name, default)
    if value not in option.choices:
        raise UsageMistake(f"{option.flags[-1]} takes {', '.join(option.choices)}, not {value!r}.")
    return value


def refuse_report(report: str | None, instead: str = "") -> None:
    """Say what is wrong with the name of a report before anything runs; `instead` says where a model goes.

    Raises
    ------
    UsageMistake
        It is that of a model, or cannot be written.
    """
    if report is None:
        return
    if report.lower().endswith(".onnx"):
        raise UsageMistake(f"-o is where the report goes{instead.format(report)}.")
    from onnxmagic.export.request import check_target

    check_target(report)


def print_result(result: Any) -> None:
    """Print `result` in the width and the colours of the terminal."""
    from onnxmagic.view import show

    _lenient()
    show(result, "text")


def write(text: str | None, report: str | None) -> None:
    """Write `text` to the file called `report`, or to the terminal."""
    if text is None:
        return
    if report is not None:
        Path(report).write_text(text, encoding="utf-8")
        return
    _lenient()
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _lenient() -> None:
    """Let a terminal that has no `·` show a `?` in its place."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # pyright: ignore[reportAttributeAccessIssue]  # a TextIOWrapper has it
