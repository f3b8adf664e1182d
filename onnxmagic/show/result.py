"""What ``%onnx_show`` gives back. The names are a contract: tests and users rely on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onnxmagic.check.finding import Where
from onnxmagic.export.result import plain_data
from onnxmagic.graph.facts import Graph
from onnxmagic.inside.file import Inside
from onnxmagic.inside.looked import Looked, no_file, selectable
from onnxmagic.inside.selection import Selection

__all__ = ["Shown"]


@selectable
@dataclass(frozen=True, repr=False)
class Shown(Looked):
    """A graph to look at. Nothing was judged, run or compared.

    Attributes
    ----------
    name : str
        What it is called: the file's name, or the model as the user wrote it.
    path : Path or None
        The file; None for what is in memory.
    graph : Graph
        The file's facts; ``graph.to_svg(path)`` draws it.
    nbytes : int
        Bytes of the file, or of the model in memory; external data is not counted.
    opened : tuple of str
        Paths of the modules that are open at first.
    places : mapping of node name to Where
        The user's line behind a node, where an export told.
    file : Inside or None
        The file, to be asked for values; None for the check of a model, which keeps none.
    """

    name: str
    path: Path | None
    graph: Graph
    nbytes: int = 0
    opened: tuple[str, ...] = ()
    places: Mapping[str, Where] = field(default_factory=dict[str, Where], compare=False)
    file: Inside | None = field(default=None, compare=False)
    selection: Selection = field(default_factory=Selection, compare=False)

    # IPython takes a class's own __repr__ before an inherited _repr_pretty_.
    _repr_pretty_ = Looked._repr_pretty_

    def __repr__(self) -> str:
        count = len(self.graph.nodes)
        return f"<Shown {self.name}: {count:,} node{'' if count == 1 else 's'}>"

    @property
    def inside(self) -> Inside:
        """The file, to be asked for the values in it.

        Raises
        ------
        UsageMistake
            No file was kept.
        """
        if self.file is None:
            raise no_file(self.name)
        return self.file

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data; docs/shown.schema.json describes it."""
        graph = self.graph
        data = {
            "version": 1,
            "name": self.name,
            "path": str(self.path) if self.path else None,
            "bytes": self.nbytes,
            "opset": graph.opset,
            "ir_version": graph.ir_version,
            "producer": graph.producer,
            "inputs": [asdict(value) for value in graph.inputs],
            "outputs": [asdict(value) for value in graph.outputs],
            "nodes": len(graph.nodes),
            "parameters": graph.parameters,
            "opened": list(self.opened),
        }
        return {key: plain_data(value) for key, value in data.items()}
