"""Which PyTorch module and which source line a node came from, as far as its file tells.

torch's exporter writes the module path, the classes along it and the Python stack into every node's metadata. The older
exporter writes none of that, but names its nodes by path (``/blocks/blocks.0/fc/Gemm``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

__all__ = ["KEYS", "MAX_DEPTH", "place", "trace"]

MAX_DEPTH: Final = 100
"""Modules nested deeper than this count as part of their ancestor there; no network is, a hostile file may be."""

_LONGEST: Final = 1000
"""Characters of a path; what is longer is cut there, as no network's is and a hostile file's may be."""

_SCOPES: Final = "pkg.torch.onnx.name_scopes"
_CLASSES: Final = "pkg.torch.onnx.class_hierarchy"
_NO_MODULE: Final = "_empty_nn_module_stack"
"""What torch writes, with an ending, for an operator that one of its own passes made: no module of anybody's."""

_TRACE: Final = "pkg.torch.onnx.stack_trace"

KEYS: Final = frozenset({_SCOPES, _CLASSES, _TRACE})
"""What is looked at of a node's metadata; the rest is as long again."""

# Items of a Python list of strings. Not ast.literal_eval: the text is a stranger's, and there are two in every node.
_ITEM = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def place(metadata: Mapping[str, str], name: str) -> tuple[str | None, tuple[str, ...]]:
    """Return the module path of a node and the class names along it (root first, ``""`` where unknown).

    Parameters
    ----------
    metadata : mapping
        The node's ``metadata_props``.
    name : str
        The node's name, which the older exporter made from the path.

    Returns
    -------
    module : str or None
        None when the file does not say.
    classes : tuple of str
        As long as the path has components, plus one for the root.
    """
    if _SCOPES in metadata:
        # The last scope is the operator itself.
        scopes = _items(metadata[_SCOPES])[:-1]
        classes = _items(metadata.get(_CLASSES, ""))[:-1]
        if scopes and scopes[-1].startswith(_NO_MODULE):
            return None, ()
        return _aligned(tuple(scopes), tuple(classes)) if scopes else (None, ())
    if name.startswith("/"):
        return _from_name(name), ()
    return None, ()


def trace(metadata: Mapping[str, str], doc_string: str) -> str | None:
    """Return the Python stack a node carries, innermost frame last; None when it carries none."""
    if _TRACE in metadata:
        return metadata[_TRACE]
    # The older exporter, told to be verbose, writes lines like "/home/me/net.py(12): forward" here.
    return doc_string if ".py(" in doc_string else None


def _items(text: str) -> list[str]:
    return [single or double for single, double in _ITEM.findall(text[: 20 * _LONGEST])]


@lru_cache(maxsize=256)  # the nodes of a module follow each other, and say the same
def _aligned(scopes: tuple[str, ...], classes: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    path = _cut(scopes[-1])
    known = dict(zip(scopes, classes, strict=False))
    parts = path.split(".") if path else []
    prefixes = ["", *(".".join(parts[: i + 1]) for i in range(len(parts)))]
    return path, tuple(known.get(p, "").rpartition(".")[2] for p in prefixes)


def _from_name(name: str) -> str:
    """Return the module path in ``/layer1/layer1.0/conv/Conv``: members of a container repeat the container's name."""
    path: list[str] = []
    for part in name[:_LONGEST].split("/")[1:-1]:
        pieces = part.split(".")
        if path and pieces[0] == path[-1] and len(pieces) > 1:
            path.pop()
        path += pieces
    return ".".join(path[:MAX_DEPTH])


def _cut(path: str) -> str:
    return ".".join(path[:_LONGEST].split(".", MAX_DEPTH)[:MAX_DEPTH])
