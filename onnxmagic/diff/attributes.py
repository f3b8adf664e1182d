"""What differs between the attributes of two nodes that are held to be one.

An attribute that is left out has the default of its operator, in the version that the file asks for: stating it is no
change, and another version may mean another thing by leaving it out. What newer versions read as an input instead, such
as the axes of a reduction, is one change and not two.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple

from onnxmagic.diff.origins import NOTHING, Origin, Origins
from onnxmagic.diff.result import Change
from onnxmagic.graph.facts import Node

__all__ = ["attribute_changes", "operator", "plain", "stored_value"]

_ABSENT: Final = object()
_LONGEST: Final = 200


class _Meaning(NamedTuple):
    """What an operator takes: the attributes it knows with their defaults, and its inputs by name."""

    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]


def operator(node: Node) -> str:
    """Return the operator of a node, with its domain where that is not ONNX's own."""
    named = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    return f"{named}:{node.overload}" if node.overload else named


def attribute_changes(a: Origins, b: Origins, pair: tuple[int, int]) -> tuple[list[Change], set[int]]:
    """Return what differs, and the inputs that stand for an attribute of the other node.

    Attributes that hold bodies are left out, for those are compared inside.
    """
    sides = _Node(a, pair[0]), _Node(b, pair[1])
    if sides[0].opset == sides[1].opset and sides[0].node.attributes == sides[1].node.attributes:
        return [], set()
    changes: list[Change] = []
    instead: set[int] = set()
    for name in dict.fromkeys(name for side in sides for name in (*side.given, *side.meaning.attributes)):
        before, after = (side.value(name) for side in sides)
        if _differs(name, (before, after), (sides[0].meaning, sides[1].meaning)):
            slots = [
                side.slot(name) if value is _ABSENT else -1 for side, value in zip(sides, (before, after), strict=True)
            ]
            instead.update(slot for slot in slots if slot >= 0)
            texts = [side.text(value, slot) for side, value, slot in zip(sides, (before, after), slots, strict=True)]
            changes.append(Change("attribute", f"attribute {name}"[:_LONGEST], texts[0], texts[1]))
    return changes, instead


class _Node:
    """A node with what its operator takes."""

    def __init__(self, side: Origins, index: int) -> None:
        self.side = side
        self.number = index
        self.node = side.outline.nodes[index]
        self.opset = side.side.graph.opsets.get(self.node.domain, 1)

    @cached_property
    def meaning(self) -> _Meaning:
        """The operator, in the version that the file asks for."""
        return _schema(self.node.op_type, self.node.domain, self.opset)

    @cached_property
    def given(self) -> dict[str, Any]:
        """The attributes that are no bodies."""
        bodies = {f"graph of {len(body.nodes)} nodes" for body in self.node.body}
        return {name: value for name, value in self.node.attributes.items() if not (bodies and _all_in(value, bodies))}

    def value(self, name: str) -> Any:
        """Return what is given, or what is meant by leaving it out."""
        return self.given[name] if name in self.given else self.meaning.attributes.get(name, _ABSENT)

    def slot(self, name: str) -> int:
        """Return which input has the name of an attribute; -1 where none has, or it is left out."""
        slot = self.meaning.inputs.index(name) if name in self.meaning.inputs else -1
        reads = self.side.read(self.number)
        return slot if 0 <= slot < len(reads) and reads[slot] is not NOTHING else -1

    def text(self, value: Any, slot: int) -> str:
        """Return a value as text, or that of the input that stands for it."""
        if value is not _ABSENT:
            return plain(value)
        if slot < 0:
            return "not given"
        stored = stored_value(self.side, self.side.read(self.number)[slot])
        return f"input {slot}" if stored is None else f"input {slot}: {plain(stored)}"


def _differs(name: str, values: tuple[Any, Any], meanings: tuple[_Meaning, _Meaning]) -> bool:
    before, after = values
    if before is _ABSENT or after is _ABSENT:
        # Only one of the two versions knows the attribute, and what it does there is what it does unasked.
        stated = after if before is _ABSENT else before
        default = meanings[before is _ABSENT].attributes.get(name, _ABSENT)
        return stated is not _ABSENT and (default is _ABSENT or not _same(stated, default))
    return not _same(before, after)


def _same(before: Any, after: Any) -> bool:
    # NaN is not equal to itself, and says the same nevertheless.
    return before == after or repr(before) == repr(after)


def _all_in(value: Any, bodies: set[str]) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return bool(texts) and all(isinstance(text, str) and text in bodies for text in texts)


def plain(value: Any) -> str:
    """Return a value as text of a length that can be read."""
    text = _plain(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_plain, value))}]"
    return _float(value) if isinstance(value, float) and math.isfinite(value) else str(value)


def _float(value: float) -> str:
    """Return the shortest text of a number that was kept in 32 bits, as nearly all in a file are."""
    texts = (f"{value:.{digits}g}" for digits in (6, 7, 8))
    return next((text for text in texts if _in_32_bits(float(text)) == _in_32_bits(value)), repr(value))


def _in_32_bits(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<d", value)


def stored_value(side: Origins, origin: Origin) -> Any:
    """Return the small value of a weight or a constant; None where it is neither, or larger."""
    if origin.kind == "weight":
        return side.side.stored[origin.number].value
    node = side.outline.nodes[origin.number] if origin.kind == "node" else None
    if node is None or node.op_type != "Constant" or node.domain:
        return None
    value = next(iter(node.attributes.values()), None)
    return None if isinstance(value, str) else value


@lru_cache(maxsize=1024)
def _schema(op_type: str, domain: str, opset: int) -> _Meaning:
    import onnx.defs
    from onnx import AttributeProto

    from onnxmagic.graph.tensors import attribute

    try:
        schema = onnx.defs.get_schema(op_type, opset, domain)
    # An operator of somebody's own, or of a version that this onnx does not know; onnx raises its own kind of error.
    except Exception:  # noqa: BLE001
        return _Meaning({}, ())
    defaults = {
        name: attribute(about.default_value)
        for name, about in schema.attributes.items()
        if about.default_value.type != AttributeProto.UNDEFINED
    }
    return _Meaning(defaults, tuple(each.name for each in schema.inputs))
