"""Names of rewrites that exporters and optimisers are known to do.

A name says that nodes of these kinds stand in the place of nodes of those kinds, and nothing of their values: whether
both compute the same is what the comparison of numbers is for. So a name needs both halves where there are two, and
holds in either direction: what was fused in one comparison was written out in the reverse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from onnxmagic.diff.origins import Origins
from onnxmagic.diff.pieces import Piece, Seam

__all__ = ["FOLDED_IN", "name_of"]

FOLDED_IN: Final = "BatchNormalization folded in"
"""How the name ends of a batch norm that went into the convolution or product before it."""


def _kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_STORED: Final = frozenset({"weight", "nothing"})
_TRANSPARENT: Final = frozenset({"Identity", "Dropout"})
_HEAVY: Final = _kinds(
    "Conv ConvTranspose MatMul Gemm Einsum LSTM GRU RNN Softmax LogSoftmax MaxPool AveragePool GlobalAveragePool "
    "Resize LayerNormalization BatchNormalization InstanceNormalization GroupNormalization RMSNormalization Attention "
    "Relu LeakyRelu Elu Gelu Erf Tanh Sigmoid Softplus TopK NonMaxSuppression GridSample CumSum"
)
"""What no rewrite brings along by the way, as it does shapes, casts and sums."""

_CARRIERS: Final = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""What a batch norm goes into."""

_QDQ: Final = frozenset({"QuantizeLinear", "DequantizeLinear"})
_SHAPES: Final = _kinds(
    "Shape Size Gather Slice Concat Squeeze Unsqueeze Cast Constant ConstantOfShape Range Equal Where Expand Mul Div "
    "Add Sub Reshape ReduceProd Mod Max Min"
)


class _Fusion(NamedTuple):
    """One operator of `fused` in the place of several, of which one is in `written`."""

    name: str
    fused: frozenset[str]
    written: frozenset[str]


def _fusion(name: str, fused: str, written: str) -> _Fusion:
    return _Fusion(name, _kinds(fused), _kinds(written))


_FUSIONS: Final = (
    _fusion(
        "attention",
        "Attention MultiHeadAttention GroupQueryAttention DecoderMaskedMultiHeadAttention",
        "Softmax MatMul Gemm",
    ),
    _fusion("int8 attention", "QAttention", "Softmax Attention MatMul Gemm"),
    _fusion("LayerNormalization with embedding", "EmbedLayerNormalization", "Gather"),
    _fusion("LayerNormalization with residual", "SkipLayerNormalization", "ReduceMean LayerNormalization Add"),
    _fusion(
        "RMSNormalization with residual",
        "SkipSimplifiedLayerNormalization",
        "ReduceMean RMSNormalization SimplifiedLayerNormalization Add",
    ),
    _fusion("RMSNormalization", "RMSNormalization SimplifiedLayerNormalization", "ReduceMean ReduceSumSquare ReduceL2"),
    _fusion("LayerNormalization", "LayerNormalization", "ReduceMean"),
    _fusion("GroupNormalization", "GroupNormalization GroupNorm SkipGroupNorm", "ReduceMean InstanceNormalization"),
    _fusion("RotaryEmbedding", "RotaryEmbedding", "Neg Concat Sin Cos"),
    _fusion("Gelu with bias", "BiasGelu", "Gelu Erf Tanh"),
    _fusion("SiLU", "Swish Silu", "Sigmoid"),
    _fusion("Gelu", "Gelu FastGelu QuickGelu", "Erf Tanh Sigmoid"),
    _fusion("HardSwish", "HardSwish", "HardSigmoid Clip"),
    _fusion("Mish", "Mish", "Softplus"),
    _fusion("Gemm of MatMul and Add", "Gemm", "MatMul"),
    _fusion("MatMul with scale or transpose", "FusedMatMul", "MatMul"),
    _fusion("Gemm with activation", "FusedGemm", "Gemm Relu Tanh Sigmoid LeakyRelu"),
    _fusion("Conv with activation", "FusedConv", "Conv Relu Tanh Sigmoid LeakyRelu"),
    _fusion(
        "Conv in blocks of channels", "ReorderInput ReorderOutput", "Conv MaxPool AveragePool GlobalAveragePool Relu"
    ),
)

