"""``%config OnnxMagic``: what every export and check of this session does unless its line says otherwise.

A bad value must not break anything: IPython keeps it in the shell's configuration although it was refused, and the next
load would die of it. So each value is tried alone, and a bad one leaves the default in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from traitlets import Bool, Enum, Int, List, TraitError, Unicode, Union, validate
from traitlets.config import Config, Configurable
from traitlets.log import get_logger

from onnxmagic.errors import UsageMistake

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["OnnxMagic", "settings_of"]


class OnnxMagic(Configurable):
    """Defaults of the options of ``%onnx_export`` and ``%onnx_check``; an option on the line wins.

    But ``ignore`` is added to what ``--ignore`` names, and a line with ``--select`` sets it aside: that line says for
    itself what counts.
    """

    opset = Int(None, allow_none=True, help="Version of the ONNX operator set; None is torch's own.").tag(config=True)
    show = Enum(["auto", "html", "widget", "text"], "auto", help="How the report is shown.").tag(config=True)
    fail_on = Enum(
        ["error", "warning", "never"], "never", help="Raise when there is such a finding or a worse one."
    ).tag(config=True)
    prove = Bool(True, help="Run the file and compare it with PyTorch.").tag(config=True)
    changes = Bool(True, help="Compare a new file with the one that it replaces.").tag(config=True)
    keep_source = Bool(False, help="Keep source lines and local paths in the file.").tag(config=True)
    static = Bool(False, help="Keep every axis at the example's size.").tag(config=True)
    keep = Int(16, min=1, help="Calls that %%onnx_export MODEL keeps with their values.").tag(config=True)
    budget = Unicode("1GB", help="The most memory that they take, for example '500MB'.").tag(config=True)
    samples = Union(
        [Int(min=1), Enum(["all"])],
        default_value=1000,
        help="How many samples (rows) of --data are taken; 'all' for all of them.",
    ).tag(config=True)
    quiet = Bool(False, help="Show no report.").tag(config=True)
    ignore = Union(
        [Unicode(), List(Unicode())],
        default_value="",
        help="Findings that do not count, for example 'OM206,OM605'; --ignore adds to them, --select sets this aside.",
    ).tag(config=True)
    targets = Union(
        [Unicode(), List(Unicode())],
        default_value="",
        help="Stacks that files are meant for, for example 'onnxruntime==1.17'; --target replaces them.",
    ).tag(config=True)

    @validate("budget")
    def _is_size(self, proposal: dict[str, Any]) -> str:
        from onnxmagic.record.budget import parse_budget

        try:
            parse_budget(proposal["value"])
        except UsageMistake as mistake:
            raise TraitError(f"OnnxMagic.budget: {mistake}") from None
        return proposal["value"]

    @validate("ignore")
    def _known_rules(self, proposal: dict[str, Any]) -> Sequence[str]:
        from onnxmagic.check import catalogue

        try:
            catalogue.known(proposal["value"])
        except UsageMistake as mistake:
            raise TraitError(f"OnnxMagic.ignore: {mistake}") from None
        return proposal["value"]

    @validate("targets")
    def _known_targets(self, proposal: dict[str, Any]) -> Sequence[str]:
        from onnxmagic.target import find_targets

        try:
            find_targets(proposal["value"])
        except UsageMistake as mistake:
            raise TraitError(f"OnnxMagic.targets: {mistake}") from None
        return proposal["value"]


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
