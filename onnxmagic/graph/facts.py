"""What is known of a model file without running it and without its weights.

Frozen and free of ``onnx`` and ``torch`` objects, so that it can be kept, compared, sent to a view and read in a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Dim", "Graph", "Initializer", "Module", "Node", "Value"]

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


@dataclass(frozen=True, slots=True)
class Graph:
    """A model file as facts.

    ``values`` are the known intermediate values by name; ``opsets`` maps a domain (``""`` is ai.onnx) to its version;
    ``functions`` counts local functions, ``defined`` are their operator sets and names; ``metadata`` holds the model's
    and the graph's metadata, text to text.
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

    def walk(self) -> Iterator[Node]:
        """Yield every node, those in the bodies of control flow included."""
        for node in self.nodes:
            yield node
            for body in node.body:
                yield from body.walk()
