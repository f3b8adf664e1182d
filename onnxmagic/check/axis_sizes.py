"""What becomes of an input's dynamic axis on its way through the graph, as far as that is certain.

A size that a person calls ``height`` may be half of it after a strided convolution, twice of it after a
concatenation, or one more after padding; where the file calls the result ``height`` too, it lies. Followed are
operators whose effect on sizes is exact arithmetic; behind any other nothing is claimed. Weights tell a size as well:
what is multiplied with a matrix of 768 rows has 768 columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final

from onnxmagic.graph.facts import Graph, Node

__all__ = ["AxisSize", "Forced", "Sizes", "follow"]

_UNARY_NAMES: Final = """
    Abs Cast Ceil Clip Cos Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity InstanceNormalization
    BatchNormalization GroupNormalization LayerNormalization LeakyRelu Log LogSoftmax LRN Mish Neg Not PRelu Reciprocal
    Relu Round Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Swish Tanh ThresholdedRelu
"""
_UNARY: Final = frozenset(_UNARY_NAMES.split())
_BINARY: Final = frozenset({"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"})
_POOLS: Final = frozenset({"MaxPool", "AveragePool", "LpPool"})


@dataclass(frozen=True, slots=True)
class AxisSize:
    """A size as a multiple of a named one, plus a number: ``factor * name + offset``.

    ``offset`` is None where rounding makes it depend on the size itself; then only the factor is known.
    """

    name: str
    factor: Fraction = Fraction(1)
    offset: int | None = 0

    @property
    def differs(self) -> bool:
        """Whether this certainly is not the named size itself, apart from a few small sizes."""
        return self.factor != 1 or self.offset not in {0, None}

    def __str__(self) -> str:
        times = "" if self.factor == 1 else f"{self.factor} × "
        plus = f" {'+' if self.offset > 0 else '−'} {abs(self.offset)}" if self.offset else ""
        return f"{times}{self.name}{plus}"


Dim = AxisSize | int | None
Shape = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Forced:
    """A named size that a weight fixes: ``node`` needs it to be ``size``."""

    name: str
    size: int
    node: Node


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is known of the sizes of values, and the names that weights fix."""

    shapes: Mapping[str, Shape]
    forced: tuple[Forced, ...]


def follow(graph: Graph) -> Sizes:
    """Follow the named axes of the inputs through the main graph."""
    stored = {i.name: i.shape for i in graph.initializers}
    constants = {i.name: i.value for i in graph.initializers}
    shapes: dict[str, Shape] = {name: tuple(shape) for name, shape in stored.items()}
    for value in graph.inputs:
        if value.shape is not None:
            shapes[value.name] = tuple(AxisSize(d) if isinstance(d, str) else d for d in value.shape)
    forced: list[Forced] = []
    for node in graph.nodes:
        if node.domain or not node.outputs or not node.inputs:
            continue
        forced += _forced(node, shapes, stored)
        shape = _shape(node, [shapes.get(name) for name in node.inputs], constants)
        if shape is not None and any(isinstance(dim, AxisSize) for dim in shape):
            shapes[node.outputs[0]] = shape
    return Sizes(shapes, tuple(forced))


def _shape(node: Node, inputs: Sequence[Shape | None], constants: Mapping[str, Any]) -> Shape | None:
    first, op = inputs[0], node.op_type
    if op in _BINARY and len(inputs) == 2:
        return _broadcast(first, inputs[1])
    if op == "Concat":
        return _concat(node, inputs)
    if first is None:
        return None
    if op in _UNARY:
        return first
    if op == "Transpose":
        order = node.attributes.get("perm") or tuple(range(len(first)))[::-1]
        return tuple(first[i] for i in order) if sorted(order) == list(range(len(first))) else None
    if op in _POOLS:
        return _strided(node, first, node.attributes.get("kernel_shape"), first[1] if len(first) > 1 else None)
    if op == "Conv" and len(inputs) > 1 and (weight := inputs[1]) is not None and len(weight) > 2:
        return _strided(node, first, weight[2:], weight[0])
    if op in {"Gemm", "MatMul"}:
        return _product(node, first, inputs[1] if len(inputs) > 1 else None)
    if op in {"Resize", "Upsample"}:
        return _resized(first, constants.get(node.inputs[-1]) if op == "Upsample" else _scales(node, constants))
    return None


