"""How long each stage took, and its name to whoever draws the progress line."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from onnxmagic.export.result import Stage

__all__ = ["Clock"]


class Clock:
    """Measures the stages, reports their names as they start, and calls `check` as they end."""

    def __init__(self, progress: Callable[[str], None] | None, check: Callable[[], None]) -> None:
        self.progress = progress
        self._check = check
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Generator[None]:
        """Measure a block as the stage called `name`."""
        if self.progress is not None:
            self.progress(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start
        self._check()

    def stages(self) -> tuple[Stage, ...]:
        """Return the stages so far, in the order in which they first started; a repeated one with its sum."""
        return tuple(Stage(name, seconds) for name, seconds in self._seconds.items())
