"""What may be asked of a sweep, checked before anything runs; nothing heavy is needed for that."""

from __future__ import annotations

from typing import Any, Final

from onnxmagic.errors import UsageMistake

__all__ = ["SAMPLES", "check_executor", "check_samples"]

SAMPLES: Final = 1000
"""Rows that are compared where nobody says how many."""


def check_samples(samples: Any) -> int | None:
    """Return how many rows are meant; None for all.

    Raises
    ------
    UsageMistake
    """
    if samples is None or samples == "all":
        return None
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise UsageMistake(
            f"samples is {samples!r}; it must be a whole number from 1 on, that many rows of data are taken, or 'all'."
        )
    return samples


def check_executor(executor: Any) -> None:
    """Refuse what is no executor.

    Raises
    ------
    UsageMistake
    """
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        what = f"the class {executor.__name__}" if isinstance(executor, type) else f"a {type(executor).__name__}"
        raise UsageMistake(
            f"executor is {what}; it must be a concurrent.futures.Executor, such as ProcessPoolExecutor() or "
            "client.get_executor() of Dask."
        )
