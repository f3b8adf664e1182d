"""Inputs that nothing in the file reads are taken out of its signature.

The outputs cannot depend on them, so no number changes; but callers that still pass them get an error, so this is only
done when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxmagic.check.wording import listed
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("remove-unused-inputs", "inputs that nothing reads go", ("OM206",), asked=True)


def apply(model: ir.Model) -> list[str]:
    """Return a sentence that names the inputs."""
    graph = model.graph
    unused = [v for v in graph.inputs if not v.uses() and not v.is_graph_output() and not v.is_initializer()]
    for value in unused:
        graph.inputs.remove(value)
    if not unused:
        return []
    names = listed(value.name for value in unused)
    return [f"{names} {'are' if len(unused) > 1 else 'is'} no input any more: nothing read {_them(unused)}."]


def _them(unused: list[ir.Value]) -> str:
    return "them" if len(unused) > 1 else "it"
