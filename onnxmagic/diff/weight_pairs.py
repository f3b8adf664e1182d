"""Which weight of one model is which of the other.

Who computes with it decides: matched nodes read the same weight in the same place, whatever it is called. Only what no
matched node reads is looked for by its values, then by its name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from onnxmagic.diff.folded import is_own_name
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.norms import through_norms
from onnxmagic.diff.side import Side
from onnxmagic.diff.sketch import looks_turned
from onnxmagic.diff.weight_reads import Quantised, Read, Reads, WeightPair

__all__ = ["PairedWeights", "own_name", "paired"]

_SWAPS = frozenset({"Add", "Mul", "And", "Or", "Xor", "Max", "Min", "Sum", "Mean"})
_FUSED = "ConvBnFusion_W_"  # ONNX Runtime's, for a weight with a batch norm in it
_STORED_AS = ("_quantized", "_quantised", "_dequantized")


@dataclass(frozen=True, slots=True)
class PairedWeights:
    """All pairs, and the weights that only one model has."""

    pairs: tuple[WeightPair, ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]


def paired(a: Side, b: Side, matching: Matching) -> PairedWeights:
    """Return which weight is which."""
    reads = Reads(a), Reads(b)
    read = _by_nodes(a, b, matching, reads)
    helpers = reads[0].helpers() | _companions(a), reads[1].helpers() | _companions(b)
    # The scale of a weight that is quantised in one model only is part of that weight.
    pairs = [
        replace(pair, a=_scaled(a, pair.a), b=_scaled(b, pair.b))
        for pair in read
        if pair.a.weight not in helpers[0] and pair.b.weight not in helpers[1]
    ]
    left = [
        [index for index in range(len(side.stored)) if index not in taken and index not in used]
        for side, used, taken in (
            (a, helpers[0], {pair.a.weight for pair in pairs}),
            (b, helpers[1], {pair.b.weight for pair in pairs}),
        )
    ]
    for find in (_by_values, _by_names, _by_origin):
        pairs += find(a, b, left)
    pairs = through_norms(a, b, matching, pairs, left)
    return PairedWeights(tuple(sorted(pairs, key=lambda pair: pair.a.weight)), tuple(left[0]), tuple(left[1]))


def own_name(side: Side, index: int) -> str:
    """Return the name of a parameter as PyTorch has it; ``""`` where the file does not tell."""
    name = _origin(side.stored[index].name)
    return side.folded.get(name, "") or (name if is_own_name(name) else "")


def _by_nodes(a: Side, b: Side, matching: Matching, reads: tuple[Reads, Reads]) -> Iterator[WeightPair]:
    """Yield the pairs that matched nodes read, those that most of them agree on before others."""
    votes: Counter[tuple[int, int]] = Counter()
    first: dict[tuple[int, int], WeightPair] = {}
    for pair in matching.pairs:
        for slot, one, other in _slots(a.nodes[pair.a].op_type, reads[0].of(pair.a), reads[1].of(pair.b)):
            key = one.weight, other.weight
            votes[key] += 1
            first.setdefault(key, WeightPair(one, other, (pair.a, pair.b), slot))
    taken: tuple[set[int], set[int]] = (set(), set())

    def agreed(key: tuple[int, int]) -> tuple[bool, int]:
        return _same_values(a, b, key) or _same_name(a, b, key), votes[key]

    for one, other in sorted(votes, key=agreed, reverse=True):
        # One that is stored twice in the other model is in two pairs.
        if one not in taken[0] or other not in taken[1]:
            yield first[one, other]
        taken[0].add(one)
        taken[1].add(other)


def _slots(op_type: str, one: Mapping[int, Read], other: Mapping[int, Read]) -> Iterator[tuple[int, Read, Read]]:
    shared = one.keys() & other.keys()
    yield from ((slot, one[slot], other[slot]) for slot in sorted(shared))
    if not shared and len(one) == len(other) == 1 and op_type in _SWAPS:
        (slot, read), (_, twin) = *one.items(), *other.items()
        yield slot, read, twin


def _same_values(a: Side, b: Side, pair: tuple[int, int]) -> bool:
    hashes = a.hash_of(pair[0]), b.hash_of(pair[1])
    return hashes[0] is not None and hashes[0] == hashes[1]


def _same_name(a: Side, b: Side, pair: tuple[int, int]) -> bool:
    name = own_name(a, pair[0])
    return bool(name) and name == own_name(b, pair[1])


def _by_values(a: Side, b: Side, left: list[list[int]]) -> list[WeightPair]:
    """Take the pairs of equal values out of what is left; of several the one with the same name."""
    theirs: dict[bytes, list[int]] = defaultdict(list)
    for index in left[1]:
        if (hashed := b.hash_of(index)) is not None:
            theirs[hashed].append(index)
    found: list[tuple[int, int]] = []
    for index in left[0]:
        candidates = theirs.get(a.hash_of(index) or b"", [])
        if candidates:
            best = max(candidates, key=lambda other: a.stored[index].name == b.stored[other].name)
            candidates.remove(best)
            found.append((index, best))
    return _take(found, left)


def _by_names(a: Side, b: Side, left: list[list[int]]) -> list[WeightPair]:
    """Take the pairs of one name and one size out of what is left."""
    theirs = {name: index for index in reversed(left[1]) if (name := own_name(b, index))}
    found: list[tuple[int, int]] = []
    for index in left[0]:
        other = theirs.get(own_name(a, index), -1)
        if other >= 0 and a.stored[index].size == b.stored[other].size:
            found.append((index, theirs.pop(own_name(a, index))))
    return _take(found, left, (a, b))


def _by_origin(a: Side, b: Side, left: list[list[int]]) -> list[WeightPair]:
    """Take the pairs out of what is left of which a quantiser named one after the other: ``val_41_quantized``."""
    theirs = {b.stored[index].name: index for index in left[1]}
    origins = {_origin(name): index for name, index in theirs.items() if _origin(name) != name}
    found: list[tuple[int, int]] = []
    for index in left[0]:
        name = a.stored[index].name
        other = origins.get(name, theirs.get(_origin(name), -1) if _origin(name) != name else -1)
        if other >= 0 and a.stored[index].size == b.stored[other].size:
            found.append((index, other))
    return _take(found, left, (a, b))


def _companions(side: Side) -> set[int]:
    """Return the scales and zero points that their names tell: a node may take the weight's for its input's."""
    numbers = {weight.name: number for number, weight in enumerate(side.stored)}
    bases = [base for name in numbers if (base := _origin(name)) != name]
    return {numbers[name] for base in bases for name in (f"{base}_scale", f"{base}_zero_point") if name in numbers}


def _origin(name: str) -> str:
    """Return what a weight was called before a tool put something else in its place."""
    for ending in _STORED_AS:
        name = name.removesuffix(ending)
    return name.removeprefix(_FUSED)


def _take(
    found: Iterable[tuple[int, int]], left: list[list[int]], sides: tuple[Side, Side] | None = None
) -> list[WeightPair]:
    found = list(found)
    for place, side in enumerate(left):
        gone = {pair[place] for pair in found}
        side[:] = [index for index in side if index not in gone]
    if sides is None:
        return [WeightPair(Read(one), Read(other)) for one, other in found]
    a, b = sides
    return [
        WeightPair(_read(a, one), replace(_read(b, other), turned=_turned(a, b, one, other))) for one, other in found
    ]


def _turned(a: Side, b: Side, one: int, other: int) -> bool:
    """Whether a square matrix is rather the transpose of the other: no shape and no node tells."""
    shape = a.stored[one].shape
    square = len(shape) == 2 and shape == b.stored[other].shape == shape[::-1]
    return square and looks_turned(a.sketches.get(one, b""), b.sketches.get(other, b""))


def _read(side: Side, index: int) -> Read:
    """Return how a weight that is paired by its name is stored."""
    return _scaled(side, Read(index))


def _scaled(side: Side, read: Read) -> Read:
    """Return `read` with the scale that its name tells, where no node does: it may be applied far behind the weight."""
    stored = side.stored[read.weight]
    base = _origin(stored.name)
    if read.quantised is not None or "int" not in stored.dtype or base == stored.name:
        return read
    numbers = {weight.name: number for number, weight in enumerate(side.stored)}
    scale, zero = (numbers.get(f"{base}_{part}", -1) for part in ("scale", "zero_point"))
    return replace(read, quantised=Quantised(scale, zero, -1)) if scale >= 0 else read
