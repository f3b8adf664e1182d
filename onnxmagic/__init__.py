"""onnxmagic: get a PyTorch model out of a notebook, onto stacks that have no PyTorch, and know that it is right.

``%load_ext onnxmagic`` adds the magics; the same verbs are functions here. Importing this package, and loading the
extension, imports neither torch nor onnx: that waits for the first export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onnxmagic.check import check
from onnxmagic.diff import diff
from onnxmagic.errors import (
    CaptureFailed,
    CheckFailed,
    DiffFound,
    ExportError,
    GateClosed,
    ModelFailed,
    OnnxMagicError,
    UsageMistake,
    ValueUnavailable,
    WriteFailed,
)
from onnxmagic.export import export
from onnxmagic.record import record
from onnxmagic.show import show

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "CaptureFailed",
    "CheckFailed",
    "DiffFound",
    "ExportError",
    "GateClosed",
    "ModelFailed",
    "OnnxMagicError",
    "UsageMistake",
    "ValueUnavailable",
    "WriteFailed",
    "__version__",
    "check",
    "diff",
    "export",
    "load_ipython_extension",
    "record",
    "show",
    "unload_ipython_extension",
]

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics; called by ``%load_ext onnxmagic``."""
    from onnxmagic.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take everything back that was registered; called by ``%unload_ext onnxmagic``."""
    from onnxmagic.extension import unload

    unload(shell)


def __getattr__(name: str) -> Any:
    """Give the result classes by name without importing them at load."""
    if name in {"Export", "Parity", "Axis", "Case"}:
        from onnxmagic.export import result

        return getattr(result, name)
    if name == "Check":
        from onnxmagic.examine.result import Check

        return Check
    if name == "Diff":
        from onnxmagic.diff.result import Diff

        return Diff
    if name == "Shown":
        from onnxmagic.show.result import Shown

        return Shown
    if name == "Recording":
        from onnxmagic.record.calls import Recording

        return Recording
    if name in {"Finding", "Fix", "Where"}:
        from onnxmagic.check import finding

        return getattr(finding, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
