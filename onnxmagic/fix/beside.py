"""Fixes that are asked for one by one, gathered in one new file beside the old one.

A button must be harmless: the file that was checked stays as it is, and so does every file that is there already. So
the first fix takes a free name, and the next ones join it there, for two files with one fix each would help nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxmagic.examine.result import Check

__all__ = ["Beside"]


@dataclass
class Beside:
    """What one model file was asked to be mended of.

    Attributes
    ----------
    path : Path
        The file, which is never written to.
    targets : tuple of str
        The stacks that the mended file is checked for too.
    names : tuple of str
        The rewrites that are in the new file.
    output : Path or None
        The new file; None before the first fix.
    """

    path: Path
    targets: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    output: Path | None = None

    def next_output(self) -> Path:
        """Return where the next fix goes: ``net.fixed.onnx``, ``net.fixed-2.onnx`` where that is taken."""
        if self.output is not None:
            return self.output
        stem = re.sub(r"\.fixed(-\d+)?$", "", self.path.stem)
        number, free = 1, self.path.with_name(f"{stem}.fixed.onnx")
        while free.exists() or free.is_symlink():
            number += 1
            free = self.path.with_name(f"{stem}.fixed-{number}.onnx")
        return free

    def offer(self, name: str) -> tuple[str, str]:
        """Return the words of a button for the rewrite called `name`, and what it says before it is pressed."""
        from onnxmagic.fix.catalogue import rewrites

        rewrite = next((each.rewrite for each in rewrites() if each.name == name), None)
        if rewrite is None:
            return "", ""
        harm = "" if rewrite.safe else " This changes numbers."
        where = f"Written to {self.next_output().name}, a new file; {self.path.name} stays as it is."
        label = "Fix in a copy" if rewrite.safe else "Fix in a copy, changing numbers"
        return label, f"{rewrite.does[:1].upper()}{rewrite.does[1:]}.{harm} {where}"

    def apply(self, name: str) -> Check:
        """Apply the rewrite called `name`, with those that were asked for before, and return the new file's check.

        Raises
        ------
        OnnxMagicError
            It cannot be applied, or the new file could not be written; nothing was.
        """
        from onnxmagic.check import check

        names = (*self.names, name) if name not in self.names else self.names
        output = self.next_output()
        checked = check(self.path, fix=names, output=output, targets=self.targets)
        if checked.changes:
            self.names, self.output = names, output
        return checked
