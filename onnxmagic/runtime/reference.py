"""ONNX's own reference evaluator, in float64: slow, and the judge of last resort.

It says whether a graph *means* the right thing, apart from how fast kernels round. ONNX Runtime has no float64 kernels
for convolution, Erf, Gelu, pooling or Resize, so it cannot be asked. Three operators of the evaluator are replaced:
its convolution is far too slow, its Gelu computes in float32, its GatherElements fails on some shapes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from onnxmagic.runtime.protocol import Array

__all__ = ["evaluate"]


class Conv(OpRun):
    """Convolution by torch, in the dtype of its input."""

    op_domain = ""

    def _run(self, x: Any, w: Any, b: Any = None, **attributes: Any) -> tuple[Any]:
        import torch

        rank = x.ndim - 2
        strides = _attribute(attributes, "strides", [1] * rank)
        dilations = _attribute(attributes, "dilations", [1] * rank)
        group = int(_attribute(attributes, "group", 1))
        pads = _attribute(attributes, "pads", None) or _auto_pads(attributes, x, w, strides, dilations)
        begin, end = pads[:rank], pads[rank:]
        # torch pads from the last axis backwards.
        padding = [amount for pair in reversed(list(zip(begin, end, strict=True))) for amount in pair]
        padded = torch.nn.functional.pad(torch.from_numpy(np.ascontiguousarray(x)), padding)
        convolve = (torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d)[rank - 1]
        bias = None if b is None else torch.from_numpy(np.ascontiguousarray(b))
        weight = torch.from_numpy(np.ascontiguousarray(w))
        result = convolve(padded, weight, bias, tuple(strides), 0, tuple(dilations), group)
        return (result.numpy(),)


class Gelu(OpRun):
    """Gelu in the dtype of its input; the exact form unless ``approximate`` is tanh."""

    op_domain = ""

    def _run(self, x: Any, approximate: str = "none") -> tuple[Any]:
        import torch

        return (torch.nn.functional.gelu(torch.from_numpy(np.ascontiguousarray(x)), approximate=approximate).numpy(),)


class GatherElements(OpRun):
    """GatherElements by numpy."""

    op_domain = ""

    def _run(self, data: Any, indices: Any, axis: int = 0) -> tuple[Any]:
        wrapped = np.where(indices < 0, indices + data.shape[axis], indices)
        # Along the other axes the indices may be smaller than the data: only that part is read.
        part = tuple(slice(None) if i == axis % data.ndim else slice(0, n) for i, n in enumerate(indices.shape))
        return (np.take_along_axis(data[part], wrapped, axis),)


def evaluate(model: onnx.ModelProto, feeds: Mapping[str, Array]) -> list[Any]:
    """Run `model` on `feeds` as it stands and return its outputs in order.

    Raises
    ------
    Exception
        The evaluator lacks an operator, or fails.
    """
    evaluator = ReferenceEvaluator(model, new_ops=[Conv, Gelu, GatherElements])
    with np.errstate(all="ignore"):
        return list(evaluator.run(None, dict(feeds)))


def _attribute(attributes: Mapping[str, Any], name: str, default: Any) -> Any:
    value = attributes.get(name)
    return default if value is None else list(value) if isinstance(value, (tuple, list)) else value


def _auto_pads(attributes: Mapping[str, Any], x: Any, w: Any, strides: list[int], dilations: list[int]) -> list[int]:
    mode = attributes.get("auto_pad") or "NOTSET"
    rank = x.ndim - 2
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        return [0] * (2 * rank)
    begin: list[int] = []
    end: list[int] = []
    for size, kernel, stride, dilation in zip(x.shape[2:], w.shape[2:], strides, dilations, strict=True):
        total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        small, large = total // 2, total - total // 2
        begin.append(small if mode == "SAME_UPPER" else large)
        end.append(large if mode == "SAME_UPPER" else small)
    return begin + end
