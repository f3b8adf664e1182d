"""The colours of a picture, for a light and a dark page, and what a box's colour means.

Plain colours in classes, and the dark ones again under ``prefers-color-scheme``: programs other than browsers that show
SVG know neither variables nor media queries, and show the light picture. The page itself is painted, so the picture is
legible wherever it is put. A colour says only what the operator's name says too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onnxmagic.view.graph.letters import FACE
from onnxmagic.view.graph.marks import WORDS

__all__ = ["MARKS", "STYLE", "tint"]

_LIGHT: Final = {
    "page": "#ffffff",
    "frame": "#f3f5f8",
    "deeper": "#e9edf2",
    "band": "#e3e8ef",
    "box": "#ffffff",
    "line": "#c3ccd6",
    "edge": "#8b95a1",
    "fg": "#1f2328",
    "dim": "#59636e",
    "weights": "#2f6fdf",
    "acts": "#c2571a",
    "norms": "#1a7f37",
    "shapes": "#7d8792",
    "flow": "#8250df",
    "ends": "#eef4ff",
    "rim": "#7aa2e0",
    "added": "#1a7f37",
    "removed": "#cf222e",
    "changed": "#9a6700",
    "moved": "#0969da",
    "on-added": "#e3f6e8",
    "on-removed": "#fdeaea",
    "on-changed": "#fdf3d8",
    "on-moved": "#e3effd",
}
_DARK: Final = {
    "page": "#111111",
    "frame": "#181c22",
    "deeper": "#1f242c",
    "band": "#272e38",
    "box": "#12161c",
    "line": "#3d4651",
    "edge": "#768290",
    "fg": "#e6edf3",
    "dim": "#9aa4af",
    "weights": "#5b93f5",
    "acts": "#e0813f",
    "norms": "#3fb950",
    "shapes": "#8a949f",
    "flow": "#ab7df8",
    "ends": "#14233b",
    "rim": "#3f679f",
    "added": "#3fb950",
    "removed": "#f8605a",
    "changed": "#d9a02b",
    "moved": "#5b9df5",
    "on-added": "#10251a",
    "on-removed": "#2d1517",
    "on-changed": "#2a2110",
    "on-moved": "#10213a",
}

_TINTS: Final = {
    "weights": """Conv ConvTranspose ConvInteger QLinearConv Gemm MatMul MatMulInteger QLinearMatMul Einsum LSTM GRU RNN
        Attention MultiHeadAttention GroupQueryAttention FusedMatMul FusedConv FusedGemm MatMulNBits Gather
        EmbedLayerNormalization""",
    "acts": """Relu LeakyRelu PRelu Elu Selu Celu Gelu FastGelu BiasGelu Sigmoid HardSigmoid HardSwish Swish Mish Tanh
        Softmax LogSoftmax Hardmax Softplus Softsign Erf Clip ThresholdedRelu QuickGelu""",
    "norms": """BatchNormalization LayerNormalization InstanceNormalization GroupNormalization RMSNormalization
        SimplifiedLayerNormalization SkipLayerNormalization LRN LpNormalization MeanVarianceNormalization Dropout""",
    "shapes": """Reshape Transpose Squeeze Unsqueeze Flatten Concat Split Slice Shape Expand Tile Pad Identity Cast
        CastLike Constant ConstantOfShape Range Size Resize SpaceToDepth DepthToSpace""",
    "flow": "If Loop Scan SequenceMap",
}
_TINT_OF: Final = {operator: tint for tint, operators in _TINTS.items() for operator in operators.split()}


def tint(operator: str) -> str:
    """Return the class of an operator's stripe; empty for what has none."""
    return _TINT_OF.get(operator, "")


def _rules(ink: Mapping[str, str]) -> str:
    strokes = "".join(f".{name}{{fill:{ink[name]}}}" for name in _TINTS)
    return (
        f".page{{fill:{ink['page']}}}.frame{{fill:{ink['frame']};stroke:{ink['line']}}}"
        f".deeper{{fill:{ink['deeper']};stroke:{ink['line']}}}.band{{fill:{ink['band']};stroke:{ink['line']}}}"
        f".box{{fill:{ink['box']};stroke:{ink['line']}}}.ends{{fill:{ink['ends']};stroke:{ink['rim']}}}"
        f".edge{{stroke:{ink['edge']}}}.head{{fill:{ink['edge']}}}"
        f"text{{fill:{ink['fg']}}}.dim{{fill:{ink['dim']}}}.on{{fill:{ink['dim']};stroke:{ink['page']}}}{strokes}"
    )


def _mark_rules(ink: Mapping[str, str]) -> str:
    return "".join(
        f"rect.{name}{{fill:{ink[f'on-{name}']};stroke:{ink[name]}}}text.{name},.{name} tspan{{fill:{ink[name]}}}"
        f".edge.{name}{{stroke:{ink[name]}}}.head.{name}{{fill:{ink[name]}}}"
        for name in WORDS[1:]
    )


STYLE: Final = (
    f"text{{font-family:{FACE};font-size:11.5px;text-anchor:middle}}.name{{font-size:13px;font-weight:600}}"
    f".left{{text-anchor:start}}.edge{{fill:none;stroke-width:1.3}}"
    f".on{{font-size:10.5px;text-anchor:start;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}}"
    f"{_rules(_LIGHT)}@media(prefers-color-scheme:dark){{{_rules(_DARK)}}}"
)
"""The style sheet. Nothing of a model is in it."""

MARKS: Final = (
    f".edge.removed,rect.removed{{stroke-dasharray:5 3}}{_mark_rules(_LIGHT)}"
    f"@media(prefers-color-scheme:dark){{{_mark_rules(_DARK)}}}"
)
"""The rules for two models in one picture, to stand behind the others: a mark is said over a box's own look."""
