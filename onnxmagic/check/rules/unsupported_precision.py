"""# unsupported-precision: half precision that ONNX Runtime cannot compute on a CPU.

## What it finds

Operators on bfloat16, in a few cases float16, for which ONNX Runtime has no kernel on a CPU. Which those are was
measured operator by operator with ONNX Runtime 1.31.1; operators that were not tried are not named.

## Why it hurts

ONNX Runtime refuses to load the file: "Could not find an implementation for Gemm". One such operator is enough. With
float16 it mostly computes in float32 in between; with bfloat16 it does not. On a GPU the same file may run.

## How to mend it

Export in float32 (`model.float()`), and let the runtime or a converter choose half precision where it has it. A
`torch.autocast` block inside `forward` leaves half precision in the file too: switch it off with `enabled=False` there.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.fc(x)

    model = Net().eval()
    args = (torch.randn(2, 4),)
    options = {"prove": False}

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            with torch.autocast("cpu", enabled=False):
                return self.fc(x)

    model = Net().eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import listed
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Node

RULE = Rule("OM306", "unsupported-precision", "error", "graph")

_MEASURED: Final = "ONNX Runtime 1.31.1"

# Single-node models of onnx 1.23's node tests with their float32 changed to the type, each offered to ONNX Runtime on a
# CPU: those are listed of which every one was refused with NOT_IMPLEMENTED. Dropout is not: it is gone before that.
_BFLOAT16: Final = """
Abs Acos Acosh Add AffineGrid ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Bernoulli Ceil
CenterCropPad Col2Im Conv ConvTranspose Cos Cosh DFT DeformConv Det Div Elu Erf Exp Expand Floor GRU Gelu Gemm
GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax
InstanceNormalization LRN LSTM LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul Max MaxPool
MaxUnpool Mean Min Mish Mul Neg NegativeLogLikelihoodLoss PRelu Pad Pow RMSNormalization RNN Reciprocal ReduceL1
ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Resize RoiAlign RotaryEmbedding
Round STFT Selu Sigmoid Sin Sinh Softmax Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK
Where
"""
_REFUSED: Final[Mapping[str, frozenset[str]]] = {
    "bfloat16": frozenset(_BFLOAT16.split()),
    "float16": frozenset({"Bernoulli", "RoiAlign"}),
}


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every half type, with the number of nodes that stop the file from loading."""
    if evidence.targets and not any(target.name == "onnxruntime" for target in evidence.targets):
        return  # what another stack lacks, its own facts say
    known = dtypes(evidence.graph)
    for dtype, refused in _REFUSED.items():
        nodes = [node for node in evidence.graph.walk() if _uses(node, dtype, refused, known)]
        if nodes:
            yield _finding(evidence, dtype, nodes)


def _uses(node: Node, dtype: str, refused: frozenset[str], known: Mapping[str, str]) -> bool:
    return (
        not node.domain
        and node.op_type in refused
        and any(known.get(name) == dtype for name in (*node.inputs, *node.outputs))
    )


def _finding(evidence: GraphEvidence, dtype: str, nodes: list[Node]) -> Finding:
    operators = list(dict.fromkeys(node.op_type for node in nodes))
    weights = {i.dtype for i in evidence.graph.initializers if i.size > 1 and "float" in i.dtype}
    # Weights in float32 and work in half is what autocast leaves.
    autocast = bool(weights) and dtype not in weights
    cause = " The weights are not: a `torch.autocast` in `forward` is the usual cause." if autocast else ""
    advice = 'with torch.autocast("cpu", enabled=False):' if autocast else "export in float32: model.float()"
    return RULE.finding(
        f"{listed(operators)} {'work' if len(operators) > 1 else 'works'} on {dtype}, for which {_MEASURED} has no "
        f"kernel on a CPU: it refuses to load the file.{cause}",
        where=evidence.where(nodes[0].name),
        count=len(nodes),
        fix=Fix("code", advice),
    )
