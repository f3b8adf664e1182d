"""From a file to a side of a diff: its facts, its outline, and a hash of each weight.

This is the one place that reads all values of both models, so it is what a diff of large files waits for; nothing is
kept of them but hashes and a few values each. What cannot be read has no hash, and the rest of the diff is true
without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onnxmagic.diff.digest import of_blocks, of_text
from onnxmagic.diff.folded import parameter_behind
from onnxmagic.diff.places import everywhere, is_buried, main_only, runs
from onnxmagic.diff.side import Side
from onnxmagic.diff.sketch import Sketching
from onnxmagic.graph.drawn import outlined
from onnxmagic.graph.facts import Graph, Initializer
from onnxmagic.graph.outline import Outline
from onnxmagic.graph.read import read
from onnxmagic.graph.weights import Weights, tensors
from onnxmagic.graph.window import Bytes

__all__ = ["side_of"]

Source = str | os.PathLike[str] | bytes


def side_of(
    source: Source,
    name: str = "",
    graph: Graph | None = None,
    *,
    hashed: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Side:
    """Return the model in `source` as a side of a diff.

    Parameters
    ----------
    source : path or bytes
        A .onnx file. External data is read only inside its folder; bytes have none.
    name : str
        What the diff calls it; the file's name where it is left out.
    graph : Graph, optional
        Its facts, where somebody has read them already.
    hashed : bool
        Without, the weights of the main graph are not read and have no hash.
    progress : callable, optional
        Called with what is being done.

    Raises
    ------
    NotAModel
        It is no ONNX model, or a damaged one.
    OSError
        The file cannot be opened.
    """
    name = name or ("model" if isinstance(source, bytes) else Path(source).name)
    if progress is not None:
        progress(f"read {name}")
    graph = graph or read(source)
    outline = outlined(graph)
    reading = _Reading(graph, outline, hashed=hashed)
    with tensors(source, reading.find) as values:
        reading.take(values)
    return Side(name, graph, outline, source, **reading.done())


@dataclass
class _Reading:
    """One walk over one file, and the hashes that it has given so far."""

    graph: Graph
    outline: Outline
    hashed: bool
    addresses: list[str] = field(default_factory=list[str])
    folded: dict[str, str] = field(default_factory=dict[str, str])
    weights: dict[int, bytes] = field(default_factory=dict[int, bytes])
    sketches: dict[int, bytes] = field(default_factory=dict[int, bytes])
    constants: dict[int, bytes] = field(default_factory=dict[int, bytes])

    def find(self, data: Bytes) -> Iterator[tuple[str, int, int]]:
        """Yield the tensors whose values are wanted."""

        def about(start: int, end: int) -> None:
            if told := parameter_behind(data, start, end):
                self.folded[told[0]] = told[1]

        for address, start, end in (everywhere if is_buried(self.graph) else main_only)(data, about):
            self.addresses.append(address)
            yield address, start, end

    def take(self, values: Weights) -> None:
        """Hash what was found."""
        found, main = runs(self.graph, self.outline), self.graph.initializers
        stored = (*main, *self.outline.inner)
        for address in dict.fromkeys(self.addresses):
            for index in found.weights(address):
                if index >= len(main) or (self.hashed and index < len(stored)):
                    self._weight(index, stored[index], address, values)
            for node in found.nodes(address):
                self._constant(node, address, values)

    def done(self) -> dict[str, Any]:
        """Return the fields of a side."""
        main = self.graph.initializers
        return {
            "hashes": {main[index].name: hashed for index, hashed in self.weights.items() if index < len(main)},
            "inner": {index: hashed for index, hashed in self.weights.items() if index >= len(main)},
            "constants": self.constants,
            "sketches": self.sketches,
            "folded": self.folded,
        }

    def _weight(self, index: int, weight: Initializer, address: str, values: Weights) -> None:
        if weight.dtype == "string":
            if weight.value is not None:
                self.weights[index] = of_text(weight.dtype, weight.shape, weight.value)
            return
        sketching = Sketching(weight)
        try:
            hashed = of_blocks(weight.dtype, weight.shape, sketching.through(values.blocks(address)), weight.nbytes)
        except OSError:  # the file went away, or its disk did
            return
        if hashed:
            self.weights[index], self.sketches[index] = hashed, sketching.done()

    def _constant(self, node: int, address: str, values: Weights) -> None:
        made = self.outline.makes[node][:1]
        value = self.outline.values[made[0]] if made and made[0] >= 0 else None
        dtype, shape = (value.dtype, value.shape or ()) if value else ("", ())
        fixed = tuple(size for size in shape if isinstance(size, int))
        size = values.nbytes(address)
        if size and (hashed := of_blocks(dtype, fixed, values.blocks(address), size)):
            self.constants[node] = hashed
