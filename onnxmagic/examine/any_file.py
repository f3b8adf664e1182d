"""A file from anywhere, asked for the values in it: run in a process of its own, on made-up inputs, and said so.

What keeps a check from running a file keeps this from it too: weights that are not there, or lie outside its folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from onnxmagic.check.wording import code, sentence
from onnxmagic.errors import UsageMistake, ValueUnavailable
from onnxmagic.examine.alone import feeds_for
from onnxmagic.examine.ground import memory_for, on_disk
from onnxmagic.examine.sidecars import sidecars
from onnxmagic.examine.subject import Subject
from onnxmagic.graph.external import External, external
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, skeleton
from onnxmagic.inside.exposed import values_of
from onnxmagic.inside.file import Feeds, Inside
from onnxmagic.inside.selection import KEPT_BYTES, On, Selection
from onnxmagic.runtime.apart import Apart, Died
from onnxmagic.runtime.frames import TooLarge
from onnxmagic.runtime.isolated import Isolated, Refused
from onnxmagic.runtime.protocol import NotLoadable

__all__ = ["AnyFile", "stamp_of"]

_REASONS: Final = (Died, NotLoadable, Refused, TooLarge, NotAModel, OSError)


def stamp_of(path: Path | None) -> tuple[int, int] | None:
    """Return size and time of the file at `path`: what tells whether it is still the one that was read."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return (-1, 0)
    return (status.st_size, status.st_mtime_ns)


class AnyFile(Inside):
    """A file that was made somewhere, by its path or its bytes.

    Parameters
    ----------
    graph : Graph
    selection : Selection
        Its ``stamp`` is that of the file when the graph was read.
    subject : Subject
    """

    def __init__(self, graph: Graph, selection: Selection, subject: Subject) -> None:
        super().__init__(graph, selection)
        self.subject = subject

    def source(self) -> Path | bytes:
        """Return the file's path, or its bytes."""
        if self.selection.stamp != stamp_of(self.subject.path):
            raise UsageMistake(f"{self.subject.path} has been changed since it was read; look at it anew: %onnx_show")
        return self.subject.source

    def run(self, name: str, given: Feeds | None) -> tuple[Mapping[str, Any], On]:
        """Run the file on `given`, or on inputs that are made up."""
        self.source()
        try:
            with on_disk(self.subject) as path:
                return self._run(path, name, given)
        except _REASONS as error:
            reason = sentence(str(error), 300)
            raise ValueUnavailable(f"The file does not run with {code(name)} given away: {reason}") from error

    def _run(self, path: Path, name: str, given: Feeds | None) -> tuple[Mapping[str, Any], On]:
        places = external(skeleton(path))
        beside = sidecars(self.subject.path, places) if self.subject.path is not None else ()
        if why_not := _why_not(self.subject, places) or next(filter(None, map(_of_sidecar, beside)), ""):
            raise ValueUnavailable(f"The file was not run for {code(name)}: {why_not}.")
        with Apart(memory=memory_for(path, beside)) as apart:
            runtime = Isolated(apart)
            if runtime.missing():
                raise ValueUnavailable(f"{code(name)} was not computed: {runtime.missing()}.")
            feeds = given if given is not None else self._made_up(runtime, path, name)
            values = values_of(runtime, path, self.exposed(name), feeds, external=bool(places))
        return {**feeds, **values}, "made-up inputs" if given is None else "your inputs"

    def _made_up(self, runtime: Isolated, path: Path, name: str) -> Mapping[str, Any]:
        """Return inputs on which the file runs; found once."""
        if self.selection.feeds is not None:
            return self.selection.feeds
        found, reason = feeds_for(runtime, path, self.graph)
        if not found:
            inputs = ", ".join(f"{value.name!r}: array" for value in self.graph.inputs[:3])
            raise ValueUnavailable(f"The file was not run for {code(name)}: {reason}. Pass inputs: {{{inputs}}}")
        if sum(array.nbytes for array in found[0].values() if isinstance(array, np.ndarray)) <= KEPT_BYTES:
            self.selection.feeds = found[0]
        return found[0]


def _why_not(subject: Subject, places: tuple[External, ...]) -> str:
    return "its weights are not in these bytes" if places and subject.path is None else ""


def _of_sidecar(sidecar: Any) -> str:
    if sidecar.escapes:
        return "its weights lie outside its folder"
    return "its weights are not all there" if sidecar.size is None or sidecar.size < sidecar.needed else ""
