"""Source lines, local paths and documentation texts are taken out of the file.

No runtime reads them, so no number changes. What tells a person where a node comes from stays: module scopes, class
names, and the notes of the exporter on inputs and ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from onnxmagic.check.rules.source_leak import LOCAL_PATH
from onnxmagic.check.wording import size
from onnxmagic.fix.parts import nodes, values
from onnxmagic.fix.rewrite import Rewrite
from onnxmagic.graph.tensors import text

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("strip-metadata", "source lines, local paths and documentation texts go", ("OM605",))

_SOURCE = re.compile(r"stack_trace$|fx_node$")


def apply(model: ir.Model) -> list[str]:
    """Return a sentence with the bytes of text that were taken out."""
    taken = sum(map(_clean, _parts(model))) + sum(map(_clean_tensor, _tensors(model)))
    return [f"{size(taken)} of source lines, local paths and documentation texts are taken out."] if taken else []


def _parts(model: ir.Model) -> Iterator[Any]:
    """Yield everything but tensors that carries such texts."""
    yield model
    yield from model.graphs()
    yield from model.functions.values()
    for node in nodes(model):
        yield node
        yield from node.attributes.values()
    yield from values(model)


def _tensors(model: ir.Model) -> Iterator[Any]:
    import onnx_ir as ir

    yield from (value.const_value for value in values(model) if value.const_value is not None)
    for node in nodes(model):
        for attribute in node.attributes.values():
            if attribute.type == ir.AttributeType.TENSOR and not attribute.is_ref():
                yield attribute.as_tensor()


def _clean(part: Any) -> int:
    """Take the texts out of `part` and return how many bytes they had."""
    taken = _nbytes(part.doc_string)
    if taken:
        part.doc_string = None
    return taken + _clean_notes(getattr(part, "metadata_props", {}))


def _clean_tensor(tensor: Any) -> int:
    """Do so for a tensor; one that still is the file's own message can only be changed there."""
    import onnx

    message = getattr(tensor, "raw", None)
    if not isinstance(message, onnx.TensorProto):
        return _clean(tensor)
    taken = _nbytes(message.doc_string) + _clean_notes(tensor.metadata_props)
    message.ClearField("doc_string")
    # onnx_ir writes its own copy of them too.
    message.ClearField("metadata_props")
    return taken


def _clean_notes(notes: dict[str, Any]) -> int:
    leaks = [key for key, note in notes.items() if _SOURCE.search(text(key)) or LOCAL_PATH.search(text(note))]
    return sum(_nbytes(key) + _nbytes(notes.pop(key)) for key in leaks)


def _nbytes(words: str | bytes | None) -> int:
    """Return the bytes of a text; files of old exporters hold some that are not UTF-8."""
    return len(text(words or "").encode(errors="replace"))
