"""# quantized-module: PyTorch's quantised modules cannot be exported.

## What it finds

Modules that `torch.ao.quantization` has converted (`quantize_dynamic`, `convert`): their weights are packed for
PyTorch's own integer kernels. And modules that it has prepared only (`prepare`, `prepare_qat`), with observers that
look at values in Python.

## Why it hurts

There is no translation for them. The exporter stops with an error about `__obj_flatten__`, `LinearPackedParams` or
`quantized::linear_dynamic`, or about a condition inside an observer, which names neither the module nor a way out.

## How to mend it

Export the model as it was before `prepare` and `convert`, in float, and quantise the file:
`onnxruntime.quantization.quantize_dynamic` does what `quantize_dynamic` did, `quantize_static` takes calibration
data.

## Bad example

    import torch
    from torch import nn

    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 2)).eval(), {nn.Linear})
    args = (torch.randn(2, 4),)

## Good example

    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 2)).eval()
    args = (torch.randn(2, 4),)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from onnxmagic.check.evidence import ModelEvidence
from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import module_name

if TYPE_CHECKING:
    from torch import nn

RULE = Rule("OM109", "quantized-module", "error", "model")

_PACKED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.ao.nn.sparse.quantized")
_QUANTIZE_FILE = 'onnxruntime.quantization.quantize_dynamic("float.onnx", "int8.onnx")'


def find(evidence: ModelEvidence) -> Iterator[Finding]:
    """Yield one finding for all quantised modules, or else one for all observers."""
    from torch.ao.quantization.fake_quantize import FakeQuantizeBase
    from torch.ao.quantization.observer import UniformQuantizationObserverBase

    observers = (FakeQuantizeBase, UniformQuantizationObserverBase)
    packed = _outermost((path, m) for path, m in evidence.model.named_modules() if _is_packed(m))
    watched = _outermost((path, m) for path, m in evidence.model.named_modules() if isinstance(m, observers))
    if packed:
        is_what = ("is quantised for PyTorch's own kernels", "are quantised for PyTorch's own kernels")
        yield _finding(packed, is_what, "it was made from")
    elif watched:
        is_what = ("is an observer for quantisation", "are observers for quantisation")
        yield _finding(watched, is_what, "as it was before `prepare`")


def _finding(found: list[tuple[str, nn.Module]], is_what: tuple[str, str], which: str) -> Finding:
    path, first = found[0]
    rest = {0: is_what[0], 1: f"and one other module {is_what[1]}"}.get(
        len(found) - 1, f"and {len(found) - 1} other modules {is_what[1]}"
    )
    return RULE.finding(
        f"{module_name(path, type(first).__name__)} {rest}, which PyTorch's exporter cannot translate. "
        f"Export the float model {which}, and quantise the file.",
        where=Where(module=path),
        fix=Fix("code", _QUANTIZE_FILE),
        count=len(found),
    )


def _outermost(modules: Iterable[tuple[str, nn.Module]]) -> list[tuple[str, nn.Module]]:
    """Leave out modules in modules: a packed one holds its weights in another, and people know the outer one."""
    kept: list[tuple[str, nn.Module]] = []
    for path, module in modules:  # parents come before their children
        if not kept or not (path.startswith(f"{kept[-1][0]}.") or not kept[-1][0]):
            kept.append((path, module))
    return kept


def _is_packed(module: nn.Module) -> bool:
    return type(module).__module__.startswith(_PACKED)
