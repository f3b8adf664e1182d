"""What every runtime can do; a new runtime is one file with these two classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "NotLoadable", "Runtime", "Session"]

Array = npt.NDArray[np.generic]


class NotLoadable(Exception):
    """The runtime refuses the file; the message is its reason, one line."""


class Session(Protocol):
    """A loaded model."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs the runtime wants to be fed."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs, in order."""
        ...

    def run(self, feeds: Mapping[str, Array]) -> list[Any]:
        """Run on `feeds`, input name to array, and return the outputs in order."""
        ...


class Runtime(Protocol):
    """A way to run a model file."""

    @property
    def name(self) -> str:
        """For a person, with version and device: ``"ONNX Runtime 1.31.1 (CPU)"``."""
        ...

    def missing(self) -> str:
        """Return why this runtime cannot run here; empty when it can."""
        ...

    def load(self, path: Path, *, optimize: bool = True) -> Session:
        """Load a file.

        Raises
        ------
        NotLoadable
        """
        ...
