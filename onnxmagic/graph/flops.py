"""Floating-point operations of an operator, from the shapes of what it reads and makes.

One formula per operator and its source with it; a multiply-add counts 2, as in ``torch.utils.flop_counter``. What moves
data without arithmetic counts 0. An operator without a formula, and one of whose shapes is not known, has no count at
all: a guess would look like a measurement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Final, NamedTuple

from onnxmagic.graph.einsum import einsum

__all__ = ["FORMULAS", "FREE", "MOST", "Shapes", "flops"]

MOST: Final = 10**30
"""No computer does as much: shapes that make more are an attack or a mistake, and have no count."""

Sizes = tuple[int, ...]


class Shapes(NamedTuple):
    """What a formula sees: attributes, and the shapes of inputs and outputs (None where they are not known)."""

    op_type: str
    attributes: Mapping[str, Any]
    inputs: Sequence[Sizes | None]
    outputs: Sequence[Sizes | None]

    def read(self, index: int) -> Sizes:
        """Return the shape of an input; raises ``LookupError`` where it is not known."""
        return _known(self.inputs, index)

    def made(self, index: int = 0) -> Sizes:
        """Return the shape of an output; raises ``LookupError`` where it is not known."""
        return _known(self.outputs, index)

    def integer(self, name: str, default: int = 0) -> int:
        """Return an attribute that is a whole number."""
        return int(self.attributes.get(name, default))


def flops(shapes: Shapes, domain: str = "") -> int | None:
    """Return the floating-point operations of one operator; None when they cannot be told."""
    if domain == "" and shapes.op_type in FREE:
        return 0
    formula = FORMULAS.get((domain, shapes.op_type))
    if formula is None:
        return None
    try:
        count = formula(shapes)
    # Shapes that are not known, and those that contradict the operator; both are the file's, and neither is an error.
    except (LookupError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return count if 0 <= count <= MOST else None


def _known(shapes: Sequence[Sizes | None], index: int) -> Sizes:
    shape = shapes[index] if index < len(shapes) else None
    if shape is None:
        raise LookupError(index)
    return shape


def _convolution(weight: int) -> Callable[[Shapes], int]:
    """Each output element sums over the kernel and the channels of its group.

    2 · outputs · (C / group · kernel), the last two being the weight's shape ``(M, C / group, *kernel)``.
    Source: ``torch.utils.flop_counter.conv_flop_count``; a bias is where the sum starts and costs nothing on top.
    """
    return lambda s: 2 * prod(s.made()) * prod(s.read(weight)[1:])


def _transposed_convolution(s: Shapes) -> int:
    """Each input element goes into the kernel and the channels of its group.

    2 · inputs · (M / group · kernel), the weight's shape being ``(C, M / group, *kernel)``.
    Source: ``torch.utils.flop_counter.conv_flop_count`` with ``transposed=True``.
    """
    return 2 * prod(s.read(0)) * prod(s.read(1)[1:])


def _product(first: int, second: int) -> Callable[[Shapes], int]:
    """2 · outputs · K, K being the axis that is summed over; 1-D operands as in ``numpy.matmul``.

    Source: ``torch.utils.flop_counter.mm_flop`` and ``bmm_flop``.
    """

    def count(s: Shapes) -> int:
        left = s.inputs[first] if first < len(s.inputs) else None
        right = s.inputs[second] if second < len(s.inputs) else None
        if not left and not right:
            raise LookupError(first)
        # A dynamic axis counts as 1 on the side that does not know its size.
        return 2 * prod(s.made()) * max(left[-1] if left else 1, right[-2:][0] if right else 1)

    return count


def _gemm(s: Shapes) -> int:
    """2 · M · N · K; ``C`` is where the sum starts. Source: ``torch.utils.flop_counter.addmm_flop``."""
    left = s.read(0)
    return 2 * prod(s.made()) * (left[0] if s.integer("transA") else left[1])


def _nbits(s: Shapes) -> int:
    """2 · outputs · K, as ONNX Runtime's ``MatMulNBits`` has K in an attribute; unpacking is not counted."""
    return 2 * prod(s.made()) * int(s.attributes["K"])


def _einsum(s: Shapes) -> int:
    """See ``onnxmagic.graph.einsum``."""
    return einsum(str(s.attributes["equation"]), [s.read(i) for i in range(len(s.inputs))])


