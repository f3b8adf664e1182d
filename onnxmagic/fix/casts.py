"""Casts in a row: which say nothing, and how one is taken out.

A cast to a type that holds every value of the old one loses nothing, so what follows can take the value before it. The
sets below are of types whose values are exactly values of the other: significand and exponent of IEEE 754 formats and
bfloat16, ranges of integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from onnxmagic.fix.parts import nodes

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["FLOATS", "chains", "drop", "holds_all", "skip", "source_type", "target_type"]

FLOATS: Final = {"FLOAT16": (11, 5), "BFLOAT16": (8, 8), "FLOAT": (24, 8), "DOUBLE": (53, 11)}
"""Bits of significand (the hidden one included) and of exponent."""
_INTEGERS: Final = {
    "BOOL": (0, 1),
    "UINT8": (0, 8),
    "UINT16": (0, 16),
    "UINT32": (0, 32),
    "UINT64": (0, 64),
    "INT8": (1, 7),
    "INT16": (1, 15),
    "INT32": (1, 31),
    "INT64": (1, 63),
}
"""Whether there is a sign, and bits of magnitude."""


def holds_all(wide: ir.DataType, narrow: ir.DataType) -> bool:
    """Return whether every value of type `narrow` is one of type `wide`."""
    if wide is narrow:
        return True
    if wide.name in FLOATS and narrow.name in FLOATS:
        return all(w >= n for w, n in zip(FLOATS[wide.name], FLOATS[narrow.name], strict=True))
    if narrow.name not in _INTEGERS:
        return False
    signed, bits = _INTEGERS[narrow.name]
    if wide.name in FLOATS:
        # float16 ends at 65,504, below the largest number of 16 bits, but its 11 bits are the tighter border.
        return bits + signed <= FLOATS[wide.name][0]
    if wide.name in _INTEGERS:
        wide_signed, wide_bits = _INTEGERS[wide.name]
        return wide_signed >= signed and wide_bits >= bits
    return False


def chains(model: ir.Model) -> Iterator[tuple[ir.Node, ir.Node | None]]:
    """Yield every cast with the cast that its input comes from, None where it comes from elsewhere."""
    for node in [each for each in nodes(model) if _is_cast(each)]:
        producer = node.inputs[0].producer() if node.inputs[0] is not None else None
        yield node, producer if producer is not None and _is_cast(producer) else None


def source_type(node: ir.Node) -> ir.DataType | None:
    """Return the element type that a cast gets; None where the file does not say."""
    value = node.inputs[0]
    if value is None:
        return None
    producer = value.producer()
    return target_type(producer) if producer is not None and _is_cast(producer) else value.dtype


def target_type(node: ir.Node) -> ir.DataType:
    """Return the element type that a cast gives."""
    import onnx_ir as ir

    return ir.DataType(node.attributes["to"].as_int())


def skip(later: ir.Node, earlier: ir.Node) -> None:
    """Let `later` take what `earlier` takes; `earlier` goes when nothing else reads it."""
    later.replace_input_with(0, earlier.inputs[0])
    _remove_if_unread(earlier)


def drop(node: ir.Node) -> None:
    """Take out a cast whose result is its input; where it makes an output of a graph, it is an Identity."""
    given, made = node.inputs[0], node.outputs[0]
    if given is None:
        return
    if made.is_graph_output():
        node.op_type = "Identity"
        node.attributes.clear()
        return
    made.replace_all_uses_with(given)
    _remove_if_unread(node)


def _remove_if_unread(node: ir.Node) -> None:
    made = node.outputs[0]
    if not made.uses() and not made.is_graph_output() and node.graph is not None:
        node.graph.remove(node, safe=True)


def _is_cast(node: ir.Node) -> bool:
    attribute = node.attributes.get("to")
    plain = attribute is not None and not attribute.is_ref()
    return node.op_type == "Cast" and node.domain in {"", "ai.onnx"} and plain and len(node.inputs) == 1
