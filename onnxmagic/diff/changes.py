"""From which node is which to what was added, removed, changed and moved."""

from __future__ import annotations

from onnxmagic.diff.comparison import Comparison
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import Origins
from onnxmagic.diff.ports import Ports
from onnxmagic.diff.result import AtNode, NodeChange, NodesDiff
from onnxmagic.diff.side import Side

__all__ = ["at_node", "nodes_diff"]


def nodes_diff(a: Origins, b: Origins, matching: Matching, paired: Ports) -> NodesDiff:
    """Return the structure's differences; whoever has the same computation in another module has ``moved``."""
    comparison = Comparison(a, b, matching, paired)
    changed: list[NodeChange] = []
    moved: list[NodeChange] = []
    for pair in matching.pairs:
        changes = comparison.changes(pair.a, pair.b)
        modules = a.outline.nodes[pair.a].module, b.outline.nodes[pair.b].module
        elsewhere = None not in modules and modules[0] != modules[1]
        if changes or elsewhere:
            change = NodeChange(at_node(a.side, pair.a), at_node(b.side, pair.b), pair.reason, tuple(changes))
            (changed if changes else moved).append(change)
    return NodesDiff(
        added=tuple(at_node(b.side, index) for index in range(len(b.outline.nodes)) if index not in matching.of_b),
        removed=tuple(at_node(a.side, index) for index in range(len(a.outline.nodes)) if index not in matching.of_a),
        changed=tuple(changed),
        moved=tuple(moved),
        same=len(matching.pairs) - len(changed) - len(moved),
    )


def at_node(side: Side, index: int) -> AtNode:
    """Return what is told of a node."""
    node = side.nodes[index]
    return AtNode(index, node.name, node.op_type, node.module)
