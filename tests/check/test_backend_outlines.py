"""The graphs of ONNX's own tests, all the operators there are: each is read, outlined and costed.

Beside the tests that made them, for making them takes longer than all that is done with them.
"""

from __future__ import annotations

from collections import Counter

import pytest
from test_backend_cases import cases

from onnxmagic.graph.cost import costs
from onnxmagic.graph.outline import outline
from onnxmagic.graph.read import read


@pytest.mark.timeout(240)
def test_every_graph_of_onnx_has_an_outline_and_costs() -> None:
    sources: Counter[str] = Counter()
    bodies: Counter[str] = Counter()
    for data in cases().values():
        graph = read(data)
        found = outline(graph)
        assert list(found.nodes[: len(graph.nodes)]) == list(graph.nodes)
        assert [found.values[index].name for index in found.inputs] == [value.name for value in graph.inputs]
        assert all(scope.parent < index for index, scope in enumerate(found.scopes))
        assert all(edge.source >= 0 or edge.value in found.inputs for edge in found.edges)
        assert len(costs(found, graph)) == len(found.nodes) == len(found.of_node)
        sources[found.source] += 1
        bodies.update(found.nodes[scope.owner].op_type for scope in found.scopes if scope.kind == "body")
    assert sum(sources.values()) > 1500
    assert {"If", "Loop", "Scan"} <= set(bodies)
