"""Models for the tests of the diff: layers of a transformer as torch exports them, and edits whose truth is known."""

from __future__ import annotations

from functools import lru_cache

import layers as bert
import onnx
from edits import KINDS, Truth, edited, filled, origins, renamed, shuffled, stripped, tagged

from onnxmagic.diff.side import Side
from onnxmagic.graph.read import read

__all__ = [
    "KINDS",
    "Truth",
    "edited",
    "hashed",
    "layers",
    "origins",
    "renamed",
    "shuffled",
    "side",
    "stripped",
]


def layers(count: int = 2, seed: int = 0) -> onnx.ModelProto:
    """Return `count` layers of 42 nodes each, with modules, shapes, and weights from `seed`; each node is tagged."""
    return filled(tagged(_layers(count)), seed)


def _layers(count: int) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(_built(count))
    return model


@lru_cache(maxsize=4)
def _built(count: int) -> onnx.ModelProto:
    return bert.build(42 * count)


def side(model: onnx.ModelProto, name: str = "model.onnx", *, weights: bool = True) -> Side:
    """Return the model as the diff looks at it; ``weights=False``: as if their values could not be read."""
    data = model.SerializeToString()
    graph = read(data)
    return Side(name, graph, graph.outline(), data, hashed(model) if weights else {})


def hashed(model: onnx.ModelProto) -> dict[str, bytes]:
    """Return a hash of the type, shape and values of each weight."""
    import hashlib

    from onnx import numpy_helper

    found: dict[str, bytes] = {}
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        about = f"{values.dtype}{values.shape}".encode()
        found[tensor.name] = hashlib.blake2b(about + values.tobytes(), digest_size=16).digest()
    return found
