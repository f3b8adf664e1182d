"""``%config OnnxMagic``: what every export of this session does unless its line says otherwise.

A bad value must not break anything: IPython keeps it in the shell's configuration although it was refused, and the next
load would die of it. So each value is tried alone, and a bad one leaves the default in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traitlets import Bool, Enum, Int, TraitError
from traitlets.config import Config, Configurable
from traitlets.log import get_logger

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["OnnxMagic", "settings_of"]


class OnnxMagic(Configurable):
    """Defaults of the options of ``%onnx_export``; an option on the line wins."""

    opset = Int(None, allow_none=True, help="Version of the ONNX operator set; None is torch's own.").tag(config=True)
    show = Enum(["auto", "html", "widget", "text"], "auto", help="How the report is shown.").tag(config=True)
    fail_on = Enum(
        ["error", "warning", "never"], "never", help="Raise when there is such a finding or a worse one."
    ).tag(config=True)
    prove = Bool(True, help="Run the file and compare it with PyTorch.").tag(config=True)
    keep_source = Bool(False, help="Keep source lines and local paths in the file.").tag(config=True)
    static = Bool(False, help="Keep every axis at the example's size.").tag(config=True)
    quiet = Bool(False, help="Show no report.").tag(config=True)


def settings_of(shell: InteractiveShell) -> OnnxMagic:
    """Return the settings that the shell's configuration holds, a default for each value that is not allowed."""
    section: dict[str, Any] = shell.config.get("OnnxMagic", {})
    good = Config()
    for name, value in section.items():
        one = Config({"OnnxMagic": {name: value}})
        try:
            OnnxMagic(config=one)
        except TraitError as error:
            get_logger().warning("OnnxMagic.%s is ignored: %s", name, error)
        else:
            good.merge(one)
    return OnnxMagic(config=good)
