"""The IR version is lowered to the one that the operator sets came with.

A runtime refuses a file of an IR version that it does not know, whatever is in it: ONNX Runtime 1.17.3 loaded 3 of 49
exports as torch stamps them and 38 when only this number was smaller. The format says by the number alone which fields
may be there, so what the file computes does not change. Fields that are newer and only describe (metadata of nodes) may
stay: readers skip what they do not know. What the numbers of the file depend on raises the floor: element types and a
model's own functions.
Source of the pairs: ``onnx.helper.OP_SET_ID_VERSION_MAP``, ONNX's own table of releases; of the types: onnx.proto.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from onnxmagic.fix.parts import nodes, values
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply", "lowest_ir"]

REWRITE = Rewrite("lower-ir", "the IR version becomes the lowest that the file needs", ("OM503",))

_FUNCTIONS, _OVERLOADS = 8, 10
_TYPES: Final = {
    "FLOAT8E4M3FN": 9,
    "FLOAT8E4M3FNUZ": 9,
    "FLOAT8E5M2": 9,
    "FLOAT8E5M2FNUZ": 9,
    "UINT4": 10,
    "INT4": 10,
    "FLOAT4E2M1": 11,
    "FLOAT8E8M0": 12,
    "UINT2": 13,
    "INT2": 13,
}
_OLD: Final = {"UNDEFINED", "FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "BOOL", "STRING", "COMPLEX64", "COMPLEX128"} | {
    f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)
}


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the IR version before and after."""
    lowest = lowest_ir(model)
    before = model.ir_version
    if lowest is None or before <= lowest:
        return []
    model.ir_version = lowest
    return [f"IR version {before} became {lowest}, which the file's operator sets came with: older runtimes read it."]


def lowest_ir(model: ir.Model) -> int | None:
    """Return the lowest IR version for what is in `model`; None where something in it is not known here."""
    # Not below 7: from there on initializers are no inputs, and every field that numbers depend on is there.
    floors: list[int | None] = [7]
    for imports in (model.graph.opset_imports, *(f.opset_imports for f in model.functions.values())):
        floors += [_of_release(domain or "ai.onnx", version) for domain, version in imports.items()]
    if model.functions:
        floors.append(_OVERLOADS if any(f.overload for f in model.functions.values()) else _FUNCTIONS)
    floors += [7 if name in _OLD else _TYPES.get(name) for name in _types(model)]
    return None if None in floors else max(floor for floor in floors if floor is not None)


def _of_release(domain: str, version: int) -> int | None:
    """Return the IR version of the first ONNX release with this operator set; None when no known one has it."""
    from onnx import helper

    table: dict[tuple[str, int], int] = helper.OP_SET_ID_VERSION_MAP
    of_domain = {number: ir for (name, number), ir in table.items() if name == domain}
    if not of_domain:  # somebody's own operators: they say nothing of the format
        return 7
    return min((ir for number, ir in of_domain.items() if number >= version), default=None)


def _types(model: ir.Model) -> set[str]:
    """Return the names of the element types in `model`."""
    import onnx_ir as ir

    found = {value.dtype.name for value in values(model) if value.dtype is not None}
    found |= {value.const_value.dtype.name for value in values(model) if value.const_value is not None}
    for node in nodes(model):
        for attribute in node.attributes.values():
            if attribute.is_ref():
                continue
            if attribute.type == ir.AttributeType.TENSOR:
                found.add(attribute.as_tensor().dtype.name)
            elif node.op_type == "Cast" and attribute.name == "to":
                found.add(ir.DataType(attribute.as_int()).name)
    return found
