"""Shapes that torch noted down and that are not true.

torch 2.11 notes four axes for the states of an LSTM, which have three, and ONNX's checker then refuses the whole file.
The notes are only notes: a runtime works the shapes out itself, so a file without them is right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx

from onnxmagic.graph.checker import structure_error

__all__ = ["forget_shapes", "shapes_are_wrong"]

_RECURRENT: Final = frozenset(("GRU", "LSTM", "RNN"))
_SYMPTOM: Final = "existing shape differ"


def shapes_are_wrong(model: onnx.ModelProto, file: Path) -> bool:
    """Tell whether the checker refuses `file`, which holds `model`, for the shapes noted in it.

    Only graphs with a recurrent layer are looked at, so that the others do not pay for a second check.
    """
    return any(node.op_type in _RECURRENT for node in model.graph.node) and _SYMPTOM in structure_error(file)


def forget_shapes(model: onnx.ModelProto) -> None:
    """Take the shapes of intermediate values out of `model`; outputs, which need one, get the layer's number of axes.

    A recurrent layer of ONNX gives all steps with four axes, and states with three.
    """
    model.graph.ClearField("value_info")
    axes = {
        name: 3 if index else 4
        for node in model.graph.node
        if node.op_type in _RECURRENT
        for index, name in enumerate(node.output)
    }
    for output in model.graph.output:
        if output.name in axes:
            shape = output.type.tensor_type.shape
            shape.ClearField("dim")
            shape.dim.extend(onnx.TensorShapeProto.Dimension() for _ in range(axes[output.name]))
