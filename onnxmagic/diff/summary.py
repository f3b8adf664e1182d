"""All of a diff in one sentence, the structure first, for that is what a reader has to know before all figures.

It claims no more than was compared: weights that could not be read are said to be so, and what was not run has no part.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from onnxmagic.check.wording import code, enumerated
from onnxmagic.diff.clauses import Clause, capital, in_a_row, joined, written
from onnxmagic.diff.known import FOLDED_IN
from onnxmagic.diff.result import (
    Diff,
    NodeChange,
    NodesDiff,
    OutputsDiff,
    Region,
    SignatureChange,
    SignatureDiff,
    WeightChange,
    WeightsDiff,
)

__all__ = ["clauses", "is_structural", "number", "quantity", "structure", "summarised", "summary", "weights"]

_MOST = 3


def summarised(diff: Diff) -> Diff:
    """Return `diff` with the sentence that is true of it now, as after its outputs were compared."""
    return replace(diff, summary=summary(diff))


def summary(diff: Diff) -> str:
    """Return what differs between the two, in a sentence."""
    return written(clauses(diff))


def clauses(diff: Diff) -> tuple[Clause, ...]:
    """Return the pieces of ``summary``, each with its place in the models."""
    if not (diff.matching.pairs or diff.regions) and (diff.nodes.added or diff.nodes.removed):
        return (Clause(f"{code(diff.a.name)} and {code(diff.b.name)} share nothing that could be compared."),)
    said = [_structure(diff.nodes, diff.regions), _weights(diff.weights), _signature(diff.signature)]
    same = [name for name, part in zip(("structure", "weights", "signature"), said, strict=True) if not part]
    outputs, moved = _numbers(diff.outputs), _moved(diff.nodes.moved)
    if len(same) == len(said):
        said = [[Clause("identical")], outputs if diff.outputs.first else [], moved]
    else:
        said += [[Clause(f"{enumerated(same)} unchanged")] if same else [], outputs, moved]
    return (*capital(joined(said, "; ")), Clause("."))


def structure(nodes: NodesDiff, regions: Sequence[Region]) -> str:
    """Return what is said of the nodes; empty where they are the same."""
    return written(_structure(nodes, regions))


def weights(found: WeightsDiff) -> str:
    """Return what is said of the weights; empty where they are the same."""
    return written(_weights(found))


def _structure(nodes: NodesDiff, regions: Sequence[Region]) -> list[Clause]:
    changed = [change for change in nodes.changed if is_structural(change)]
    if not (nodes.added or nodes.removed or changed):
        return []
    known, places = Counter[str](), dict[str, str]()
    for region in regions:
        if region.name:
            known[_rewrite(region)] += _times(region)
            places.setdefault(_rewrite(region), _place(region))
    parts = [Clause(text.format(quantity(times, "")), places[text]) for text, times in known.most_common(_MOST)]
    if rest := known.most_common()[_MOST:]:
        parts.append(Clause(quantity(sum(times for _, times in rest), "more known rewrite"), places[rest[0][0]]))
    left = _left([region for region in regions if not region.name], changed, known=bool(parts))
    return joined([in_a_row(parts), left or [Clause("nothing unexplained")]], ", ")


def _left(regions: Sequence[Region], changed: Sequence[NodeChange], *, known: bool) -> list[Clause]:
    """Return how many nodes no known rewrite explains."""
    added, removed = (
        [(len(part) * region.count, f"{letter}{part[0].index}") for region in regions if (part := of(region))]
        for letter, of in (("b", lambda region: region.added), ("a", lambda region: region.removed))
    )
    told: list[Clause] = []
    for several, what in ((added, "added"), (removed, "removed"), ([(1, f"a{x.a.index}") for x in changed], "changed")):
        if several:
            count = sum(times for times, _ in several)
            number = f"{count:,}" if told else quantity(count, "other node" if known else "node")
            told.append(Clause(f"{number} {what}", several[0][1]))
    return in_a_row(told)


def _place(region: Region) -> str:
    return f"a{region.removed[0].index}" if region.removed else f"b{region.added[0].index}"


def _rewrite(region: Region) -> str:
    """Return what happened, with braces where the number of times is to stand."""
    how, _, what = region.name.rpartition(" ")
    fewer = len(region.removed) > len(region.added)
    if how in {"dynamic int8", "static int8", "4-bit"}:
        towards = any("Quant" in node.op_type or "Integer" in node.op_type for node in region.added)
        towards |= any(node.op_type.startswith(("QLinear", "QGemm", "MatMulNBits")) for node in region.added)
        return f"{{}} {what} became {how}" if towards else f"{{}} {how} {what} became float"
    if region.name == "constant folding":
        return "{} constants computed beforehand" if fewer else "{} constants computed"
    if region.name.endswith(FOLDED_IN):
        carrier = region.name.partition(" ")[0]
        return f"{{}} × BatchNormalization {'folded into' if fewer else 'written out after'} {carrier}"
    if not region.removed:
        return f"{{}} × {region.name} added"
    if not region.added:
        return f"{{}} × {region.name} removed"
    return f"{{}} × {region.name} {'fused' if fewer else 'written out'}"


def _times(region: Region) -> int:
    """Return how often it was done: one region may hold three products that share what quantises their input."""
    said = set(region.name.split())
    inside = [Counter(node.op_type for node in nodes) for nodes in (region.removed, region.added)]
    return region.count * max(1, *(count[what] for count in inside for what in said))


def _weights(found: WeightsDiff) -> list[Clause]:
    changed = [change for change in found.changed if _is_parameter(change)]
    others = ((found.added, "added"), (found.removed, "removed"), (found.unread, "could not be compared"))
    counts = [(len(several), what) for several, what in others if several]
    if not changed:
        return in_a_row(
            [
                Clause(f"{quantity(n, 'weight') if not place else f'{n:,}'} {what}")
                for place, (n, what) in enumerate(counts)
            ]
        )
    known = [change for change in changed if not math.isnan(change.max_abs)]
    worst = max(known, key=lambda change: change.max_abs, default=changed[0])
    most = f", at most {number(worst.max_abs)}" if known else ", by how much is not known"
    parts = [Clause(f"{n:,} {what}") for n, what in counts]
    first = Clause(f"{quantity(len(changed), 'weight')} changed{most}", f"w:{worst.before}")
    # The figure has a comma of its own, so the last of several needs one too.
    return joined([joined([[first], *([part] for part in parts[:-1])], ", "), parts[-1:]], ", and ")


def _is_parameter(change: WeightChange) -> bool:
    """Whether it is one that is trained; axes and shapes are told with the structure."""
    return any(dtype.startswith(("float", "bfloat", "int8", "uint8")) for dtype in change.dtypes)


def _signature(found: SignatureDiff) -> list[Clause]:
    if not found.changes:
        return []
    if not found.breaking:
        return [Clause(f"signature compatible ({_some(map(_version, found.changes))})")]
    count = quantity(len(found.breaking), "breaking change")
    return [Clause(f"{count} of the signature ({_some(change.what for change in found.breaking)})")]


def _version(change: SignatureChange) -> str:
    both = bool(change.before and change.after)
    return f"{change.what} {change.before} → {change.after}" if both and change.before.isdecimal() else change.what


def _numbers(found: OutputsDiff) -> list[Clause]:
    """Return what is said of the outputs; empty where they were not compared. Its place is where they part first."""
    if not found.compared or not found.outputs:
        return []
    worst = max(found.outputs, key=lambda change: change.max_rel)
    node = (found.first or worst).node
    place = f"a{node.index}" if node else ""
    if any(change.nan[0] != change.nan[1] for change in found.outputs):
        return [Clause("the outputs have NaN or infinities in other places", place)]
    if worst.max_abs == 0:
        return [Clause("outputs equal")]
    within = "outputs differ by" if worst.max_rel > found.tolerance else "outputs agree within"
    return [Clause(f"{within} {number(worst.max_abs)}", place)]


def _moved(nodes: Sequence[NodeChange]) -> list[Clause]:
    return [Clause(f"{quantity(len(nodes), 'node')} in another module", f"a{nodes[0].a.index}")] if nodes else []


def is_structural(change: NodeChange) -> bool:
    """Whether more than the values of weights differs."""
    return any(each.kind != "weight" for each in change.changes)


def quantity(count: int, what: str) -> str:
    """Return a number of things: ``"1 node"``, ``"12 nodes"``."""
    return f"{count:,} {what}{'' if count == 1 or not what else 's'}".rstrip()


def number(value: float) -> str:
    """Return a difference as a person writes it: ``"3.1e-3"``, ``"0.25"``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 0.01 <= abs(value) < 1000:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    mantissa, _, power = f"{value:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(power)}"


def _some(names: Iterable[str]) -> str:
    every = list(names)
    return enumerated([*every[: _MOST - 1], f"{len(every) - _MOST + 1} more"] if len(every) > _MOST else every)
