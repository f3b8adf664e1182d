"""Two sides in, a diff out: match, classify, compare the weights, say it in a sentence.

Two models that have nothing to do with each other still have operators in common, and a matching of those would be
told as hundreds of edits. Where hardly anything is matched and no program could call both alike, it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from onnxmagic.check.wording import code
from onnxmagic.diff.changes import nodes_diff
from onnxmagic.diff.costs import cost_diff
from onnxmagic.diff.match import match
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.origins import Origins
from onnxmagic.diff.places import is_long
from onnxmagic.diff.ports import ports
from onnxmagic.diff.regions import regions
from onnxmagic.diff.result import Diff, FindingsDiff, OutputsDiff, Region, WeightsDiff
from onnxmagic.diff.settled import settled
from onnxmagic.diff.side import Side
from onnxmagic.diff.signature import signature_diff
from onnxmagic.diff.summary import summarised
from onnxmagic.diff.weights import alike, weights_diff

__all__ = ["between"]

_LEAST: Final = 0.1
"""Of the nodes of the smaller model; with fewer matched the two are not called versions of one."""


def between(
    a: Side,
    b: Side,
    *,
    pins: Sequence[tuple[int, int]] = (),
    progress: Callable[[str], None] | None = None,
) -> Diff:
    """Return what differs between `a` and `b`; neither is run.

    Parameters
    ----------
    a, b : Side
    pins : sequence of tuple of int
        Nodes that are known to be one, by their indices in both outlines.
    progress : callable, optional
        Called with what is being done.
    """
    tell = progress or (lambda _: None)
    tell("match nodes")
    first, second = Origins(a), Origins(b)
    matching = settled(first, second, match(a, b, pins, alike(a, b)))
    foreign = not pins and _share_nothing(first, second, matching)
    matching = Matching(()) if foreign else matching
    paired = ports(first, second, matching)
    tell("compare structure")
    nodes = nodes_diff(first, second, matching, paired)
    rewrites: tuple[Region, ...] = () if foreign else regions(first, second, matching, paired)
    cost = cost_diff(a, b, matching)
    tell("compare weights")
    weights, notes = weights_diff(a, b, matching)
    found = Diff(
        a=a,
        b=b,
        matching=matching,
        signature=signature_diff(a, b, paired),
        nodes=nodes,
        regions=rewrites,
        weights=_with_unread(weights, first, second, matching),
        outputs=OutputsDiff(),
        cost=cost,
        findings=FindingsDiff(),
        summary="",
        notes=(*_foreign(a, b, foreign=foreign), *notes),
    )
    return summarised(found)


def _share_nothing(a: Origins, b: Origins, matching: Matching) -> bool:
    fewer = min(len(a.outline.nodes), len(b.outline.nodes))
    if sum(_is_held(a, b, matching, (pair.a, pair.b)) for pair in matching.pairs) >= _LEAST * fewer:
        return False
    graphs = a.side.graph, b.side.graph
    inputs, outputs = (
        [{(v.name, v.dtype) for v in values} for values in ends]
        for ends in ([graph.inputs for graph in graphs], [graph.outputs for graph in graphs])
    )
    return not (inputs[0] & inputs[1] and outputs[0] & outputs[1])


def _is_held(a: Origins, b: Origins, matching: Matching, pair: tuple[int, int]) -> bool:
    """Whether more than the operator speaks for a pair: what it reads is made by a pair, or is an equal weight."""
    for x, y in zip(a.read(pair[0]), b.read(pair[1]), strict=False):
        if x.kind == y.kind == "node" and matching.of_a.get(x.number) == y.number:
            return True
        if x.kind == y.kind == "weight" and a.side.stored[x.number].is_parameter:
            hashed = a.side.hash_of(x.number)
            if hashed is not None and hashed == b.side.hash_of(y.number):
                return True
    return False


def _foreign(a: Side, b: Side, *, foreign: bool) -> Iterator[str]:
    if foreign:
        yield (
            f"Of {code(a.name)} and {code(b.name)} hardly a node is the same, nor are inputs and outputs, so they were "
            "not compared node by node. Pin two nodes that you know to be one to compare them nevertheless."
        )


def _with_unread(found: WeightsDiff, a: Origins, b: Origins, matching: Matching) -> WeightsDiff:
    """Add the tensors in nodes of which only type and shape are known, where these are the same."""
    unread = [
        (node.name or node.outputs[0], "its values could not be read")
        for pair in matching.pairs
        for node in [a.outline.nodes[pair.a]]
        if is_long(node) and not (pair.a in a.side.constants and pair.b in b.side.constants)
    ]
    return replace(found, unread=(*found.unread, *unread)) if unread else found
