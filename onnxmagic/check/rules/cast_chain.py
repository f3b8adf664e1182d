"""# cast-chain: a value is cast back and forth.

## What it finds

A cast whose result is only read by another cast, both between float types or both between integer types:
`x.half().float()`, `x.double().float()`.

## Why it hurts

Each cast reads and writes the whole tensor. Through a narrower type it also throws digits away: after
`x.half().float()` the numbers have three digits left, in a tensor that looks precise.

## How to mend it

Cast once, to the type that is wanted at the end. Casts that lose nothing are taken out by `--fix remove-cast-chains`.

## Bad example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return (x * 2).half().float().double().float() + 1

    model = Net().eval()
    args = (torch.randn(2, 3),)

## Good example

    import torch
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x * 2 + 1

    model = Net().eval()
    args = (torch.randn(2, 3),)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Graph, Node
from onnxmagic.graph.tensors import dtype_name

RULE = Rule("OM310", "cast-chain", "info", "graph")

# Bits of significand and exponent of floats, of magnitude and sign of integers: a type with more of both holds all.
_FLOATS: Final = {"float16": (11, 5), "bfloat16": (8, 8), "float32": (24, 8), "float64": (53, 11)}
_INTEGERS: Final = {f"{'u' * (not s)}int{b}": (b - s, s) for b in (8, 16, 32, 64) for s in (0, 1)}


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for every source line with casts in a row, with the number of casts that are too many."""
    chains = _chains(evidence.graph)
    for nodes in evidence.by_line([chain[0] for chain, _ in chains]):
        firsts = {id(node) for node in nodes}
        here = [(chain, types) for chain, types in chains if id(chain[0]) in firsts]
        types = here[0][1]
        rounds = any(not _holds(later, types[0]) for later in types[1:-1])
        effect = " On the way it is rounded." if rounds else " The casts in between do nothing but copy."
        yield RULE.finding(
            f"A value is cast {' → '.join(types)} without being used in between, at "
            f"{code(nodes[0].name or nodes[0].outputs[0])}.{effect}",
            where=evidence.where(nodes[0].name),
            count=sum(len(chain) - 1 for chain, _ in here),
            fix=Fix("code", f"cast once: x.to(torch.{types[-1]})", rewrite=None if rounds else "remove-cast-chains"),
        )


def _chains(graph: Graph) -> list[tuple[list[Node], list[str]]]:
    """Return each run of casts of one kind, with the types it goes through, the first the source's."""
    casts = {
        node.outputs[0]: node for node in graph.walk() if node.op_type == "Cast" and not node.domain and node.outputs
    }
    following = [node for node in casts.values() if node.inputs and node.inputs[0] in casts]
    if not following:
        return []
    readers = _readers(graph)
    known = dtypes(graph)
    found: list[tuple[list[Node], list[str]]] = []
    taken: set[str] = set()
    for last in reversed(following):  # the last cast of a run comes last
        if last.outputs[0] in taken:
            continue
        chain, types = [last], [_target(last)]
        while True:
            name = chain[0].inputs[0] if chain[0].inputs else ""
            source = casts.get(name)
            if source is None or readers.get(name, 0) > 1 or not _alike(_target(source), types[-1]):
                break
            chain.insert(0, source)
            types.insert(0, _target(source))
            taken.add(source.outputs[0])
        start = known.get(chain[0].inputs[0], "") if chain[0].inputs else ""
        if len(chain) > 1 and _alike(start, types[-1]):
            found.append((chain, [start, *types]))
    return found[::-1]


def _readers(graph: Graph) -> dict[str, int]:
    """Return how often each value is read, by nodes and as an output."""
    count: dict[str, int] = {}
    names = [name for node in graph.walk() for name in node.inputs]
    names += [v.name for node in graph.walk() for body in node.body for v in body.outputs]
    for name in (*names, *(v.name for v in graph.outputs)):
        count[name] = count.get(name, 0) + 1
    return count


def _target(node: Node) -> str:
    to = node.attributes.get("to")
    return dtype_name(to) if isinstance(to, int) else ""


def _alike(one: str, other: str) -> bool:
    return any(one in kind and other in kind for kind in (_FLOATS, _INTEGERS))


def _holds(wide: str, narrow: str) -> bool:
    """Return whether every value of the narrow type is one of the wide one."""
    for kind in (_FLOATS, _INTEGERS):
        if wide in kind and narrow in kind:
            return all(w >= n for w, n in zip(kind[wide], kind[narrow], strict=True))
    return False
