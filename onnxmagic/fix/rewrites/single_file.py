"""The weights move into the .onnx file, where they fit.

One protobuf message ends at 2 GB, and it holds the graph too, so the border is drawn at 1.5 GB as for an export. The
weights' bytes are copied as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from onnxmagic.check.wording import listed, size
from onnxmagic.fix.parts import counted
from onnxmagic.fix.rewrite import CannotRewrite, Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["LARGEST", "REWRITE", "apply"]

REWRITE = Rewrite("single-file", "the weights move into the .onnx file", ("OM602",))

LARGEST: Final = 1_500_000_000
"""Bytes of weights up to which they go into the .onnx file."""


def apply(model: ir.Model) -> list[str]:
    """Return a sentence that names the file that is no longer needed."""
    import onnx_ir as ir

    weights = [value for value in model.graph.initializers.values() if value.const_value is not None]
    outside = [value for value in weights if isinstance(value.const_value, ir.ExternalTensor)]
    if not outside:
        return []
    total = sum(value.const_value.nbytes for value in weights if value.const_value is not None)
    if total > LARGEST:
        raise CannotRewrite(f"{size(total)} of weights do not fit into one .onnx file, which ends at 2 GB")
    files = dict.fromkeys(_file(value) for value in outside)
    for value in outside:
        _inside(value)
    number = counted(len(outside), "weight")
    needed = "is" if len(files) == 1 else "are"
    return [f"{number} moved into the .onnx file; {listed(files)} {needed} not needed for it."]


def _file(value: ir.Value) -> str:
    return Path(getattr(value.const_value, "location", "")).name


def _inside(value: ir.Value) -> None:
    """Let the tensor be one that is written with the graph; its bytes are still only read when they are written."""
    import onnx_ir as ir

    tensor = value.const_value
    if isinstance(tensor, ir.ExternalTensor):
        value.const_value = ir.LazyTensor(lambda: tensor, tensor.dtype, tensor.shape, name=tensor.name)
