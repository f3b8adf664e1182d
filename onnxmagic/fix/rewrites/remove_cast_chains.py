"""Casts that change no value are taken out: to the type that is there already, or to a wider one and on from it.

float16 to float32 to float64 is float16 to float64, bit for bit, because the type between holds every float16. A cast
through a narrower type rounds, and stays: ``remove-rounding-casts`` takes those. From a float to an integer nothing is
joined, because runtimes differ in what they make of numbers out of range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnxmagic.fix.casts import FLOATS, chains, drop, holds_all, skip, source_type, target_type
from onnxmagic.fix.parts import counted
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("remove-cast-chains", "casts that change no value go", ("OM310",))


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the number of casts that were taken out or shortened."""
    count = 0
    for later, earlier in chains(model):
        count += earlier is not None and _join(later, earlier)
        if source_type(later) is target_type(later):
            drop(later)
            count += 1
    them = "them" if count > 1 else "it"
    return [f"{counted(count, 'cast')} left out: no value changes by {them}."] if count else []


def _join(later: ir.Node, earlier: ir.Node) -> bool:
    source, between, target = source_type(earlier), target_type(earlier), target_type(later)
    if source is None or not holds_all(between, source):
        return False
    if source.name in FLOATS and target.name not in FLOATS:
        return False
    skip(later, earlier)
    return True
