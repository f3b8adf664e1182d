"""How an operator is written in an older operator set.

Most operators that got a newer version only took more types or a flag whose default is the old meaning; those need no
adapter, and ``opset_convert`` sees to them. Here are the ones that are written differently, for what PyTorch's exporter
emits. Each returns the nodes that take a node's place. Source of the changes: ONNX's docs/Changelog.md; whether they
were made right is proved by running the file, like everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["ADAPTERS", "CannotConvert", "Scope", "attribute"]


class CannotConvert(Exception):
    """A node cannot be written in the older operator set; the message is the reason, one clause."""


@dataclass
class Scope:
    """What is known of the values while a graph is converted.

    ``shapes`` holds a size or None for each axis; ``constants`` the values of small constants.
    """

    opset: int
    shapes: dict[str, list[int | None]] = field(default_factory=dict[str, "list[int | None]"])
    constants: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict[str, "np.ndarray[Any, Any]"])

    def constant(self, node: onnx.NodeProto, index: int) -> np.ndarray[Any, Any] | None:
        """Return the value of a node's input, None when it is left out."""
        if len(node.input) <= index or not node.input[index]:
            return None
        value = self.constants.get(node.input[index])
        if value is None:
            raise CannotConvert(
                f"{node.op_type} takes its input {index} from another node, which opset {self.opset} does not know"
            )
        return value

    def rank(self, node: onnx.NodeProto) -> int:
        """Return the rank of a node's first input."""
        return len(self.shape(node))

    def shape(self, node: onnx.NodeProto) -> list[int | None]:
        """Return the shape of a node's first input."""
        if node.input[0] not in self.shapes:
            raise CannotConvert(f"the rank of what {node.op_type} takes is not known")
        return self.shapes[node.input[0]]


Adapter = Callable[[onnx.NodeProto, Scope], Sequence[onnx.NodeProto]]


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return the value of a node's attribute."""
    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def _without(node: onnx.NodeProto, *names: str) -> onnx.NodeProto:
    kept = [a for a in node.attribute if a.name not in names]
    del node.attribute[:]
    node.attribute.extend(kept)
    return node


