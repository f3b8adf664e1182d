"""The module in which a file and a PyTorch model part, for a file whose nodes tell which module they came from.

Names of values mean nothing outside the export that gave them, but modules keep theirs. What a module returns has to be
among what the file computes in it; the first one of which that is not true is where they part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch  # noqa: TID253  # this file is imported when there is a PyTorch model

from onnxmagic.check.evidence import Located
from onnxmagic.check.finding import Where
from onnxmagic.export.quiet import quiet
from onnxmagic.export.strayed import first_unlike
from onnxmagic.export.sweep.bind import Bound
from onnxmagic.graph.facts import Graph
from onnxmagic.inside.exposed import Elsewhere, values_of

__all__ = ["first_module"]

_CLOSE: Final = 3e-5
"""Largest relative difference of a sound file's value; many layers of rounding stay below it."""


def first_module(path: Path, graph: Graph, failing: Bound, runtime: Elsewhere) -> Located | None:
    """Return the first module that differs on `failing`; None when the file does not tell, or none can be named."""
    names = [name for node in graph.nodes if node.module is not None for name in node.outputs if name]
    outputs = {value.name for value in graph.outputs}
    try:
        with quiet():
            wanted = [name for name in names if name not in outputs]
            external = any(weight.external for weight in graph.initializers)
            values = values_of(runtime, path, wanted, failing.feeds, external=external)
            module = first_unlike(failing.example, _inside(graph, values), _CLOSE)
    except Exception:  # noqa: BLE001  # the finding stands without its place
        return None
    if not module:  # the root differs because its outputs do, which is known
        return None
    last = next((node for node in reversed(graph.nodes) if node.module == module), None)
    operator, name = (last.op_type, last.name) if last else ("", None)
    return Located(operator=operator, where=Where(module=module, node=name), blame="module")


def _inside(graph: Graph, values: dict[str, object]) -> dict[str, list[torch.Tensor]]:
    """Return the file's values by the modules they were computed in, those around each included."""
    found: dict[str, list[torch.Tensor]] = {}
    for node in graph.nodes:
        given = [values.get(name) for name in node.outputs]
        tensors = [torch.from_numpy(value) for value in given if isinstance(value, np.ndarray) and value.dtype != "O"]
        parts = node.module.split(".") if node.module else []
        for depth in range(1, len(parts) + 1):
            found.setdefault(".".join(parts[:depth]), []).extend(tensors)
    return found
