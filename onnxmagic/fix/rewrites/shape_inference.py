"""Values inside the graph get the types and shapes that ONNX's own inference derives.

Nothing that is computed changes: shapes are notes for tools that plan memory or draw the graph. Only values that had no
shape get one; sizes that the inference merely numbers (``unk__3``) stay unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxmagic.fix.parts import counted, values
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("shape-inference", "values without shapes get them", ("OM313",))

_NUMBERED = "unk__"


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the number of values that got a shape, and of those that are still without."""
    before = {value: (value.shape, value.type) for value in values(model)}
    bare = [value for value, (shape, _) in before.items() if shape is None and value.name]
    if not bare:
        return []
    _infer(model)
    for value, (shape, kind) in before.items():
        if shape is not None:
            value.shape = shape
        if kind is not None:
            value.type = kind
    filled = [value for value in bare if value.shape is not None]
    for value in filled:
        _without_numbered(value)
    if not filled:
        return []
    left = len(bare) - len(filled)
    still = (
        f"; {left:,} still {'has' if left == 1 else 'have'} none, which ONNX's inference cannot tell" if left else ""
    )
    return [f"{counted(len(filled), 'value')} got a type and shape{still}."]


def _infer(model: ir.Model) -> None:
    """Run the pass; where it fails, it leaves the model as it was."""
    from onnx_ir.passes.common import ShapeInferencePass

    ShapeInferencePass(check_type=False, strict_mode=False)(model)


def _without_numbered(value: ir.Value) -> None:
    import onnx_ir as ir

    if value.shape is None:
        return
    sizes = [None if str(getattr(d, "value", d)).startswith(_NUMBERED) else d for d in value.shape]
    value.shape = ir.Shape([d.value if isinstance(d, ir.SymbolicDim) else d for d in sizes])
