"""The file, read once for all its rules; what was wished for it travels along, so that they need no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from onnxmagic.check.finding import Where
from onnxmagic.graph.facts import Graph, Node
from onnxmagic.target.target import Target

__all__ = ["GraphEvidence", "Sidecar"]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file that holds external data.

    ``location`` is as the model writes it; ``needed`` the bytes it must have for all tensors to fit, ``size`` those it
    has, None when it is not there; ``escapes`` is whether it lies outside the model's folder (then it was not looked
    at, and ``size`` is None); ``used`` the bytes that tensors refer to.
    """

    location: str
    needed: int
    size: int | None
    escapes: bool = False
    used: int = 0


@dataclass(frozen=True)
class GraphEvidence:
    """The file and its graph.

    Attributes
    ----------
    graph : Graph
    path : Path or None
        Where the file will live, or lives; None when it stays in memory.
    files : tuple of (str, int)
        Name and bytes of every file the model travels as.
    places : mapping of node name to Where
        The user's line behind a node, as far as known.
    checker_error : str
        What the ONNX checker says; empty when it accepts the file.
    asked_opset : int or None
    opset_problem : str
        Why the file has another opset than the one that was wanted, a clause; empty when it has that one.
    asked_static : bool
        The user asked for a static export.
    asked_train : bool
        The user asked to keep training mode.
    refused_axes : tuple of (str, int, str)
        Input, index and reason of axes that had to stay static.
    bounded_axes : tuple of (str, int, str)
        Input, index and range of axes that the file declares dynamic while its range constraints bound them.
    baked_tensors : tuple of str
        Tensor arguments that became no graph input.
    keep_source : bool
        The user asked to keep source lines in the file.
    stripped_source : int
        Bytes of source lines and paths that were removed before writing; 0 for a file from elsewhere.
    source : Path, bytes or None
        Where the whole model can be read right now, for rules that need the values of weights (through
        ``graph.weights``); None when nothing but the graph is at hand.
    sidecars : tuple of Sidecar
        The files that the model's external data is in, opened by nobody.
    strays : tuple of (str, int)
        Name and bytes of .data files beside the model that nothing in it refers to.
    targets : tuple of Target
        The stacks that the file is meant for.
    example_shapes : mapping of input name to shape, or None
        The sizes of an example, where one is known.
    """

    graph: Graph
    path: Path | None = None
    files: tuple[tuple[str, int], ...] = ()
    places: Mapping[str, Where] | None = None
    checker_error: str = ""
    asked_opset: int | None = None
    opset_problem: str = ""
    asked_static: bool = False
    asked_train: bool = False
    refused_axes: tuple[tuple[str, int, str], ...] = ()
    bounded_axes: tuple[tuple[str, int, str], ...] = ()
    baked_tensors: tuple[str, ...] = ()
    keep_source: bool = False
    stripped_source: int = 0
    source: Path | bytes | None = None
    sidecars: tuple[Sidecar, ...] = ()
    strays: tuple[tuple[str, int], ...] = ()
    targets: tuple[Target, ...] = ()
    example_shapes: Mapping[str, tuple[int, ...]] | None = None

    def where(self, node: str) -> Where:
        """Return the user's line behind the node called `node`, with the node's name and its module's in it."""
        return replace((self.places or {}).get(node, Where()), node=node, module=self._modules.get(node))

    def by_line(self, nodes: Iterable[Node]) -> list[list[Node]]:
        """Return `nodes` in groups of one source line; those whose line is not known are one group."""
        lines: dict[tuple[object, ...], list[Node]] = {}
        for node in nodes:
            where = (self.places or {}).get(node.name, Where())
            lines.setdefault((where.cell, where.file, where.line), []).append(node)
        return list(lines.values())

    @cached_property
    def _modules(self) -> Mapping[str, str]:
        return {node.name: node.module for node in self.graph.walk() if node.module}
