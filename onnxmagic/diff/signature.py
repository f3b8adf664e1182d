"""What a program that calls the model notices, and whether it may have to be changed.

Breaking is what may make a program fail that worked: an input it feeds is gone or is of another type, an axis it varies
is frozen, an output it asks for is not there. What only accepts more than before is compatible. A higher opset or IR
version is compatible too, and said: the program stays as it is, and it is the runtime that may have to be newer. An
operator set of somebody's own is breaking, because no newer version of a runtime without it will help.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from onnxmagic.check.wording import code
from onnxmagic.diff.ports import Ports
from onnxmagic.diff.result import SignatureChange, SignatureDiff
from onnxmagic.diff.side import Side
from onnxmagic.graph.facts import Dim, Value

__all__ = ["signature_diff"]


def signature_diff(a: Side, b: Side, paired: Ports) -> SignatureDiff:
    """Return what a caller notices, inputs first."""
    return SignatureDiff(
        (
            *_ports("input", (a.graph.inputs, b.graph.inputs), paired.inputs),
            *_tied(a, b, paired),
            *_ports("output", (a.graph.outputs, b.graph.outputs), paired.outputs),
            *_opsets(a, b),
            *_format(a, b),
        )
    )


_GONE = {
    "input": "a program that feeds it is refused",
    "output": "a program that asks for it is refused",
}
_NEW = {
    "input": "a program that does not feed it is refused",
    "output": "it stands behind the others; only a program that unpacks all of them notices",
}
_BETWEEN = {
    "input": "a program that does not feed it is refused",
    "output": "it stands before others, whose places change; a program that asks by name does not notice",
}
_ORDER = {
    "input": "a program that feeds by place feeds the wrong one",
    "output": "a program that takes outputs by place takes the wrong one",
}


def _ports(
    kind: str, values: tuple[Sequence[Value], Sequence[Value]], pairs: Mapping[int, int]
) -> Iterator[SignatureChange]:
    before, after = values
    for place, value in enumerate(before):
        if place in pairs:
            yield from _value(kind, value, after[pairs[place]])
        else:
            yield SignatureChange(f"{kind} {code(value.name)}", _text(value), "", True, _GONE[kind])
    met = set(pairs.values())
    for place, value in enumerate(after):
        if place not in met:
            why = _NEW if place > max(met, default=-1) else _BETWEEN
            yield SignatureChange(f"{kind} {code(value.name)}", "", _text(value), kind == "input", why[kind])
    yield from _order(kind, values, pairs)


def _order(
    kind: str, values: tuple[Sequence[Value], Sequence[Value]], pairs: Mapping[int, int]
) -> Iterator[SignatureChange]:
    """Yield that those which both have stand at other places; one that is gone was said, and what follows from it."""
    kept = list(pairs.values())
    pushed = len(pairs) == len(values[0]) and max(kept, default=-1) >= len(kept)
    if kept != sorted(kept) or pushed:
        before, after = (", ".join(value.name for value in each) for each in values)
        yield SignatureChange(f"order of {kind}s", before, after, True, _ORDER[kind])


def _value(kind: str, before: Value, after: Value) -> Iterator[SignatureChange]:
    what = f"{kind} {code(before.name)}"
    if before.name != after.name:
        why = f"a program {'feeds' if kind == 'input' else 'asks for'} it by its name"
        yield SignatureChange(f"name of {what}", before.name, after.name, True, why)
    if before.dtype != after.dtype:
        known = bool(before.dtype and after.dtype)
        why = "values of the old type are refused" if kind == "input" else "the program gets values of another type"
        yield SignatureChange(
            f"type of {what}", before.dtype, after.dtype, known, why if known else "one file does not say which it is"
        )
    if before.shape != after.shape:
        yield from _shape(kind, what, before, after)


def _shape(kind: str, what: str, before: Value, after: Value) -> Iterator[SignatureChange]:
    if before.shape is None or after.shape is None:
        frozen = before.shape is None and kind == "input"
        why = "what had another number of axes is refused" if frozen else "no shape that fitted is refused"
        why = why if kind == "input" else "one file does not say its shape"
        yield SignatureChange(f"shape of {what}", _sizes(before), _sizes(after), frozen, why)
    elif len(before.shape) != len(after.shape):
        why = "values with the old number of axes are refused"
        why = why if kind == "input" else "the program gets values with another number of axes"
        yield SignatureChange(f"shape of {what}", _sizes(before), _sizes(after), True, why)
    else:
        for axis, (x, y) in enumerate(zip(before.shape, after.shape, strict=True)):
            if x != y:
                breaking, why = _axis(kind, x, y)
                yield SignatureChange(f"axis {axis} of {what}", _size(x), _size(y), breaking, why)


def _axis(kind: str, before: Dim, after: Dim) -> tuple[bool, str]:
    if isinstance(before, int) and isinstance(after, int):
        return True, "values of the old size are refused" if kind == "input" else "the program gets another size"
    if isinstance(after, int):
        if kind == "input":
            return True, f"the axis was dynamic and is frozen: only size {after} is accepted"
        return False, f"the axis is always {after} long now"
    if isinstance(before, int):
        if kind == "input":
            return False, "the axis is dynamic now: more sizes are accepted"
        return False, "the axis is dynamic now; on the same inputs it is as long as before"
    return False, "only the name of a dynamic axis differs, and nobody feeds it"


def _tied(a: Side, b: Side, paired: Ports) -> Iterator[SignatureChange]:
    """Yield the axes of inputs that were free of each other and share a name, so must be of one size, now."""
    names: dict[str, dict[str, str]] = {}
    for place, other in paired.inputs.items():
        before, after = a.graph.inputs[place], b.graph.inputs[other]
        if before.shape is None or after.shape is None or len(before.shape) != len(after.shape):
            continue
        for axis, (x, y) in enumerate(zip(before.shape, after.shape, strict=True)):
            if isinstance(x, str) and isinstance(y, str):
                names.setdefault(y, {}).setdefault(x, f"axis {axis} of {code(before.name)}")
    for name, free in names.items():
        if len(free) > 1:
            places = ", ".join(free.values())
            why = "inputs in which these sizes differ were accepted, and may be refused or go wrong now"
            yield SignatureChange(f"sizes of {places}", "free of each other", f"all {name}", True, why)


def _opsets(a: Side, b: Side) -> Iterator[SignatureChange]:
    before, after = a.graph.opsets, b.graph.opsets
    needed = _needed(a), _needed(b)
    idle: tuple[list[str], list[str]] = ([], [])
    for domain in dict.fromkeys((*before, *after)):
        x, y = before.get(domain), after.get(domain)
        what = f"operator set {code(domain)}" if domain else "opset"
        if x is None and y is not None:
            if domain in needed[1]:
                why = "a runtime that does not have these operators refuses the file"
                yield SignatureChange(what, "", str(y), domain != "", why)
            else:
                idle[1].append(f"{domain or 'ai.onnx'} {y}")
        elif x is not None and y is None:
            if domain in needed[0]:
                yield SignatureChange(what, str(x), "", False, "a runtime need not have it any more")
            else:
                idle[0].append(f"{domain or 'ai.onnx'} {x}")
        elif x is not None and y is not None and x != y:
            yield SignatureChange(what, str(x), str(y), False, _version(what, x, y))
    if any(idle):
        why = "a runtime need not have them: no node uses them, or the file defines them itself"
        yield SignatureChange("operator sets that are only named", ", ".join(idle[0]), ", ".join(idle[1]), False, why)


def _needed(side: Side) -> set[str]:
    """Return the operator sets that a runtime must bring."""
    own = set(side.graph.defined)
    return {node.domain for node in side.nodes if (node.domain, node.op_type) not in own}


def _format(a: Side, b: Side) -> Iterator[SignatureChange]:
    x, y = a.graph.ir_version, b.graph.ir_version
    if x != y:
        yield SignatureChange("IR version", str(x), str(y), False, _version("IR version", x, y))


def _version(what: str, before: int, after: int) -> str:
    needs = "needs a runtime that reads" if after > before else "also loads where the runtime only reads"
    return f"the file {needs} {what} {after}"


def _text(value: Value) -> str:
    return f"{value.dtype or 'unknown type'} {_sizes(value)}"


def _sizes(value: Value) -> str:
    return "unknown shape" if value.shape is None else f"[{', '.join(map(_size, value.shape))}]"


def _size(dim: Dim) -> str:
    return "?" if dim is None else str(dim)
