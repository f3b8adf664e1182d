"""The tree of a model for those who read: modules, what each gives, weighs and costs.

A file that PyTorch's exporter wrote names its modules. Any other has the scopes of its outline: the paths in its nodes'
names, or blocks found by structure. A small graph without either is a list of its nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onnxmagic.graph.drawn import drawn
from onnxmagic.graph.facts import Graph, Module, Value
from onnxmagic.graph.outline import Outline
from onnxmagic.view import words
from onnxmagic.view.graph.figures import Figures, Total
from onnxmagic.view.parts import Branch, Span, Tree

__all__ = ["origin", "tree"]

_NAME: Final = 200
_LONGEST: Final = 32
"""A model that is made in the call itself, `nn.Sequential(...)(x)`, has no name but its class."""

_FLAT: Final = 200
"""So many nodes of a graph without scopes are a tree; a terminal shows the first few of them."""

_ORIGINS: Final = {
    "modules": "",
    "names": "The file names no modules; these are the paths in its nodes' names.",
    "blocks": "The file names no modules; these are blocks found by the structure of the graph.",
    "flat": "The file names no modules, and nothing in it repeats; these are its nodes.",
}


def tree(graph: Graph, name: str, elsewhere: str) -> Tree | None:
    """Return the tree; None for a graph that is too large for its structure to be looked for.

    Parameters
    ----------
    graph : Graph
    name : str
        The root's.
    elsewhere : str
        The Python expression that has the whole of it.
    """
    known = drawn(graph)
    figures = None if isinstance(known, int) else Figures(known.outline, known.costs)
    if graph.modules is not None:
        shown = name if len(name) <= _LONGEST else graph.modules.class_name
        root = _Modules(graph.modules, figures).branch(graph.modules, shown)
    elif figures is not None:
        root = _Scopes(graph, figures).root(name if len(name) <= _LONGEST else graph.name)
        elsewhere = elsewhere.replace(".modules", ".nodes")
    else:
        return None
    return Tree(root, Span(elsewhere, "code"), "module" if graph.modules is not None else "row")


def origin(graph: Graph) -> str:
    """Return where the tree's branches come from, in a sentence; empty where they are PyTorch's modules."""
    known = drawn(graph)
    return "" if graph.modules is not None or isinstance(known, int) else _ORIGINS[known.outline.source]


class _Modules:
    """Branches of PyTorch's modules; their operations are those of the outline's scopes of the same paths."""

    def __init__(self, root: Module, figures: Figures | None) -> None:
        # As `widget.choices` counts them too.
        self._keys = {id(module): f"m{index}" for index, module in enumerate(root.walk())}
        self._whole = max(root.nbytes, 1)
        scopes = figures.outline.scopes if figures and figures.outline.source in {"modules", "names"} else ()
        self._totals = {scope.path: figures.totals[index] for index, scope in enumerate(scopes) if figures}

    def branch(self, module: Module, name: str) -> Branch:
        """Return `module` and all below it."""
        total = self._totals.get(module.path)
        return Branch(
            self._keys[id(module)],
            Span(name or module.class_name, title=module.path),
            Span(module.class_name, "dim"),
            Span(words.shape(module.output)),
            min(module.nbytes / self._whole, 1.0),
            Span(words.count(module.parameters) if module.parameters else "–"),
            Span(words.weight(module.nbytes) if module.nbytes else "–"),
            tuple(self.branch(child, child.name) for child in module.children),
            _operations(total),
        )


class _Scopes:
    """Branches of an outline's scopes; of a small graph without any its nodes, with their bodies."""

    def __init__(self, graph: Graph, figures: Figures) -> None:
        self._outline: Outline = figures.outline
        self._figures = figures
        self._whole = max(graph.nbytes, 1)
        count = len(self._outline.nodes)
        self._nodes = range(count if self._outline.source == "flat" and count <= _FLAT else 0)

    def root(self, name: str) -> Branch:
        """Return the root with everything below it, children made before their parents: no depth is too deep."""
        scopes = self._outline.scopes
        inside: list[list[int]] = [[] for _ in scopes]
        for node in self._nodes:
            inside[self._outline.of_node[node]].append(node)
        children: list[list[Branch]] = [[] for _ in scopes]
        bodies: dict[int, list[Branch]] = {}
        for index in range(len(scopes) - 1, 0, -1):
            scope, below = scopes[index], [self._node(node, bodies) for node in inside[index]]
            made = self._branch(index, scope.name, [*below, *children[index][::-1]])
            # Scopes come last first here.
            if self._nodes and scope.kind == "body" and scope.owner >= 0:
                bodies.setdefault(scope.owner, []).insert(0, made)
            else:
                children[scope.parent].append(made)
        return self._branch(0, name or "graph", [*(self._node(node, bodies) for node in inside[0]), *children[0][::-1]])

    def _branch(self, index: int, name: str, children: Sequence[Branch]) -> Branch:
        scope, total = self._outline.scopes[index], self._figures.totals[index]
        owner = self._outline.nodes[scope.owner].op_type if scope.owner >= 0 else ""
        kind = scope.class_name or owner or words.plural(total.nodes, "node")
        return self._row(f"s{index}", (name, scope.path, kind), total, self._figures.leaving.get(index), children)

    def _node(self, index: int, bodies: dict[int, list[Branch]]) -> Branch:
        node, gives, total = self._outline.nodes[index], self._figures.given.get(index), self._figures.of_node(index)
        below = bodies.get(index, [])
        # The only body of a loop or a call is its inside; an If says which branch is which.
        return self._row(
            f"n{index}",
            (node.op_type, node.name, node.name),
            total,
            gives,
            below[0].children if len(below) == 1 else below,
        )

    def _row(
        self, key: str, said: tuple[str, str, str], total: Total, gives: Value | None, children: Sequence[Branch]
    ) -> Branch:
        name, title, kind = (text[:_NAME] for text in said)
        return Branch(
            key,
            Span(name, title=title),
            Span(kind, "dim"),
            Span(words.shape(gives.shape if gives else None)),
            min(total.nbytes / self._whole, 1.0),
            Span(words.count(total.parameters) if total.parameters else "–"),
            Span(words.weight(total.nbytes) if total.nbytes else "–"),
            tuple(children),
            _operations(total),
        )


def _operations(total: Total | None) -> Span:
    return Span(total.operations if total else "")