def _broadcast(one: Shape | None, other: Shape | None) -> Shape | None:
    if one is None or other is None:
        return None
    rank = max(len(one), len(other))
    pairs = zip((1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other, strict=True)
    return tuple(b if a == 1 else a if b in {1, a} else None for a, b in pairs)


def _concat(node: Node, inputs: Sequence[Shape | None]) -> Shape | None:
    known = [shape for shape in inputs if shape is not None]
    axis = node.attributes.get("axis", 0)
    if len(known) != len(inputs) or len({len(shape) for shape in known}) != 1 or not isinstance(axis, int):
        return None
    rank = len(known[0])
    if not -rank <= axis < rank:
        return None
    joined = list(known[0])
    joined[axis % rank] = _sum([shape[axis % rank] for shape in known])
    return tuple(joined)


def _sum(dims: Sequence[Dim]) -> Dim:
    named = [dim for dim in dims if isinstance(dim, AxisSize)]
    fixed = [dim for dim in dims if isinstance(dim, int)]
    if len(named) + len(fixed) < len(dims) or len({dim.name for dim in named}) > 1:
        return None
    if not named:
        return sum(fixed)
    offsets = [dim.offset for dim in named]
    offset = None if None in offsets else sum(o for o in offsets if o is not None) + sum(fixed)
    return AxisSize(named[0].name, sum((dim.factor for dim in named), Fraction(0)), offset)


def _strided(node: Node, shape: Shape, kernel: Any, channels: Dim) -> Shape | None:
    """Return the shape after a window goes over the axes from 2 on."""
    axes = len(shape) - 2
    if (
        axes < 1
        or not isinstance(kernel, (list, tuple))
        or len(kernel) != axes
        or not all(isinstance(k, int) for k in kernel)
    ):
        return None
    strides = node.attributes.get("strides") or (1,) * axes
    dilations = node.attributes.get("dilations") or (1,) * axes
    pads = _pads(node, kernel, dilations, axes)
    if len(strides) != axes or len(dilations) != axes:
        return None
    moved = tuple(
        _window(shape[2 + i], strides[i], pads[i] - dilations[i] * (kernel[i] - 1) if pads is not None else None)
        for i in range(axes)
    )
    return (shape[0], channels, *moved)


def _pads(node: Node, kernel: Sequence[int], dilations: Sequence[int], axes: int) -> list[int] | None:
    """Return the padding of each axis, both ends together; None where it is not known."""
    auto = node.attributes.get("auto_pad", "NOTSET")
    if auto in {"SAME_UPPER", "SAME_LOWER"}:
        return [d * (k - 1) for k, d in zip(kernel, dilations, strict=False)] if len(dilations) == axes else None
    pads = node.attributes.get("pads") or (0,) * 2 * axes
    if auto == "VALID":
        pads = (0,) * 2 * axes
    return [pads[i] + pads[i + axes] for i in range(axes)] if len(pads) == 2 * axes else None


def _window(dim: Dim, stride: int, change: int | None) -> Dim:
    if not isinstance(dim, AxisSize) or change is None or stride < 1:
        return None
    if stride > 1:
        return AxisSize(dim.name, dim.factor / stride, None)
    return replace(dim, offset=None if dim.offset is None else dim.offset + change)


def _product(node: Node, first: Shape, second: Shape | None) -> Shape | None:
    if node.op_type == "MatMul":
        return (*first[:-1], second[-1]) if second is not None and len(second) == 2 and len(first) >= 2 else None
    rows = first[1] if node.attributes.get("transA") else first[0]
    if second is None or len(second) != 2 or len(first) != 2:
        return None
    return (rows, second[0] if node.attributes.get("transB") else second[1])


def _scales(node: Node, constants: Mapping[str, Any]) -> Any:
    return constants.get(node.inputs[2]) if len(node.inputs) == 3 and not node.attributes.get("axes") else None


def _resized(shape: Shape, scales: Any) -> Shape | None:
    if not isinstance(scales, list) or len(scales) != len(shape):
        return None
    return tuple(_scaled(dim, scale) for dim, scale in zip(shape, scales, strict=True))


def _scaled(dim: Dim, scale: Any) -> Dim:
    if not isinstance(scale, float) or not 0 < scale < 1e6:
        return None
    if abs(scale - 1) < 1e-9 or not isinstance(dim, AxisSize):
        return dim if abs(scale - 1) < 1e-9 else None
    offset = dim.offset * int(scale) if scale.is_integer() and dim.offset is not None else None
    return AxisSize(dim.name, dim.factor * Fraction(scale).limit_denominator(1000), offset)


def _forced(node: Node, shapes: Mapping[str, Shape], stored: Mapping[str, tuple[int, ...]]) -> list[Forced]:
    """Return the named size that this node multiplies with a weight of fixed size."""
    if len(node.inputs) < 2:
        return []
    shape, weight = shapes.get(node.inputs[0]), stored.get(node.inputs[1])
    if weight is None or shape is None:
        return []
    dim: Dim = None
    size = 0
    if node.op_type == "MatMul" and len(weight) > 1 and len(shape) > 1:
        dim, size = shape[-1], weight[-2]
    elif node.op_type == "Gemm" and len(weight) == 2 and len(shape) == 2:
        dim = shape[0] if node.attributes.get("transA") else shape[1]
        size = weight[1] if node.attributes.get("transB") else weight[0]
    elif node.op_type == "Conv" and len(weight) > 1 and len(shape) > 1:
        dim, size = shape[1], weight[1] * int(node.attributes.get("group", 1))
    # A multiple, or a size after rounding, fixes something too, but not so that it can be said in a sentence.
    exact = isinstance(dim, AxisSize) and not dim.differs and dim.offset is not None
    return [Forced(dim.name, size, node)] if exact and isinstance(dim, AxisSize) else []
