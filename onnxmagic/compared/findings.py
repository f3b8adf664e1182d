"""What is wrong with one of the two and not with the other.

Names of nodes change from export to export, so a finding at a node is the same as one at the node that is matched with
it. Only what was looked for in both can have appeared or vanished: two exports, or two checks, bring their own
findings; else the rules that read a graph look at both now, which takes milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.compared.targets import Target
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.result import FindingsDiff

__all__ = ["findings_diff"]


def findings_diff(a: Target, b: Target, matching: Matching) -> FindingsDiff:
    """Return the findings that the second has and the first has not, and the other way round."""
    first, second = _found(a, b), _found(b, a)
    nodes = _names(a, b, matching)
    here = [_key(finding, nodes) for finding in first]
    there = [_key(finding, {}) for finding in second]
    return FindingsDiff(tuple(_beyond(second, there, here)), tuple(_beyond(first, here, there)), "")


def _found(target: Target, other: Target) -> tuple[Finding, ...]:
    if target.findings is not None and other.findings is not None and target.kind == other.kind:
        return target.findings
    return catalogue.run(GraphEvidence(target.side.graph, places=target.places))


def _names(a: Target, b: Target, matching: Matching) -> Mapping[str, str]:
    """Return the names of nodes of the second by those of the first; only names that one node has alone."""
    ones, others = a.side.nodes, b.side.nodes
    pairs = [(ones[pair.a].name, others[pair.b].name) for pair in matching.pairs]
    known = Counter(name for name, _ in pairs)
    return {name: other for name, other in pairs if name and known[name] == 1}


def _key(finding: Finding, nodes: Mapping[str, str]) -> Hashable:
    node = finding.where.node
    if node is None:
        return finding.code, finding.where.module, ""
    # What is matched is the same place whatever module it is said to be in.
    return finding.code, None, nodes.get(node, node)


def _beyond(found: Iterable[Finding], keys: Sequence[Hashable], others: Sequence[Hashable]) -> Iterable[Finding]:
    """Yield the findings whose key is not, or not as often, among `others`."""
    left = Counter(others)
    for finding, key in zip(found, keys, strict=True):
        if left[key]:
            left[key] -= 1
        else:
            yield finding
