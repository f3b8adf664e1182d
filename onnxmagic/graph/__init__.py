"""A .onnx file as facts: signature, nodes, module tree, shapes, cost. Weights stay on disk.

``read(path)`` gives the facts; their ``outline()`` is what there is to draw, their ``costs()`` what each node costs.
"""

from __future__ import annotations

# The function has the name of the module it is in. It must be imported here and at once: a module imported later
# would take its place.
from onnxmagic.graph.facts import Graph
from onnxmagic.graph.read import NotAModel, read

__all__ = ["Graph", "NotAModel", "read"]
