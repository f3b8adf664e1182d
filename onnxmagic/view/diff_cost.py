"""What the two models cost: parameters, bytes, nodes, operations, and seconds where they were measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from onnxmagic.diff.result import CostDiff, Diff, ModuleCost, Spread
from onnxmagic.view import words
from onnxmagic.view.diff_parts import columns, module, more
from onnxmagic.view.parts import Line, Part, Row, Section, Sentence, Span, Table, line

__all__ = ["cost"]

MODULES = 8


def cost(diff: Diff) -> Section:
    """Return what the two cost; what was not measured has no row."""
    found = diff.cost
    rows = [
        _cost("parameters", found.parameters, words.count),
        _cost("bytes of weights", found.nbytes, words.weight),
        _cost("nodes", found.nodes, lambda value: f"{value:,}"),
    ]
    if any(value is not None for value in found.flops):
        rows.append(_cost("FLOPs", found.flops, words.count))
    rows += _latency(found)
    titles = ("", f"*{_cut(diff.a.name)}", f"*{_cut(diff.b.name)}", "*change")
    parts: list[Part] = [Table(columns(*titles), tuple(rows)), *_modules(found.modules)]
    if found.latency is None and found.reason not in ("not tried", ""):
        parts.append(Sentence((Span("Not timed: "), *words.spans(words.stop(found.reason))), "warn"))
    title = _unchanged(found)
    return Section("cost", title, () if title and found.latency is None and len(parts) == 1 else tuple(parts))


def _unchanged(found: CostDiff) -> Line:
    pairs = (found.parameters, found.nbytes, found.nodes, found.flops)
    if any(one != other for one, other in pairs):
        return ()
    told = f"{words.count(found.parameters[0])} parameters, {words.weight(found.nbytes[0])} of weights"
    return line(f"the same: {told}, {words.whole(found.nodes[0], 'node')}")


def _cost(label: str, pair: tuple[int | None, int | None], told: Callable[[int], str]) -> Row:
    one, other = pair
    change = _change(one, other) if one is not None and other is not None else "not known"
    figures = ("–" if value is None else told(value) for value in pair)
    return Row((line(label), *map(line, figures), line(change)))


def _change(one: float, other: float) -> str:
    if one == other:
        return "the same"
    if not one:
        return "new"
    share = (other - one) / one
    if abs(share) >= 1:
        return f"{other / one:.1f} ×"
    if abs(share) < 0.0005:
        return "almost the same"
    return f"{'+' if share > 0 else '−'}{f'{abs(share):.1%}'.replace('%', ' %')}"


def _latency(found: CostDiff) -> Iterator[Row]:
    if found.latency is None:
        return
    a, b = found.latency.a, found.latency.b
    rounds = f"median of {words.whole(found.latency.rounds, 'round')} in turns in {found.latency.runtime}"
    note = line(f"{rounds}: {_spread(a)} against {_spread(b)}", tone="dim")
    cells = ("one run", _short_time(a.median), _short_time(b.median), _change(a.median, b.median))
    yield Row(tuple(map(line, cells)), note)


def _spread(spread: Spread) -> str:
    return f"{_short_time(spread.fastest)} to {_short_time(spread.slowest)}"


def _short_time(value: float) -> str:
    return words.seconds(value) if value >= 0.01 else f"{value * 1000:.2f} ms"


def _modules(modules: Sequence[ModuleCost]) -> Iterator[Part]:
    """Yield the modules whose cost changed most."""
    changed = [each for each in modules if each.nbytes[0] != each.nbytes[1] or each.flops[0] != each.flops[1]]
    if not changed:
        return
    in_turn = sorted(changed, key=lambda each: -(abs(_gap(each.nbytes)) + abs(_gap(each.flops))))
    rows = tuple(
        Row(
            (
                module(each.module),
                line(_both(each.nbytes, words.weight)),
                line(_both(each.flops, words.count)),
                line(
                    f"{each.nodes[0]:,} → {each.nodes[1]:,}" if each.nodes[0] != each.nodes[1] else f"{each.nodes[0]:,}"
                ),
            )
        )
        for each in in_turn[:MODULES]
    )
    yield Table(columns("module", "*bytes", "*FLOPs", "*nodes"), rows)
    yield from more(len(in_turn) - MODULES, "module", "d.cost.modules")


def _gap(pair: tuple[int | None, int | None]) -> int:
    return (pair[1] or 0) - (pair[0] or 0)


def _both(pair: tuple[int | None, int | None], told: Callable[[int], str]) -> str:
    one, other = ("–" if value is None else told(value) for value in pair)
    return one if one == other else f"{one} → {other}"


def _cut(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:27]}…"
