"""Every float64 in the file becomes float32: weights, constants, casts, inputs and outputs.

It halves the weights and lets runtimes without float64 kernels run the file. The numbers change, as rounding is that of
float32, and callers have to pass float32, so it is only done when it is asked for by name. A weight that float32 cannot
hold (beyond 3.4e38) stops the rewrite. Attributes of operators outside the standard are left as they are: what a number
means there is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from onnxmagic.check.wording import code
from onnxmagic.fix.parts import counted, nodes, values
from onnxmagic.fix.rewrite import CannotRewrite, Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("double-to-float", "float64 becomes float32 everywhere", ("OM305",), safe=False, asked=True)

_KINDS: Final = frozenset({"to", "dtype", "output_datatype", "output_dtype", "stash_type", "softmax_precision"})
"""Attributes of standard operators whose number is an element type."""
_STANDARD: Final = frozenset({"", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training"})


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the numbers of weights and values, and one for the signature where it changes."""
    signature = [v.name for v in (*model.graph.inputs, *model.graph.outputs) if _is_double(v)]
    changed = [value for value in values(model) if _change_value(value)]
    constants = sum(_change_node(node) for node in nodes(model))
    if not changed and not constants:
        return []
    weights = sum(1 for value in changed if value.const_value is not None)
    others = len(changed) - weights + constants
    both = [counted(weights, "weight")] * bool(weights) + [counted(others, "other value")] * bool(others)
    said = [f"{' and '.join(both)} became float32 instead of float64."]
    if signature:
        names = ", ".join(code(name) for name in signature[:5]) + (", …" if len(signature) > 5 else "")
        said.append(f"Callers pass and get float32 instead of float64: {names}.")
    return said


def _is_double(value: ir.Value) -> bool:
    import onnx_ir as ir

    return value.dtype is ir.DataType.DOUBLE


def _change_value(value: ir.Value) -> bool:
    import onnx_ir as ir

    tensor = value.const_value
    stored = tensor is not None and tensor.dtype is ir.DataType.DOUBLE
    if stored:
        value.const_value = _single(tensor, value.name)
    if not _is_double(value) and not stored:
        return False
    if value.type is not None:
        value.type = _single_type(value.type)
    return True


def _single_type(kind: Any) -> Any:
    """Return the type with its innermost element type exchanged: a tensor's, a sequence's, an optional's."""
    import onnx_ir as ir

    inner = kind.elem_type
    changed = ir.DataType.FLOAT if isinstance(inner, ir.DataType) else _single_type(inner)
    return type(kind)(changed)


def _change_node(node: ir.Node) -> int:
    """Exchange the types in a node's attributes and return how many there were."""
    import onnx_ir as ir

    if node.domain not in _STANDARD:
        return 0
    count = 0
    for name, attribute in list(node.attributes.items()):
        changed = None if attribute.is_ref() else _changed(node, name, attribute)
        if isinstance(changed, ir.Attr):
            node.attributes[name] = changed
            count += 1
    return count


def _changed(node: ir.Node, name: str, attribute: ir.Attr) -> ir.Attr | None:
    import onnx_ir as ir

    if attribute.type == ir.AttributeType.TENSOR:
        tensor = attribute.as_tensor()
        return ir.AttrTensor(name, _single(tensor, node.name)) if tensor.dtype is ir.DataType.DOUBLE else None
    if attribute.type == ir.AttributeType.INT and name in _KINDS and attribute.as_int() == ir.DataType.DOUBLE:
        return ir.AttrInt64(name, int(ir.DataType.FLOAT))
    return None


def _single(tensor: Any, name: str | None) -> Any:
    """Return a float32 tensor whose values are rounded when they are needed, one tensor at a time."""
    import numpy as np
    import onnx_ir as ir

    largest = float(np.finfo(np.float32).max)
    array = tensor.numpy()
    if bool(np.any(np.isfinite(array) & (np.abs(array) > largest))):
        raise CannotRewrite(f"{code(name or 'a constant')} holds numbers beyond {largest:.2g}, float32's largest")

    def rounded() -> Any:
        return ir.Tensor(tensor.numpy().astype(np.float32), name=tensor.name)

    make: Callable[[], Any] = rounded
    return ir.LazyTensor(make, ir.DataType.FLOAT, tensor.shape, name=tensor.name)
