"""What running both showed, as the diff tells it: each value with its node, its module and the user's line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from onnxmagic.check.finding import Where
from onnxmagic.check.places import where_from_trace
from onnxmagic.check.wording import code, enumerated, listed
from onnxmagic.compared.found import Found
from onnxmagic.compared.ready import Runnable
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.numbers import Apartness
from onnxmagic.diff.result import AtNode, OutputsDiff, ValueChange
from onnxmagic.diff.side import Side
from onnxmagic.diff.twins import Twin

__all__ = ["told"]

_RANDOM: Final = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
)


def told(models: tuple[Runnable, Runnable], matching: Matching, found: Found, tolerance: float) -> OutputsDiff:
    """Return the diff of what `models` computed; values in the order in which the first computes them."""
    places = _Places(models, matching)
    outputs = tuple(places.change(twin, apart) for twin, apart in found.outputs.items())
    alike = {twin: apart for twin, apart in found.inner.items() if not apart.unlike}
    values = tuple(places.change(twin, alike[twin]) for twin in sorted(alike, key=lambda twin: twin.node))
    first = next((change for change in (*values, *outputs) if change.max_rel > tolerance), None)
    left_out = [*found.left_out, *_unlike(found, models[1].side), *_random(model.side for model in models)]
    return OutputsDiff(
        compared=True,
        reason="",
        on=found.offer.on if found.offer else "",
        samples=found.samples,
        outputs=outputs,
        values=values,
        first=first,
        tolerance=tolerance,
        left_out=" ".join(left_out),
    )


class _Places:
    """Where values come from."""

    def __init__(self, models: tuple[Runnable, Runnable], matching: Matching) -> None:
        self._models = models
        self._matching = matching

    def change(self, twin: Twin, apart: Apartness) -> ValueChange:
        node = self._models[0].side.nodes[twin.node] if twin.node >= 0 else None
        at = AtNode(twin.node, node.name, node.op_type, node.module) if node else None
        where = self._where(twin.node) if node else Where()
        return ValueChange(twin.a, twin.b, at, apart.max_abs, apart.max_rel, apart.nan, apart.shapes, where)

    def _where(self, index: int) -> Where:
        """Return the user's line behind a node of the first; that of its match, where only the second tells."""
        node = self._models[0].side.nodes[index]
        other = self._matching.of_a.get(index)
        theirs = self._models[1].side.nodes[other] if other is not None else None
        lines = [self._line(self._models[0], index)]
        lines += [self._line(self._models[1], other)] if other is not None else []
        line = next((each for each in lines if each.line is not None), Where())
        module = node.module if node.module is not None or theirs is None else theirs.module
        return replace(line, module=module, node=node.name or None)

    def _line(self, model: Runnable, index: int) -> Where:
        node = model.side.nodes[index]
        if node.name in model.places:
            return model.places[node.name]
        return where_from_trace(node.trace) if node.trace else Where()


def _unlike(found: Found, other: Side) -> Iterator[str]:
    """Yield what to say of values that have two shapes."""
    names = [twin.a for twin, apart in found.inner.items() if apart.unlike]
    if names:
        have = "has" if len(names) == 1 else "have"
        yield f"{listed(names)} {have} another shape in {code(other.name)}, so {_were(names)} not compared."


def _were(names: list[str]) -> str:
    return "it was" if len(names) == 1 else "they were"


def _random(sides: Iterable[Side]) -> Iterator[str]:
    """Yield what to say of nodes that give another value in each run."""
    nodes = (node for side in sides for node in side.nodes if not node.domain and node.op_type in _RANDOM)
    kinds = list(dict.fromkeys(node.op_type for node in nodes))
    if kinds:
        draw = "draws" if len(kinds) == 1 else "draw"
        yield (
            f"{enumerated([code(kind) for kind in kinds])} {draw} random numbers; what follows may differ for that "
            "reason alone."
        )
