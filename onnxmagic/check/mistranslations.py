"""What to write instead of operators that torch's exporter translates into something else.

It gives no error for these, so they are met as a difference. Each ``write`` was exported and agreed with the operator
it replaces; the tests do it again.
"""

from __future__ import annotations

from typing import Final

from onnxmagic.check.replacements import Replacement

__all__ = ["MISTRANSLATED", "mistranslation"]

MISTRANSLATED: Final[dict[str, Replacement]] = {
    "aten.avg_pool2d": Replacement(
        "F.avg_pool2d(x, 2, divisor_override=3)", "F.avg_pool2d(x, 2) * (4 / 3)", "the window's size over the divisor"
    ),
    "aten.scatter_reduce": Replacement(
        "zeros.scatter_reduce(1, index, x, 'mean')",
        "zeros.scatter_add(1, index, x) / (1 + zeros.scatter_add(1, index, torch.ones_like(x)))",
        "for zeros to start from, which count as one value",
    ),
    "aten.log_sigmoid": Replacement("F.logsigmoid(x)", "-F.softplus(-x)"),
}
"""By the name of the operator without its overload."""


def mistranslation(target: str) -> Replacement | None:
    """Return what to write instead of `target` (``"aten.avg_pool2d.default"``); None when nothing is known."""
    return MISTRANSLATED.get(".".join(target.split(".")[:2]))
