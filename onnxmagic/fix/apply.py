"""The rewrites that were asked for, applied to a model one after the other, with the name of the one that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnxmagic.check.wording import code, sentence
from onnxmagic.errors import FixFailed
from onnxmagic.fix.catalogue import LoadedRewrite
from onnxmagic.fix.fixes import Fixes
from onnxmagic.fix.hush import hushed
from onnxmagic.fix.rewrite import CannotRewrite, Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["Applied", "apply"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of the rewrites.

    Attributes
    ----------
    changes : tuple of str
        What was changed, a sentence each.
    left : tuple of str
        What could not be done and why, a sentence each.
    rewrites : tuple of Rewrite
        Those that changed something, in their order.
    """

    changes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()

    @property
    def safe(self) -> bool:
        """No number of the file may have changed."""
        return all(rewrite.safe for rewrite in self.rewrites)

    def did(self, name: str) -> bool:
        """Return whether the rewrite called `name` changed something."""
        return any(rewrite.name == name for rewrite in self.rewrites)


def apply(model: ir.Model, fixes: Fixes, *, leave_out: Sequence[str] = ()) -> Applied:
    """Change `model` in place.

    Parameters
    ----------
    model : onnx_ir.Model
    fixes : Fixes
    leave_out : sequence of str
        Rewrites that are only applied when they are named, because another option asks for the opposite.

    Raises
    ------
    FixFailed
        A rewrite failed, or one that was named is not possible; the message names it. `model` may be half changed.
    """
    changes: list[str] = []
    left: list[str] = []
    done: list[Rewrite] = []
    for each in fixes.chosen(leave_out):
        try:
            said = _one(each, model)
        except CannotRewrite as reason:
            if each.name in fixes.named:
                raise FixFailed(f"{code(each.name)} is not possible: {sentence(str(reason))}") from None
            left.append(f"{code(each.name)} was left out: {sentence(str(reason))}")
            continue
        changes += said
        done += [each.rewrite] if said else []
    return Applied(tuple(changes), tuple(left), tuple(done))


def _one(each: LoadedRewrite, model: ir.Model) -> Sequence[str]:
    try:
        with hushed():
            return each.apply(model)
    except CannotRewrite:
        raise
    # Files come from anywhere, and onnx_ir meets strange ones with errors of every kind; the user needs the name.
    except Exception as error:
        reason = sentence(f"{type(error).__name__}: {error}", 300)
        raise FixFailed(f"The rewrite {code(each.name)} failed on this model: {reason}") from error