_QUANTISED: Final = (
    ("dynamic int8", frozenset({"MatMulInteger", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"}), ("Gemm", "MatMul")),
    ("dynamic int8", frozenset({"ConvInteger"}), ("Conv",)),
    ("dynamic int8", frozenset({"DynamicQuantizeLSTM"}), ("LSTM",)),
    ("4-bit", frozenset({"MatMulNBits"}), ("Gemm", "MatMul")),
    ("static int8", frozenset({"QLinearConv"}), ("Conv",)),
    ("static int8", frozenset({"QLinearMatMul", "QGemm"}), ("Gemm", "MatMul")),
)
"""How it is quantised, the operators that tell, and those that stood there before, the likeliest first."""


def name_of(a: Origins, b: Origins, piece: Piece, seams: Sequence[Seam]) -> str:
    """Return what a rewrite is, ``""`` where that is not known; `seams` are those of this piece."""
    removed = Counter(a.outline.nodes[index].op_type for index in piece.removed)
    added = Counter(b.outline.nodes[index].op_type for index in piece.added)
    if removed and added:
        name = _replaced(removed, added) or _replaced(added, removed)
        return name or _stored(seams, removed, added) or _shape(removed, added)
    one = removed or added
    return _alone(set(one)) or _stored(seams, removed, added) or _folded(a, b, piece)


def _replaced(written: Counter[str], fused: Counter[str]) -> str:
    for how, telling, before in _QUANTISED:
        if telling & fused.keys() and not telling & written.keys():
            what = next((op_type for op_type in before if op_type in written), "")
            if what:
                return f"{how} {what}"
    for fusion in _FUSIONS:
        there = fusion.fused & fused.keys()
        fits = there and not there & written.keys() and fusion.written & written.keys()
        if fits and _rest(written, fusion) == _rest(fused, fusion):
            return _exactly(fusion.name, written)
    rest = Counter({kind: count for kind, count in written.items() if kind != "BatchNormalization"})
    carrier = next((kind for kind in _CARRIERS if kind in rest), "")
    if not carrier or rest == written:
        return ""
    activated = _replaced(rest, fused)
    return _normed(carrier) if rest == fused else f"{activated}, {FOLDED_IN}" if activated.startswith(carrier) else ""


def _normed(carrier: str) -> str:
    return f"{carrier} with {FOLDED_IN}"


def _rest(kinds: Counter[str], fusion: _Fusion) -> Counter[str]:
    """Return the computations that a fusion does not speak of: they must be there before and after it."""
    own = fusion.fused | fusion.written
    return Counter({kind: count for kind, count in kinds.items() if kind in _HEAVY and kind not in own})


def _exactly(name: str, written: Counter[str]) -> str:
    # ONNX Runtime's QuickGelu is written x · sigmoid(a · x); with a = 1, which is SiLU, one product is enough.
    return "SiLU" if name == "Gelu" and written["Sigmoid"] and written["Mul"] == written["Sigmoid"] else name


def _alone(kinds: set[str]) -> str:
    """Return the name of what was only put in, or only taken out."""
    if kinds <= {*_QDQ, "Constant"} and kinds & _QDQ:
        return "QDQ"
    if kinds <= _TRANSPARENT:
        return "Identity"
    return "Cast" if kinds == {"Cast"} else ""


def _stored(seams: Sequence[Seam], removed: Counter[str], added: Counter[str]) -> str:
    """Return whether what one model computes, or keeps in a node, the other has stored."""
    constant = removed.keys() <= {"Constant"}, added.keys() <= {"Constant"}
    plain = [seam for seam in seams if seam.target >= 0]
    if not plain or len(plain) < len(seams):
        return ""
    if constant[1] and all(seam.b.kind in _STORED or added for seam in plain) and not constant[0]:
        return "constant folding"
    if constant[0] and all(seam.a.kind in _STORED or removed for seam in plain) and not constant[1]:
        return "constant folding"
    if constant[0] and constant[1] and all(_STORED & {seam.a.kind, seam.b.kind} for seam in plain):
        return "constants stored"
    return ""


def _shape(removed: Counter[str], added: Counter[str]) -> str:
    both = removed.keys() | added.keys()
    return "shape computation" if both <= _SHAPES and both & {"Shape", "Size"} else ""


def _folded(a: Origins, b: Origins, piece: Piece) -> str:
    """Return whether this is a batch norm that went into the convolution or product before it."""
    side, nodes = (a, piece.removed) if piece.removed else (b, piece.added)
    if any(side.outline.nodes[index].op_type != "BatchNormalization" for index in nodes):
        return ""
    makers = [side.read(index)[0] for index in nodes if side.read(index)]
    kinds = {side.outline.nodes[origin.number].op_type for origin in makers if origin.kind == "node"}
    return next((_normed(kind) for kind in _CARRIERS if kinds == {kind}), "")
