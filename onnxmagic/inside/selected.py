"""A node of the graph as a person wants it in hand after a click: everything about it, looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onnxmagic.check.finding import Where
from onnxmagic.graph.facts import Initializer, Value

__all__ = ["SelectedNode"]


@dataclass(frozen=True, slots=True)
class SelectedNode:
    """A node that was chosen in a view, or from Python.

    Attributes
    ----------
    index : int
        Its place among the graph's nodes as the view counts them; ``result.selected = index`` chooses it again.
    name, op_type, domain : str
    attributes : mapping
        Plain Python values, as ``Node.attributes`` has them.
    inputs, outputs : tuple of Value
        With dtype and shape as far as the file says; one that is left out has the name ``""``.
    weights : tuple of Initializer
        Those among the inputs whose values are in the file: ``result.weight(name)`` reads them.
    module : str or None
        Path of the PyTorch module it came from; None when the file does not say.
    classes : tuple of str
        Class names along that path, root first.
    where : Where
        The user's cell and line, as far as they are known.
    """

    index: int
    name: str
    op_type: str
    domain: str
    attributes: Mapping[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    weights: tuple[Initializer, ...]
    module: str | None
    classes: tuple[str, ...]
    where: Where
