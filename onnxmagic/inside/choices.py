"""What can be chosen in a graph, by a click or from Python, and how each thing is called there.

A view knows keys (``n12`` a node, ``m3`` a module, ``s3`` the box of a module, ``f0`` a finding) and never names, which
come from a model and may be anything. A person knows names, and the objects that are at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import chain

from onnxmagic.check.finding import Finding, Where
from onnxmagic.check.places import where_from_trace
from onnxmagic.check.wording import code, enumerated
from onnxmagic.errors import UsageMistake
from onnxmagic.graph.drawn import outlined
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Graph, Initializer, Module, Node, Value
from onnxmagic.graph.outline import Outline
from onnxmagic.inside.near import did_you_mean
from onnxmagic.inside.selected import SelectedNode
from onnxmagic.inside.selection import Chosen

__all__ = ["Choices"]

_KEY = re.compile(r"(?P<kind>[nmsf])(?P<index>\d{1,9})")
_WHERE = "result.graph.nodes and result.graph.modules.walk() have them all."


class Choices:
    """The nodes, modules and findings of one result.

    Parameters
    ----------
    graph : Graph or None
        None where there is none to choose from; findings remain.
    findings : sequence of Finding
    places : mapping of node name to Where
        The user's lines, as far as an export knows them.
    """

    def __init__(self, graph: Graph | None, findings: Sequence[Finding], places: Mapping[str, Where]) -> None:
        self._graph = graph
        self._findings = tuple(findings)
        self._places = places

    @cached_property
    def outline(self) -> Outline | None:
        """The outline whose indices the keys of nodes are."""
        return outlined(self._graph) if self._graph is not None else None

    @cached_property
    def _modules(self) -> tuple[Module, ...]:
        tree = self._graph.modules if self._graph is not None else None
        return tuple(tree.walk()) if tree else ()

    def at(self, key: str) -> Chosen | None:
        """Return what `key` stands for; None for nothing."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        kind, index = match["kind"], int(match["index"])
        if kind == "n":
            return self.node(index) if self.outline is not None and index < len(self.outline.nodes) else None
        if kind == "s":
            return self._module_of_scope(index)
        among: tuple[Module | Finding, ...] = self._modules if kind == "m" else self._findings
        return among[index] if index < len(among) else None

    def node(self, index: int) -> SelectedNode:
        """Return the node at `index` of the outline, with all that is known of it."""
        made = self.outline
        assert made is not None
        node = made.nodes[index]
        weights = self._initializers
        return SelectedNode(
            index=index,
            name=node.name,
            op_type=node.op_type,
            domain=node.domain,
            attributes=node.attributes,
            inputs=tuple(map(self._value, node.inputs, made.reads[index])),
            outputs=tuple(map(self._value, node.outputs, made.makes[index])),
            weights=tuple(weights[i] for i in made.weights[index]),
            module=node.module,
            classes=node.classes,
            where=self.where(node),
        )

    def where(self, node: Node) -> Where:
        """Return the user's line behind `node`; empty where nobody told."""
        if node.name in self._places:
            return self._places[node.name]
        return where_from_trace(node.trace) if node.trace else Where()

    def value_name(self, index: int) -> str:
        """Return the name of the value at `index` of the outline; nothing where there is none."""
        values = self.outline.values if self.outline is not None else ()
        return values[index].name if 0 <= index < len(values) else ""

    def weight_name(self, node: int, place: int) -> str:
        """Return the name of a node's weight by its place among the node's; nothing where there is none."""
        known = self.outline.weights if self.outline is not None else ()
        weights = known[node] if 0 <= node < len(known) else ()
        return self._initializers[weights[place]].name if 0 <= place < len(weights) else ""

    def key_of(self, wanted: object) -> str:
        """Return the key of what a person asks for: a node, a module, a finding, a name, an index, or None.

        Raises
        ------
        UsageMistake
            There is no such thing here, or there are several.
        """
        if wanted is None:
            return ""
        if isinstance(wanted, SelectedNode):
            return self._key_of_index(wanted.index)
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            return self._key_of_index(wanted)
        if isinstance(wanted, str):
            return self._key_of_name(wanted)
        for kind, among in (("m", self._modules), ("f", self._findings), ("n", self._nodes)):
            for index, each in enumerate(among):
                if each is wanted:
                    return f"{kind}{index}"
        if isinstance(wanted, Node) and wanted in self._nodes:
            return f"n{self._nodes.index(wanted)}"
        if isinstance(wanted, (Node, Module, Finding)):
            raise UsageMistake(f"This {type(wanted).__name__.lower()} is of another result; choose one of this graph.")
        raise UsageMistake(
            f"A {type(wanted).__name__} cannot be chosen; write the name of a node or of a module, its index, or one "
            "of result.graph.nodes."
        )

    def _key_of_index(self, index: int) -> str:
        if not 0 <= index < len(self._nodes):
            raise UsageMistake(f"There is no node {index}; this graph has the nodes 0 to {len(self._nodes) - 1}.")
        return f"n{index}"

    def _key_of_name(self, name: str) -> str:
        found = [index for index, node in enumerate(self._nodes) if node.name == name and name]
        # The body of a function stands there once for each call; the main graph has each name once.
        own = [index for index in found if self._graph is not None and index < len(self._graph.nodes)]
        found = own if len(own) == 1 else found
        if len(found) > 1:
            places = enumerated([str(index) for index in found[:5]])
            raise UsageMistake(f"{len(found)} nodes are called {code(name)}; choose by index: {places}.")
        if found:
            return f"n{found[0]}"
        for index, module in enumerate(self._modules):
            if module.path == name:
                return f"m{index}"
        known = chain((m.path for m in self._modules), (node.name for node in self._nodes))
        raise UsageMistake(f"There is no node or module {code(name)}. {did_you_mean(name, known, _WHERE)}")

    @property
    def _nodes(self) -> tuple[Node, ...]:
        return self.outline.nodes if self.outline is not None else ()

    @cached_property
    def _initializers(self) -> tuple[Initializer, ...]:
        assert self._graph is not None
        assert self.outline is not None
        return (*self._graph.initializers, *self.outline.inner)

    @cached_property
    def _dtypes(self) -> dict[str, str]:
        return dtypes(self._graph) if self._graph is not None else {}

    def _value(self, name: str, index: int) -> Value:
        """Return the value that a node calls `name`; `index` is the outline's, see ``Outline.reads``."""
        if index <= -2:
            weight = self._initializers[-2 - index]
            return Value(name, weight.dtype, weight.shape)
        if index < 0 or self.outline is None:
            return Value(name, "", None)
        value = self.outline.values[index]
        return value if value.dtype else Value(value.name, self._dtypes.get(value.name, ""), value.shape)

    def _module_of_scope(self, index: int) -> Module | None:
        if self.outline is None or index >= len(self.outline.scopes):
            return None
        path = self.outline.scopes[index].path
        return next((module for module in self._modules if module.path == path), None)
