"""Dropouts that are switched on become Identity.

By ONNX's own definition a Dropout hands its input on when it is not told to train, so what the file computes in
inference is exactly this; what goes away is the randomness. Where the second output (the mask) is used, the Dropout
stays and is no longer told to train: its mask is then all True.
Definition: https://onnx.ai/onnx/operators/onnx__Dropout.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onnxmagic.fix.parts import constant, counted, drop_unused, nodes
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply", "live_dropouts", "switch_off"]

REWRITE = Rewrite("dropout-to-identity", "live dropouts become Identity", ("OM102",))


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the number of dropouts that were replaced."""
    found = list(live_dropouts(model))
    for node in found:
        switch_off(node)
        if len(node.outputs) < 2:
            _to_identity(node)
    if not found:
        return []
    become, no = ("become", "they drop") if len(found) > 1 else ("becomes", "it drops")
    return [f"{counted(len(found), 'live dropout')} {become} Identity: {no} nothing any more."]


def live_dropouts(model: ir.Model) -> Iterator[ir.Node]:
    """Yield the dropouts that are always told to train, and have something to drop."""
    for node in nodes(model):
        if node.op_type != "Dropout" or node.domain not in {"", "ai.onnx"} or len(node.inputs) < 3:
            continue
        training, ratio = constant(node.inputs[2]), constant(node.inputs[1])
        if training is None or training.size != 1 or not training.numpy().item():
            continue
        if ratio is None or ratio.size != 1 or ratio.numpy().item() != 0:
            yield node


def switch_off(node: ir.Node) -> None:
    """Tell a dropout no more that it trains, and drop its mask where nothing reads it."""
    training = node.inputs[2]
    node.resize_inputs(2)
    drop_unused([training])
    if len(node.outputs) > 1 and not node.outputs[1].uses() and not node.outputs[1].is_graph_output():
        node.resize_outputs(1)


def _to_identity(node: ir.Node) -> None:
    given = node.inputs[1]
    node.op_type = "Identity"
    node.resize_inputs(1)
    node.attributes.clear()
    drop_unused([given])
