"""A diff as plain JSON data; docs/diff.schema.json describes it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from os import PathLike, fspath
from typing import Any

from onnxmagic.diff.result import Diff, SignatureDiff
from onnxmagic.diff.side import Side

__all__ = ["plain"]


def plain(diff: Diff) -> dict[str, Any]:
    """Return `diff` as lists, mappings, texts and numbers; NaN and infinity, which JSON does not know, are null."""
    return _plain(
        {
            "version": 1,
            "identical": diff.identical,
            "summary": diff.summary,
            "notes": diff.notes,
            "a": _side(diff.a),
            "b": _side(diff.b),
            "matched": len(diff.matching.pairs),
            "signature": _signature(diff.signature),
            "nodes": asdict(diff.nodes),
            "regions": [asdict(region) for region in diff.regions],
            "weights": {
                **asdict(diff.weights),
                "renamed": [{"before": before, "after": after} for before, after in diff.weights.renamed],
                "unread": [{"name": name, "reason": reason} for name, reason in diff.weights.unread],
            },
            "outputs": asdict(diff.outputs),
            "cost": asdict(diff.cost),
            "findings": asdict(diff.findings),
        }
    )


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "path": fspath(side.source) if isinstance(side.source, (str, PathLike)) else None,
        "producer": side.graph.producer,
        "opset": side.graph.opset,
        "ir_version": side.graph.ir_version,
        "nodes": len(side.nodes),
        "parameters": side.graph.parameters,
        "bytes": side.graph.nbytes,
    }


def _signature(signature: SignatureDiff) -> dict[str, Any]:
    return {"breaking": len(signature.breaking), "changes": [asdict(change) for change in signature.changes]}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
