"""The module tree: the network as the person who wrote it knows it, with what each part weighs.

A file holds nodes and weights, no modules. Nodes say which module they came from; weights keep the parameter's name.
Fusion takes modules away (a convolution's nodes become its norm's), but not the weights' names, so the two together
show more than either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from onnxmagic.graph.facts import Dim, Graph, Initializer, Module, Node, Value
from onnxmagic.graph.scopes import MAX_DEPTH

__all__ = ["tree"]

# `layer1.0.conv.weight`; not `val_12` and not `onnx::MatMul_3`, which belong to whatever uses them.
_PARAMETER = re.compile(r"[A-Za-z_]\w*(\.\w+)+")
_NEVER = 2**62


@dataclass
class _Draft:
    """A module while it is being counted; its own share only, children come on top at the end."""

    path: str
    class_name: str = ""
    parameters: int = 0
    nbytes: int = 0
    nodes: int = 0
    first: int = _NEVER
    last: int = -1
    children: list[_Draft] = field(default_factory=list["_Draft"])


def tree(graph: Graph, classes: Mapping[str, str]) -> Module | None:
    """Return the module tree of `graph`.

    Parameters
    ----------
    graph : Graph
        ``graph.modules`` is not looked at.
    classes : mapping of module path to class name
        For modules whose class the file does not tell; may be empty.

    Returns
    -------
    Module or None
        None when neither a node nor a weight says which module it came from.
    """
    nodes = [(position, node) for position, top in enumerate(graph.nodes) for node in _with_bodies(top)]
    weights = list({i.name: i for i in graph.initializers}.values())
    if all(node.module is None for _, node in nodes) and not any(map(_owner, weights)):
        return None
    drafts: dict[str, _Draft] = {}
    _count_nodes(nodes, drafts)
    _count_weights(weights, nodes, drafts)
    for path, draft in drafts.items():
        draft.class_name = draft.class_name or classes.get(path, "")
    return _built(drafts, graph)


def _with_bodies(node: Node) -> Iterator[Node]:
    yield node
    for body in node.body:
        yield from body.walk()


def _count_nodes(nodes: Iterable[tuple[int, Node]], drafts: dict[str, _Draft]) -> None:
    told: set[tuple[str, tuple[str, ...]]] = set()
    for position, node in nodes:
        own = _draft(drafts, node.module or "")
        own.nodes += 1
        own.first = min(own.first, position)
        own.last = position
        # Nodes of one module tell the same.
        if (own.path, node.classes) in told:
            continue
        told.add((own.path, node.classes))
        for path, name in zip(_ancestry(own.path), node.classes, strict=False):
            drafts[path].class_name = drafts[path].class_name or name


def _count_weights(
    weights: Iterable[Initializer], nodes: Iterable[tuple[int, Node]], drafts: dict[str, _Draft]
) -> None:
    users: dict[str, tuple[int, str]] = {}
    for position, node in nodes:
        for name in node.inputs:
            users.setdefault(name, (position, node.module or ""))
    for weight in weights:
        position, user = users.get(weight.name, (_NEVER, ""))
        owner = _owner(weight)
        draft = _draft(drafts, user if owner is None else owner)
        draft.parameters += weight.size if weight.is_parameter else 0
        draft.nbytes += weight.nbytes
        draft.first = min(draft.first, position)


def _owner(weight: Initializer) -> str | None:
    """Return the module a weight's name speaks of, or None."""
    if not _PARAMETER.fullmatch(weight.name):
        return None
    return ".".join(weight.name.split(".")[:-1][:MAX_DEPTH])


def _draft(drafts: dict[str, _Draft], path: str) -> _Draft:
    """Return the draft at `path`, made with all its ancestors when it is new."""
    if path in drafts:
        return drafts[path]
    for prefix in _ancestry(path):
        if prefix not in drafts:
            drafts[prefix] = _Draft(prefix)
            if prefix:
                drafts[prefix.rpartition(".")[0]].children.append(drafts[prefix])
    return drafts[path]


def _ancestry(path: str) -> Iterable[str]:
    """Yield the root, then each prefix of `path` up to itself."""
    yield ""
    parts = path.split(".") if path else []
    for depth in range(len(parts)):
        yield ".".join(parts[: depth + 1])


def _built(drafts: Mapping[str, _Draft], graph: Graph) -> Module:
    """Turn drafts into modules, children before parents (no recursion), in the order in which they run."""
    values = {v.name: v for v in (*graph.values.values(), *graph.outputs)}
    done: dict[str, Module] = {}
    for path in sorted(drafts, key=lambda p: p.count(".") + bool(p), reverse=True):
        draft = drafts[path]
        for child in draft.children:
            draft.first = min(draft.first, child.first)
            draft.last = max(draft.last, child.last)
        # A module without nodes was fused into the next one: it came first.
        order = sorted(draft.children, key=lambda c: (c.first, c.last))
        children = tuple(done[c.path] for c in order)
        done[path] = Module(
            path=path,
            name=path.rpartition(".")[2] or draft.class_name or "model",
            class_name=draft.class_name,
            output=_output(graph, draft.last, values),
            parameters=draft.parameters + sum(c.parameters for c in children),
            nbytes=draft.nbytes + sum(c.nbytes for c in children),
            nodes=draft.nodes + sum(c.nodes for c in children),
            children=children,
        )
    return done[""]


def _output(graph: Graph, last: int, values: Mapping[str, Value]) -> tuple[Dim, ...] | None:
    if last < 0 or not graph.nodes[last].outputs:
        return None
    value = values.get(graph.nodes[last].outputs[0])
    return value.shape if value else None
