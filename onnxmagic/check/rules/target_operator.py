"""# target-operator: an operator that a target lacks or gets wrong.

## What it finds

Nodes that a named target is known not to have, or known to compute wrongly, and types that it is known to get wrong.
Some are wrong in one use only, such as `Resize` with `antialias`. How it is known is said with it: `ran`, `compiled`
or `table says`.

## Why it hurts

A lacking operator shows on the day of the handover. A wrong one does not show at all: OpenVINO and OpenCV ignore
`antialias` without an error, and every image is a little off.

## How to mend it

Write the model without the operator, do that step before or after the file, or try the file on the target: only a run
of this file decides, since the facts were learnt from other files.

## Bad example

    import onnx

    text = '''<ir_version: 8, opset_import: ["" : 18]> g (float[1,3,8,8] x) => (float[1,3,4,4] y)
        <int64[4] size = {1, 3, 4, 4}> { y = Resize <mode = "linear", antialias = 1> (x, , , size) }'''
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "openvino"

## Good example

    import onnx

    text = '''<ir_version: 8, opset_import: ["" : 18]> g (float[1,3,8,8] x) => (float[1,3,4,4] y)
        <int64[4] size = {1, 3, 4, 4}> { y = Resize <mode = "linear"> (x, , , size) }'''
    file = onnx.parser.parse_model(text).SerializeToString()
    targets = "openvino"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding, Fix, Severity
from onnxmagic.check.rule import Rule
from onnxmagic.check.wording import code, listed
from onnxmagic.graph.dtypes import dtypes
from onnxmagic.graph.facts import Node
from onnxmagic.target.target import Fact, OperatorFact, Target, operator_name

RULE = Rule("OM504", "target-operator", "error", "graph")

# Somebody's own operators are OM303's to speak of; these are the domains that the facts know.
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})


def find(evidence: GraphEvidence) -> Iterator[Finding]:
    """Yield a finding for what a target lacks, and one for each thing that it gets wrong."""
    if not evidence.targets:
        return
    known = dtypes(evidence.graph)
    nodes = [(operator_name(n.domain, n.op_type), n) for n in evidence.graph.walk() if n.domain in _DOMAINS]
    for target in evidence.targets:
        causes: dict[OperatorFact, list[Node]] = {}
        for name, node in nodes:
            fact = _fact(target, name, node, known)
            if fact is not None and fact.support in ("no", "wrong"):
                causes.setdefault(fact, []).append(node)
        yield from _lacking(evidence, target, {f: n for f, n in causes.items() if f.support == "no" and f.whole})
        for fact, found in causes.items():
            if fact.support == "wrong" or not fact.whole:
                yield _wrong(evidence, target, fact, found)
        yield from _types(evidence, target, known)


def _fact(target: Target, name: str, node: Node, known: Mapping[str, str]) -> OperatorFact | None:
    """Return what is known of `node` on `target`; the facts of single uses come first."""
    facts = target.operators.get(name, ())
    for fact in facts:
        if fact.attribute is not None and node.attributes.get(fact.attribute[0]) != fact.attribute[1]:
            continue
        if fact.input_dtype and all(known.get(value) != fact.input_dtype for value in node.inputs):
            continue
        return fact
    return OperatorFact(name, "no", target.list_fact) if target.list_fact is not None and not facts else None


def _lacking(evidence: GraphEvidence, target: Target, causes: Mapping[OperatorFact, list[Node]]) -> Iterator[Finding]:
    """Yield one finding for all that one source says is lacking."""
    by_source: dict[Fact, dict[OperatorFact, list[Node]]] = {}
    for fact, nodes in causes.items():
        by_source.setdefault(fact.fact, {})[fact] = nodes
    for source, facts in by_source.items():
        found = [node for nodes in facts.values() for node in nodes]
        verb = "had" if _older(source, target) else "has"
        then = target.otherwise or "it refuses the file"
        yield RULE.finding(
            f"{_who(source, target)} {verb} no {listed(fact.operator for fact in facts)} ({source}): {then}."
            f"{_newer(source, target)}",
            where=evidence.where(found[0].name),
            count=len(found),
            severity=_severity(source, target),
            fix=_fix([fact.instead for fact in facts]),
        )


def _wrong(evidence: GraphEvidence, target: Target, fact: OperatorFact, nodes: Sequence[Node]) -> Finding:
    use = ""
    if fact.attribute is not None:
        use = f" with `{fact.attribute[0]}` {fact.attribute[1]}"
    if fact.input_dtype:
        use += f" on {fact.input_dtype} tensors"
    verb = "gets it wrong" if fact.support == "wrong" else "does not take it"
    return RULE.finding(
        f"{code(fact.operator)}{use}: {_who(fact.fact, target)} {verb}, {fact.note} ({fact.fact})."
        f"{_newer(fact.fact, target)}",
        where=evidence.where(nodes[0].name),
        count=len(nodes),
        severity=_severity(fact.fact, target),
        fix=_fix([fact.instead]),
    )


def _types(evidence: GraphEvidence, target: Target, known: Mapping[str, str]) -> Iterator[Finding]:
    for dtype, (supported, note, fact) in target.dtypes.items():
        if supported or dtype not in known.values():
            continue
        nodes = [node for node in evidence.graph.walk() if any(known.get(v) == dtype for v in node.outputs)]
        if nodes:
            yield RULE.finding(
                f"The file computes in {dtype}, which {_who(fact, target)} does not support: {note} ({fact})."
                f"{_newer(fact, target)}",
                where=evidence.where(nodes[0].name),
                count=len(nodes),
                severity=_severity(fact, target),
                fix=Fix("code", "export in float32: model.float()"),
            )


def _severity(fact: Fact, target: Target) -> Severity | None:
    """Return less than an error where what is lacking runs elsewhere, or a newer version may have learnt it."""
    return "warning" if target.otherwise or _older(fact, target) else None


def _who(fact: Fact, target: Target) -> str:
    return f"{target.title} {fact.of}" if _older(fact, target) else str(target)


def _newer(fact: Fact, target: Target) -> str:
    return f" Whether {target.version} still does so is not known here." if _older(fact, target) else ""


def _older(fact: Fact, target: Target) -> bool:
    """Tell whether `fact` is of an older version than `target`; patch releases count as one."""
    wanted = (target.version or "").split(".")[:2]
    return bool(fact.of and target.version) and fact.of.split(".")[: len(wanted)] != wanted


def _fix(instead: Sequence[str]) -> Fix:
    known = [text for text in instead if text]
    return Fix("code", known[0] if len(known) == 1 else "write the model without it, or try this file there")
