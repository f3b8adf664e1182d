"""ONNX Runtime in a process of its own, behind the same protocol as the one in the kernel.

It is what runs a file that was not made here a moment ago; see ``apart`` for why.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from onnxmagic.runtime.apart import Apart, Died, Raised
from onnxmagic.runtime.protocol import Array, NotLoadable

__all__ = ["Isolated", "IsolatedSession", "Refused"]

_HOST: Final = "onnxmagic.runtime.hosted"


class Refused(Exception):
    """The runtime does not run the file on these inputs; the message is its reason, one line."""


class Isolated:
    """ONNX Runtime with the CPU execution provider, in the process `apart`.

    Besides what the protocol says, ``load`` and ``run`` raise ``apart.Died`` when the file brings the process down.
    """

    def __init__(self, apart: Apart) -> None:
        self._apart = apart
        self._name = ""

    @property
    def name(self) -> str:
        """Name, version and execution provider; the version as far as it is known before anything was loaded."""
        if self._name:
            return self._name
        try:
            return f"ONNX Runtime {version('onnxruntime')} (CPU)"
        except PackageNotFoundError:  # builds for other hardware are called otherwise
            return "ONNX Runtime (CPU)"

    def missing(self) -> str:
        """Return why it cannot run here; empty when it can."""
        return "" if find_spec("onnxruntime") else "onnxruntime is not installed (pip install onnxruntime)"

    def load(self, path: Path, *, optimize: bool = True, weights_in: Path | None = None) -> IsolatedSession:
        """Load a file; without `optimize` every node of the file runs as it stands.

        Parameters
        ----------
        weights_in : Path, optional
            The folder of its external data, where that is not its own.

        Raises
        ------
        NotLoadable
        Died
        """
        try:
            loaded = self._apart.call(f"{_HOST}:load", str(path), optimize, str(weights_in or ""))
        except Raised as error:
            raise NotLoadable(str(error)) from error
        self._name = str(loaded["name"])
        inputs, outputs = tuple(map(str, loaded["inputs"])), tuple(map(str, loaded["outputs"]))
        return IsolatedSession(self._apart, int(loaded["number"]), inputs, outputs)


class IsolatedSession:
    """A file loaded into ONNX Runtime in another process, where it goes by ``number``."""

    def __init__(self, apart: Apart, number: int, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> None:
        self._apart = apart
        self.number = number
        self._life = apart.life
        self.inputs = inputs
        self.outputs = outputs

    @property
    def alive(self) -> bool:
        """Whether the process that holds the session is still there."""
        return self._life != 0 and self._apart.life == self._life

    def run(self, feeds: Mapping[str, Array]) -> list[Any]:
        """Run on `feeds` and return the outputs in order.

        Raises
        ------
        Refused
            The runtime does not run these inputs.
        Died
            The process ended in this run, or before it.
        """
        if not self.alive:
            raise Died("its process has ended", "crash")
        try:
            return list(self._apart.call(f"{_HOST}:run", self.number, {name: feeds[name] for name in self.inputs}))
        except Raised as error:
            raise Refused(str(error)) from error

    def close(self) -> None:
        """Forget the session, and give its memory back."""
        if self.alive:
            self._apart.call(f"{_HOST}:drop", self.number)
