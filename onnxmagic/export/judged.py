"""What every result that carries findings can do: say whether it is fit, and mend a copy of its file.

An export and a check differ in what they know, not in this, so it is written once and both inherit it. It declares the
fields that it reads and stays no dataclass itself: a base's fields would come first, and the order of a result's fields
is part of its contract.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from onnxmagic.check.finding import Finding
from onnxmagic.errors import UsageMistake
from onnxmagic.fix.beside import Beside
from onnxmagic.inside.looked import Looked
from onnxmagic.inside.selection import Selection

if TYPE_CHECKING:
    from onnxmagic.examine.result import Check

__all__ = ["Judged", "Selection"]


class Judged(Looked):
    """A result that was judged by findings.

    A dataclass that inherits it is declared with ``repr=False``, for it would write a ``__repr__`` of its own.
    """

    path: Path | None
    findings: tuple[Finding, ...]

    # IPython takes a class's own __repr__ before an inherited _repr_pretty_.
    _repr_pretty_ = Looked._repr_pretty_

    def __repr__(self) -> str:
        state = "ok" if self.ok else "not fit"
        count = len(self.findings)
        return f"<{type(self).__name__} {self._title}: {state}, {count} finding{'' if count == 1 else 's'}>"

    @property
    def _title(self) -> str:
        """What was judged, in a word."""
        raise NotImplementedError

    @property
    def ok(self) -> bool:
        """No finding of severity error."""
        return not any(f.severity == "error" for f in self.findings)

    @property
    def mending(self) -> Beside | None:
        """What applies fixes to a copy of the file, one by one; None where there is no file."""
        return self._mending(())

    def _mending(self, targets: tuple[str, ...]) -> Beside | None:
        if self.selection.beside is None and self.path is not None:
            self.selection.beside = Beside(self.path, targets)
        return self.selection.beside

    def _findings(self) -> tuple[Finding, ...]:
        return self.findings

    def offer(self, name: str) -> tuple[str, str]:
        """Return the words of a button that applies a rewrite, and what it says before; empty without a file."""
        return self.mending.offer(name) if self.mending else ("", "")

    def fix(self, name: str) -> Check:
        """Apply one rewrite to a copy of the file, beside it, and return the copy's check.

        Parameters
        ----------
        name : str
            As a finding's ``fix.rewrite`` has it, for example ``"dropout-to-identity"``. Fixes that were asked for
            before stay in the copy.

        Raises
        ------
        UsageMistake
            There is no file, or no rewrite of this name.
        """
        if self.mending is None:
            raise UsageMistake(f"There is no file to mend; write one: %onnx_export … -o model.onnx --fix {name}")
        return self.mending.apply(name)
