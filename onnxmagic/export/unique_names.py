"""Names in a graph are unique, and the names of its inputs and outputs belong to the user.

torch's exporter gives the outputs the names that were asked for and does not look at the rest: a model that returns
``{"relu": …}`` gets two values called ``relu``, and the file is invalid.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx_ir as ir

__all__ = ["keep_apart"]


def keep_apart(model: ir.Model) -> None:
    """Give inner values and weights of `model` another name where an input or output has theirs."""
    ends = [*model.graph.inputs, *model.graph.outputs]
    own = {id(value) for value in ends}
    taken = {value.name for value in ends}
    known = {value.name for value in _values(model.graph)} | taken
    for value in list(_values(model.graph)):
        if value.name in taken and id(value) not in own:
            value.name = _free(f"{value.name}_inner", known)
            known.add(value.name)


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    yield from graph.initializers.values()
    for node in ir.traversal.RecursiveGraphIterator(graph):
        yield from node.outputs


def _free(name: str, known: set[str | None]) -> str:
    number = 0
    while (candidate := f"{name}_{number}" if number else name) in known:
        number += 1
    return candidate
