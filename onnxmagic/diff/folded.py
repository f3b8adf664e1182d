"""Which parameter a weight was computed from before the file was written.

torch's exporter folds what it can: a linear layer's weight that is transposed for a MatMul stands in the file as
``val_108``. What it was survives in one place, the metadata of the value's type, as the names of all that went into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from onnxmagic.graph.tensors import text
from onnxmagic.graph.window import Bytes

if TYPE_CHECKING:
    import onnx

__all__ = ["FOLDED_FROM", "is_own_name", "parameter_behind"]

FOLDED_FROM: Final = "pkg.onnxscript.optimizer.folded_from"
_LONGEST: Final = 16 * 1024
_ITEM = re.compile(r"'([^']*)'|\"([^\"]*)\"")

# What exporters and optimisers call what has no name: val_12, onnx::MatMul_345, 345, _to_copy_3, node_Constant_7.
_MADE_UP = re.compile(r"(onnx::|_|val_|const|node_|tensor_constant|init|[a-z_]*_\d+$|\d+$|/)", re.IGNORECASE)


def is_own_name(name: str) -> bool:
    """Tell whether a weight's name is that of a parameter (``"layer.0.weight"``) and not one that a tool made up."""
    return bool(name) and ("." in name or _MADE_UP.match(name) is None) and not name.startswith(("onnx::", "/"))


def parameter_behind(data: Bytes, start: int, end: int) -> tuple[str, str] | None:
    """Return the name of a weight, and of the parameter behind it, that the description of a value tells."""
    from google.protobuf.message import DecodeError
    from onnx import ValueInfoProto

    if not len(FOLDED_FROM) < end - start < _LONGEST or FOLDED_FROM.encode() not in (
        message := _bytes(data, start, end)
    ):
        return None
    try:
        value = ValueInfoProto.FromString(message)
    except (DecodeError, UnicodeDecodeError):
        return None
    name = _parameter(value.metadata_props)
    return (text(value.name), name) if name else None


def _bytes(data: Bytes, start: int, end: int) -> bytes:
    # One description follows another, and reading each from the file by itself takes longer than looking at it.
    window, first = data.near(start)
    if end <= first + len(window):
        return bytes(window[start - first : end - first])
    return bytes(data.part(start, end))


def _parameter(metadata: Iterable[onnx.StringStringEntryProto]) -> str:
    """Return the one parameter among all that a weight was folded from; ``""`` where there are none or several."""
    listed = next((text(entry.value) for entry in metadata if text(entry.key) == FOLDED_FROM), "")
    names = {single or double for single, double in _ITEM.findall(listed)}
    dotted = [name for name in names if "." in name and is_own_name(name)]
    return dotted[0] if len(dotted) == 1 else ""
