"""What ``%load_ext`` and ``%unload_ext`` do to a shell: exactly one of each of ours, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxmagic.completion import IDENTIFIER, matcher
from onnxmagic.config import settings_of
from onnxmagic.magics import OnnxMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]

OURS = ("OnnxMagics", "OnnxMagic")
MAGICS = ("onnx_export", "onnx_check", "onnx_show", "onnx_diff")


def load(shell: InteractiveShell) -> None:
    """Register the magics, their settings and their completion; a second time changes nothing."""
    unload(shell)
    settings = settings_of(shell)
    shell.configurables.append(settings)  # type: ignore[arg-type]  # IPython's stub names the first element's class
    shell.register_magics(OnnxMagics(shell, settings))
    shell.Completer.custom_matchers.append(matcher(shell))


def unload(shell: InteractiveShell) -> None:
    """Take back what ``load`` registered; what the user has put in its place stays.

    Found by name: a reload may have made the classes anew.
    """
    manager = shell.magics_manager
    manager.registry.pop("OnnxMagics", None)
    for registered in manager.magics.values():
        for name in MAGICS:
            if type(getattr(registered.get(name), "__self__", None)).__name__ in OURS:
                del registered[name]
    shell.configurables[:] = [c for c in shell.configurables if type(c).__name__ not in OURS]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", None) != IDENTIFIER]
