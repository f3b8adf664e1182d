"""All of a diff in one sentence, the structure first, for that is what a reader has to know before all figures.

It claims no more than was compared: weights that could not be read are said to be so, and what was not run has no part.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from onnxmagic.check.wording import code, enumerated
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

__all__ = ["is_structural", "number", "quantity", "summarised", "summary"]

_MOST = 3


def summarised(diff: Diff) -> Diff:
    """Return `diff` with the sentence that is true of it now, as after its outputs were compared."""
    return replace(diff, summary=summary(diff))


def summary(diff: Diff) -> str:
    """Return what differs between the two, in a sentence."""
    if not (diff.matching.pairs or diff.regions) and (diff.nodes.added or diff.nodes.removed):
        return f"{code(diff.a.name)} and {code(diff.b.name)} share nothing that could be compared."
    said = [structure(diff.nodes, diff.regions), weights(diff.weights), signature(diff.signature)]
    same = [name for name, text in zip(("structure", "weights", "signature"), said, strict=True) if not text]
    outputs = numbers(diff.outputs)
    moved = f"{quantity(len(diff.nodes.moved), 'node')} in another module" if diff.nodes.moved else ""
    if len(same) == len(said):
        apart = outputs if diff.outputs.first else ""
        return f"{'; '.join(filter(None, ('Identical', apart, moved)))}."
    texts = [*filter(None, said), *([f"{enumerated(same)} unchanged"] if same else []), *filter(None, (outputs, moved))]
    whole = "; ".join(texts)
    return f"{whole[0].upper()}{whole[1:]}."


def structure(nodes: NodesDiff, regions: Sequence[Region]) -> str:
    """Return what is said of the nodes; empty where they are the same."""
    changed = [change for change in nodes.changed if is_structural(change)]
    if not (nodes.added or nodes.removed or changed):
        return ""
    known = Counter[str]()
    for region in regions:
        if region.name:
            known[_rewrite(region)] += _times(region)
    parts = [text.format(quantity(times, "")) for text, times in known.most_common(_MOST)]
    rest = sum(known.values()) - sum(times for _, times in known.most_common(_MOST))
    parts += [f"{quantity(rest, 'more known rewrite')}"] if rest else []
    unnamed = [region for region in regions if not region.name]
    left = [
        (sum(len(region.added) * region.count for region in unnamed), "added"),
        (sum(len(region.removed) * region.count for region in unnamed), "removed"),
        (len(changed), "changed"),
    ]
    rest_of_it = _left([(count, what) for count, what in left if count], known=bool(parts))
    return ", ".join(filter(None, [enumerated(parts), rest_of_it or "nothing unexplained"]))


def _left(left: Sequence[tuple[int, str]], *, known: bool) -> str:
    if not left:
        return ""
    first = quantity(left[0][0], "other node" if known else "node")
    return enumerated([f"{first} {left[0][1]}", *(f"{count:,} {what}" for count, what in left[1:])])


def _rewrite(region: Region) -> str:
    """Return what happened, with braces where the number of times is to stand."""
    how, _, what = region.name.rpartition(" ")
    if how in {"dynamic int8", "static int8", "4-bit"}:
        towards = any("Quant" in node.op_type or "Integer" in node.op_type for node in region.added)
        towards |= any(node.op_type.startswith(("QLinear", "QGemm", "MatMulNBits")) for node in region.added)
        return f"{{}} {what} became {how}" if towards else f"{{}} {how} {what} became float"
    if region.name == "constant folding":
        return (
            "{} constants computed beforehand" if len(region.removed) > len(region.added) else "{} constants computed"
        )
    if not region.removed:
        return f"{{}} × {region.name} added"
    if not region.added:
        return f"{{}} × {region.name} removed"
    return f"{{}} × {region.name} {'fused' if len(region.removed) > len(region.added) else 'written out'}"


def _times(region: Region) -> int:
    """Return how often it was done: one region may hold three products that share what quantises their input."""
    said = set(region.name.split())
    inside = [Counter(node.op_type for node in nodes) for nodes in (region.removed, region.added)]
    return region.count * max(1, *(count[what] for count in inside for what in said))


def weights(found: WeightsDiff) -> str:
    """Return what is said of the weights; empty where they are the same."""
    parts: list[str] = []
    changed = [change for change in found.changed if _is_parameter(change)]
    if changed:
        known = [change.max_abs for change in changed if not math.isnan(change.max_abs)]
        most = f", at most {number(max(known))}" if known else ", by how much is not known"
        parts.append(f"{quantity(len(changed), 'weight')} changed{most}")
    parts += [f"{len(found.added):,} added"] if found.added else []
    parts += [f"{len(found.removed):,} removed"] if found.removed else []
    parts += [f"{len(found.unread):,} could not be compared"] if found.unread else []
    if parts and not changed:
        count, _, what = parts[0].partition(" ")
        parts[0] = f"{count} weight{'' if count == '1' else 's'} {what}"
    return ", and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) if changed else enumerated(parts)


def _is_parameter(change: WeightChange) -> bool:
    """Whether it is one that is trained; axes and shapes are told with the structure."""
    return any(dtype.startswith(("float", "bfloat", "int8", "uint8")) for dtype in change.dtypes)


def signature(found: SignatureDiff) -> str:
    """Return what is said of the signature; empty where it is the same."""
    if not found.changes:
        return ""
    if not found.breaking:
        return f"signature compatible ({_some(map(_version, found.changes))})"
    count = quantity(len(found.breaking), "breaking change")
    return f"{count} of the signature ({_some(change.what for change in found.breaking)})"


def _version(change: SignatureChange) -> str:
    both = bool(change.before and change.after)
    return f"{change.what} {change.before} → {change.after}" if both and change.before.isdecimal() else change.what


def numbers(found: OutputsDiff) -> str:
    """Return what is said of the outputs; empty where they were not compared."""
    if not found.compared or not found.outputs:
        return ""
    if any(change.nan[0] != change.nan[1] for change in found.outputs):
        return "the outputs have NaN or infinities in other places"
    worst = max(found.outputs, key=lambda change: change.max_rel)
    if worst.max_abs == 0:
        return "outputs equal"
    within = "outputs differ by" if worst.max_rel > found.tolerance else "outputs agree within"
    return f"{within} {number(worst.max_abs)}"


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
