"""Round trips through a less precise float type are taken out: float32 to float16 and back.

The value is then no longer rounded on the way, so the numbers change, towards the more precise ones; a model that was
trained or calibrated with that rounding may want to keep it. This is why it needs ``--fix unsafe`` or its name.
A trip through an integer is left alone: it cuts off fractions, which is mostly meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxmagic.fix.casts import FLOATS, chains, holds_all, skip, source_type, target_type
from onnxmagic.fix.parts import counted
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("remove-rounding-casts", "round trips through less precise floats go", ("OM310",), safe=False)


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the number of round trips that were taken out."""
    count = 0
    for later, earlier in chains(model):
        if earlier is not None and _rounds(later, earlier):
            skip(later, earlier)
            count += 1
    return [f"{counted(count, 'round trip')} through a less precise float type left out."] if count else []


def _rounds(later: ir.Node, earlier: ir.Node) -> bool:
    source, between, target = source_type(earlier), target_type(earlier), target_type(later)
    floats = source is not None and {source.name, between.name, target.name} <= FLOATS.keys()
    return floats and source is not None and not holds_all(between, source) and holds_all(target, source)
