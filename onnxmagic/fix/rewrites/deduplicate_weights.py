"""Weights that are stored twice are stored once.

Two are the same when type, shape and every byte are, so no number changes. ``onnx_ir`` has passes for this; they read
every weight of the file, fail on texts and warn in the user's notebook. Here only those are read whose type and shape
occur more than once, and each is hashed where it lies.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from onnxmagic.check.wording import size
from onnxmagic.fix.parts import counted
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("deduplicate-weights", "equal weights are stored once", ("OM309",))

_WORTH_IT: Final = 64
"""Bytes; a flag or a scalar that is stored twice costs nothing, and sharing it tells a reader less."""


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the number of weights and bytes that are no longer stored."""
    dropped = [nbytes for graph in model.graphs() for nbytes in _share(graph)]
    if not dropped:
        return []
    copies = counted(len(dropped), "copy", "copies")
    return [f"{copies} of weights ({size(sum(dropped))}) {'are' if len(dropped) > 1 else 'is'} no longer stored."]


def _share(graph: ir.Graph) -> list[int]:
    """Let equal initializers be one, and return the bytes of each that went."""
    import onnx_ir as ir

    alike: dict[tuple[object, ...], list[ir.Value]] = defaultdict(list)
    for value in graph.initializers.values():
        tensor = value.const_value
        if tensor is None or value.is_graph_input() or value.is_graph_output():
            continue
        if tensor.dtype is not ir.DataType.STRING and tensor.nbytes >= _WORTH_IT:
            alike[tensor.dtype, tuple(tensor.shape)].append(value)
    dropped: list[int] = []
    for group in alike.values():
        dropped += _merge(graph, group) if len(group) > 1 else []
    return dropped


def _merge(graph: ir.Graph, group: list[ir.Value]) -> list[int]:
    first: dict[bytes, ir.Value] = {}
    dropped: list[int] = []
    for value in group:
        tensor = value.const_value
        if tensor is None or value.name is None:
            continue
        kept = first.setdefault(hashlib.sha256(tensor.tobytes()).digest(), value)
        if kept is not value:
            value.replace_all_uses_with(kept)
            del graph.initializers[value.name]
            dropped.append(tensor.nbytes)
    return dropped