def _axes(since: int) -> Adapter:
    """Return the adapter of an operator whose axes became an input in opset `since`."""

    def adapt(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
        if scope.opset >= since:
            return [node]
        axes = scope.constant(node, 1)
        del node.input[1:]
        if axes is None and attribute(node, "noop_with_empty_axes", 0):
            return [helper.make_node("Identity", node.input, node.output)]
        _without(node, "noop_with_empty_axes")
        if axes is not None:
            node.attribute.append(helper.make_attribute("axes", [int(axis) for axis in axes.reshape(-1)]))
        return [node]

    return adapt


def _split(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
    """Sizes became an input in 13, and a number of parts may stand for them since 18."""
    sizes = scope.constant(node, 1) if scope.opset < 13 else None
    parts = attribute(node, "num_outputs")
    if scope.opset >= 18 or (sizes is None and parts is None):
        return [node]
    _without(node, "num_outputs")
    if sizes is None:
        size = scope.shape(node)[int(attribute(node, "axis", 0))]
        if size is None:
            raise CannotConvert("Split cuts a dynamic axis, which may not come out even")
        if size % parts == 0:
            return [node]
        step = -(-size // parts)
        sizes = np.array([min(step, max(0, size - part * step)) for part in range(parts)], np.int64)
    del node.input[1:]
    if scope.opset < 13:
        node.attribute.append(helper.make_attribute("split", [int(part) for part in sizes]))
        return [node]
    node.input.append(f"{node.output[0]}/sizes")
    return [_constant(node.input[1], sizes), node]


def _softmax(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
    """Before 13 it flattens all axes from `axis` on; on the last axis that is the same."""
    if scope.opset >= 13:
        return [node]
    rank = scope.rank(node)
    axis = int(attribute(node, "axis", -1)) % rank
    _without(node, "axis").attribute.append(helper.make_attribute("axis", rank - 1))
    if axis == rank - 1:
        return [node]
    swap = list(range(rank))
    swap[axis], swap[-1] = swap[-1], swap[axis]
    before, after = f"{node.output[0]}/swapped", f"{node.output[0]}/softmax"
    first = helper.make_node("Transpose", [node.input[0]], [before], perm=swap)
    last = helper.make_node("Transpose", [after], [node.output[0]], perm=swap)
    node.input[0], node.output[0] = before, after
    return [first, node, last]


def _shape(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
    """Cut a part out of the shape, which can be asked for since 15."""
    start, end = attribute(node, "start", 0), attribute(node, "end")
    if scope.opset >= 15:
        return [node]
    _without(node, "start", "end")
    if start == 0 and end is None:
        return [node]
    whole, result = f"{node.output[0]}/whole", node.output[0]
    node.output[0] = whole
    bounds = {f"{result}/start": start, f"{result}/end": np.iinfo(np.int64).max if end is None else end}
    constants = [_constant(name, np.array([bound], np.int64)) for name, bound in bounds.items()]
    return [node, *constants, helper.make_node("Slice", [whole, *bounds], [result])]


def _reshape(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
    """``allowzero`` (since 14) only matters for a size of zero in a constant shape."""
    if scope.opset < 14 and attribute(node, "allowzero", 0):
        wanted = scope.constants.get(node.input[1])
        if wanted is not None and 0 in wanted:
            raise CannotConvert("Reshape asks for a size of zero")
        _without(node, "allowzero")
    return [node]


def _resize(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
    """Give an empty tensor for each input that is left out, as may be done since 13."""
    if scope.opset >= 13:
        return [node]
    left_out = [index for index in range(1, len(node.input)) if not node.input[index]]
    empty = f"{node.output[0]}/none"
    for index in left_out:
        node.input[index] = empty
    return [*([_constant(empty, np.array([], np.float32))] if left_out else []), node]


def _layer_normalization(node: onnx.NodeProto, scope: Scope) -> list[onnx.NodeProto]:
    """Write out the operator, which came in 17: (x - mean) / sqrt(variance + epsilon) * scale + bias."""
    if scope.opset >= 17:
        return [node]
    if len(node.output) > 1:
        raise CannotConvert("LayerNormalization gives its mean or deviation")
    axis = int(attribute(node, "axis", -1))
    axes = list(range(axis, 0)) if axis < 0 else list(range(axis, scope.rank(node)))
    x, result = node.input[0], node.output[0]
    epsilon = np.array(attribute(node, "epsilon", 1e-5), np.float32)
    make, name = helper.make_node, lambda part: f"{result}/{part}"
    nodes = [
        make("ReduceMean", [x], [name("mean")], axes=axes, keepdims=1),
        make("Sub", [x, name("mean")], [name("centred")]),
        make("Mul", [name("centred"), name("centred")], [name("squared")]),
        make("ReduceMean", [name("squared")], [name("variance")], axes=axes, keepdims=1),
        _constant(name("epsilon"), epsilon),
        make("Add", [name("variance"), name("epsilon")], [name("shifted")]),
        make("Sqrt", [name("shifted")], [name("deviation")]),
        make("Div", [name("centred"), name("deviation")], [name("normed")]),
    ]
    biased = len(node.input) > 2 and bool(node.input[2])
    nodes.append(make("Mul", [name("normed"), node.input[1]], [name("scaled") if biased else result]))
    if biased:
        nodes.append(make("Add", [name("scaled"), node.input[2]], [result]))
    return nodes


def _constant(name: str, value: np.ndarray[Any, Any]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value, name))


_REDUCTIONS: Final = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")

ADAPTERS: Final[Mapping[str, Adapter]] = {
    **{f"Reduce{kind}": _axes(18) for kind in _REDUCTIONS},
    **dict.fromkeys(("ReduceSum", "Squeeze", "Unsqueeze"), _axes(13)),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax"), _softmax),
    "Split": _split,
    "Shape": _shape,
    "Reshape": _reshape,
    "Resize": _resize,
    "LayerNormalization": _layer_normalization,
}
"""By operator; each leaves a node alone whose operator set is new enough."""