def _attention(s: Shapes) -> int:
    """2 · B · heads · L · S · (E + Ev): queries by keys, then weights by values; the softmax is left out.

    Source: ``torch.utils.flop_counter.sdpa_flop_count``. S counts the keys of ``past_key`` too.
    """
    query, key, value = s.read(0), s.read(1), s.read(2)
    past = (s.read(4)[2]) if len(s.inputs) > 4 and s.inputs[4] is not None else 0
    if len(query) == 4:
        batch, heads, length, size = query
        return 2 * batch * heads * length * (key[2] + past) * (size + value[3])
    batch, length, width = query
    heads, stored = s.integer("q_num_heads", 1), s.integer("kv_num_heads", 1)
    return 2 * batch * length * (key[1] + past) * (width + heads * (value[2] // stored))


def _recurrent(gates: int) -> Callable[[Shapes], int]:
    """2 · steps · batch · directions · gates · hidden · (input + hidden): the two products of each step.

    Source: the equations of LSTM (4 gates), GRU (3) and RNN (1) in ONNX's operator specification. What is done per
    element of the state is left out; it is smaller by a factor of the state's size.
    """

    def count(s: Shapes) -> int:
        steps, batch, width = s.read(0)
        directions, rows, hidden = s.read(2)
        if rows != gates * hidden:
            raise ValueError(rows)
        return 2 * steps * batch * directions * rows * (width + hidden)

    return count


def _per_output(count: int) -> Callable[[Shapes], int]:
    return lambda s: count * prod(s.made())


def _per_input(count: int) -> Callable[[Shapes], int]:
    return lambda s: count * prod(s.read(0))


def _pooling(s: Shapes) -> int:
    """One per output and place of the kernel. Source: TensorFlow's ``flops_registry.py``, ``_pool_flops``."""
    return prod(s.made()) * prod(int(size) for size in s.attributes["kernel_shape"])


def _resize(s: Shapes) -> int:
    """0 for nearest; else 2 per neighbour that is weighed: 2 (linear) or 4 (cubic) along each axis that changes.

    Source: ``Resize`` in ONNX's operator specification.
    """
    mode = s.attributes.get("mode", "nearest")
    if mode == "nearest":
        return 0
    # Resize asks for neither 2 nor 4 by any other name.
    neighbours = {"linear": 2, "cubic": 4}[mode]
    changed = sum(before != after for before, after in zip(s.read(0), s.made(), strict=True))
    return 2 * prod(s.made()) * neighbours**changed


_ELEMENTWISE: Final = frozenset(
    {"Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "BitwiseAnd"}
    | {"BitwiseNot", "BitwiseOr", "BitwiseXor", "Ceil", "Celu", "Clip", "Cos", "Cosh", "DequantizeLinear"}
    | {"Div", "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid"}
    | {"HardSwish", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish"}
    | {"Mod", "Mul", "Neg", "Not", "Or", "PRelu", "Pow", "QuantizeLinear", "Reciprocal", "Relu", "Round"}
    | {"Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Sub", "Sum"}
    | {"Swish", "Tan", "Tanh", "ThresholdedRelu", "Where", "Xor"}
)
"""One per element of the output. Source: TensorFlow's ``flops_registry.py``, ``_unary_op_flops``."""

_REDUCTIONS: Final = frozenset(
    {"ArgMax", "ArgMin", "CumProd", "CumSum", "GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean"}
    | {"ReduceMin", "ReduceProd", "ReduceSum"}
)
"""One per element of the input. Source: TensorFlow's ``flops_registry.py``, ``_reduction_op_flops``."""

FREE: Final = frozenset(
    {"Cast", "CastLike", "Compress", "Concat", "ConcatFromSequence", "Constant", "ConstantOfShape"}
    | {"DepthToSpace", "Dropout", "Expand", "EyeLike", "Flatten", "Gather", "GatherElements", "GatherND"}
    | {"Identity", "OneHot", "Optional", "OptionalGetElement", "OptionalHasElement", "Pad", "Range", "Reshape"}
    | {"ReverseSequence", "Scatter", "ScatterElements", "ScatterND", "SequenceAt", "SequenceConstruct"}
    | {"SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength", "Shape", "Size", "Slice"}
    | {"SpaceToDepth", "Split", "SplitToSequence", "Squeeze", "TensorScatter", "Tile", "Transpose", "Trilu"}
    | {"Unsqueeze"}
)
"""Move, copy or count data; known to cost nothing whatever the shapes."""

_CONTRIB: Final = "com.microsoft"

FORMULAS: Final[Mapping[tuple[str, str], Callable[[Shapes], int]]] = {
    **{("", name): _per_output(1) for name in _ELEMENTWISE},
    **{("", name): _per_input(1) for name in _REDUCTIONS},
    # A square or a logarithm more per element.
    **{("", name): _per_input(2) for name in ("ReduceSumSquare", "ReduceL2", "ReduceL1", "ReduceLogSum")},
    **{("", name): _convolution(1) for name in ("Conv", "ConvInteger", "DeformConv")},
    ("", "QLinearConv"): _convolution(3),
    ("", "ConvTranspose"): _transposed_convolution,
    **{("", name): _product(0, 1) for name in ("MatMul", "MatMulInteger")},
    ("", "QLinearMatMul"): _product(0, 3),
    ("", "Gemm"): _gemm,
    ("", "Einsum"): _einsum,
    ("", "Attention"): _attention,
    ("", "LSTM"): _recurrent(4),
    ("", "GRU"): _recurrent(3),
    ("", "RNN"): _recurrent(1),
    **{("", name): _pooling for name in ("AveragePool", "MaxPool", "LpPool")},
    **{("", name): _resize for name in ("Resize", "Upsample")},
    # fvcore's norm_flop_counter: 2 for a scale and a shift, 5 for mean and variance, scale and shift; no mean, 4.
    ("", "BatchNormalization"): _per_input(2),
    **{("", name): _per_input(5) for name in ("LayerNormalization", "InstanceNormalization", "GroupNormalization")},
    **{("", name): _per_input(4) for name in ("RMSNormalization", "MeanVarianceNormalization")},
    # TensorFlow's _softmax_flops: the shift 2, the power 1, the division 2.
    **{("", name): _per_input(5) for name in ("Softmax", "LogSoftmax")},
    # Two products and a sum of x·cos + rotated(x)·sin.
    ("", "RotaryEmbedding"): _per_input(3),
    # What ONNX Runtime's own optimiser puts in.
    (_CONTRIB, "FusedConv"): _convolution(1),
    (_CONTRIB, "FusedMatMul"): _product(0, 1),
    (_CONTRIB, "FusedGemm"): _gemm,
    (_CONTRIB, "MatMulNBits"): _nbits,
    **{(_CONTRIB, name): _per_output(1) for name in ("FastGelu", "Gelu", "QuickGelu")},
    (_CONTRIB, "BiasGelu"): _per_output(2),
    (_CONTRIB, "SkipLayerNormalization"): _per_input(6),
    (_CONTRIB, "SkipSimplifiedLayerNormalization"): _per_input(5),
}
