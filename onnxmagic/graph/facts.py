"""What is known of a model file without running it and without its weights.

Frozen and free of ``onnx`` and ``torch`` objects, so that it can be kept, compared, sent to a view and read in a test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnxmagic.graph.cost import Cost
    from onnxmagic.graph.outline import Outline

__all__ = ["Dim", "Function", "Graph", "Initializer", "Module", "Node", "Reference", "Value"]

Dim = int | str | None
"""A size: fixed, a dynamic axis's name, or unknown."""


@dataclass(frozen=True, slots=True)
class Value:
    """A graph input, output or intermediate tensor.

    Attributes
    ----------
    name : str
    dtype : str
        numpy's name (``"float32"``, ``"int64"``, ``"bool"``, ``"bfloat16"``), or ``"sequence"`` and the like for
        what is no tensor, or ``""`` when unknown.
    shape : tuple of Dim, or None when the rank is unknown
    """

    name: str
    dtype: str
    shape: tuple[Dim, ...] | None


@dataclass(frozen=True, slots=True)
class Initializer:
    """A weight or constant stored in the file; its values stay there.

    ``nbytes`` is the size of its values in bytes; ``external`` the other file they live in, or None. ``value`` is a
    number or nested lists for up to 16 elements (flags, axes, shapes: what rules and views ask for), else None.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    external: str | None = None
    value: Any = None

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for dim in self.shape:
            count *= dim
        return count

    @property
    def is_parameter(self) -> bool:
        """Of a floating-point or 8-bit type: what a person calls parameters."""
        return self.dtype.startswith(("float", "bfloat", "int8", "uint8"))


@dataclass(frozen=True, slots=True)
class Node:
    """One operator call.

    Attributes
    ----------
    name, op_type, domain : str
    inputs, outputs : tuple of str
        Value names; ``""`` for an optional one left out.
    attributes : mapping
        Plain Python values; graphs and tensors above 1 kB as a short text.
    module : str or None
        Path of the PyTorch module it came from (``"layer1.0.conv"``, root ``""``); None when the file does not say.
    classes : tuple of str
        Class names along that path, root first, aligned with the path's components.
    trace : str or None
        Python stack at export, innermost frame last, as torch wrote it; never kept in the file unless asked.
    body : tuple of Graph
        Subgraphs of If, Loop and Scan.
    overload : str
        Which of several local functions of one name is called; nearly always ``""``.
    """

    name: str
    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    module: str | None = None
    classes: tuple[str, ...] = ()
    trace: str | None = None
    body: tuple[Graph, ...] = ()
    overload: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """In a local function, an attribute that is whatever the call gives under `name`."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} of the call"


@dataclass(frozen=True, slots=True)
class Function:
    """A local function: what a call of it runs.

    ``inputs`` and ``outputs`` are names in its own nodes; ``attributes`` those a call may give, with their defaults
    (None where there is none); ``values`` the known types and shapes within.
    """

    name: str
    domain: str
    overload: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True)
class Module:
    """A PyTorch module as the file shows it.

    ``parameters`` and ``nbytes`` count the module with its children; ``output`` is the shape of its last value.
    """

    path: str
    name: str
    class_name: str
    output: tuple[Dim, ...] | None
    parameters: int
    nbytes: int
    nodes: int
    children: tuple[Module, ...] = ()

    def walk(self) -> Iterator[Module]:
        """Yield this module and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Graph:
    """A model file as facts.

    ``values`` are the known intermediate values by name; ``opsets`` maps a domain (``""`` is ai.onnx) to its version;
    ``functions`` counts local functions, ``defined`` are their operator sets and names, ``local`` they themselves;
    ``metadata`` holds the model's and the graph's metadata, text to text.
    """

    name: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    initializers: tuple[Initializer, ...]
    values: Mapping[str, Value]
    opsets: Mapping[str, int]
    ir_version: int
    producer: str
    modules: Module | None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    functions: int = 0
    defined: tuple[tuple[str, str], ...] = ()
    local: tuple[Function, ...] = ()

    @property
    def opset(self) -> int:
        """Version of the default operator set (0 when the file names none)."""
        return self.opsets.get("", 0)

    @property
    def parameters(self) -> int:
        """Elements of the floating-point and 8-bit initializers: what a person calls parameters."""
        return sum(i.size for i in self.initializers if i.is_parameter)

    @property
    def nbytes(self) -> int:
        """Bytes of all initializers."""
        return sum(i.nbytes for i in self.initializers)

    def outline(self) -> Outline:
        """Return the graph in scopes, with what flows between its nodes; see ``onnxmagic.graph.outline``."""
        from onnxmagic.graph.outline import outline

        return outline(self)

    def costs(self) -> tuple[Cost, ...]:
        """Return what each node of ``outline()`` costs; see ``onnxmagic.graph.cost``."""
        from onnxmagic.graph.cost import costs

        return costs(self.outline(), self)

    def walk(self) -> Iterator[Node]:
        """Yield every node, those in the bodies of control flow included."""
        for node in self.nodes:
            yield node
            for body in node.body:
                yield from body.walk()

    def to_svg(self, path: str | os.PathLike[str] | None = None, open: str | Sequence[str] = ()) -> str:  # noqa: A002  # the word that a person who wants to look inside would type
        """Return a still picture of the graph as SVG text, and write it to `path` where one is given.

        Parameters
        ----------
        path : path, optional
            What is there is replaced whole or not touched.
        open : str or sequence of str
            Paths of modules to look into, for example ``["encoder.layer.0"]``. With none, the first level is shown
            that has 2 to 60 boxes. A picture has 2,000 boxes at most, and says so where that is not all.

        Raises
        ------
        UsageMistake
            There is no such module, or no folder for the file.
        """
        from onnxmagic.view import to_svg

        return to_svg(self, path, open)
