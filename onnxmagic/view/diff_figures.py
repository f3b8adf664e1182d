"""The figures of a diff: weights by their parameter's own name, and what both compute on the same inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, isnan

from onnxmagic.diff.result import OutputsDiff, ValueChange, WeightChange, WeightsDiff
from onnxmagic.view import words
from onnxmagic.view.diff_parts import columns, more
from onnxmagic.view.parts import SIGNS, Line, Part, Row, Section, Sentence, Sign, Span, Table, line

__all__ = ["numbers", "weights"]

ROWS = 20
_NAMES = 6


def weights(found: WeightsDiff) -> Section:
    """Return the parameters whose values are not the same, the largest change first."""
    parts: list[Part] = []
    if found.changed:
        titles = columns("weight", "shape", "", "*largest", "*mean", "*cosine")
        in_turn = sorted(found.changed, key=lambda change: (isnan(change.max_abs), -change.max_abs))
        parts.append(Table(titles, tuple(map(_weight, in_turn[:ROWS]))))
        parts += more(len(in_turn) - ROWS, "weight", "d.weights.changed")
    for what, names in (("Only in the second: ", found.added), ("Only in the first: ", found.removed)):
        if names:
            parts.append(Sentence((Span(what), *_names(names))))
    parts += [
        Sentence(line(Span(name, "code"), ": values not compared, ", *words.spans(words.stop(reason))), "warn")
        for name, reason in found.unread[:_NAMES]
    ]
    if (left := len(found.unread) - _NAMES) > 0:
        parts.append(Sentence(line(f"… and {left:,} more whose values were not compared."), "warn"))
    return Section("weights", line(_of_weights(found)), tuple(parts))


def _of_weights(found: WeightsDiff) -> str:
    told = [f"{len(found.changed):,} changed"] if found.changed else []
    told += [f"{found.same:,} the same"] if found.same else []
    told += [f"{len(found.renamed):,} of them under another name"] if found.renamed else []
    told += [f"{len(found.added):,} added"] if found.added else []
    told += [f"{len(found.removed):,} removed"] if found.removed else []
    told += [f"{len(found.unread):,} not compared"] if found.unread else []
    return ", ".join(told) or "none"


def _weight(change: WeightChange) -> Row:
    compared = not isnan(change.max_abs) or any(change.nan)
    figures = (_figure(change.max_abs), _figure(change.mean_abs), _cosine(change.cosine))
    cells = (
        (Span(change.name, "code", f"{change.before} → {change.after}", go=f"w:{change.before}"),),
        line(words.shape(change.shape)),
        line(_how(change)),
        *(line(figure if compared else "–") for figure in figures),
    )
    return Row(cells, _weight_note(change))


def _how(change: WeightChange) -> str:
    one, other = change.dtypes
    return ", ".join([*([f"{one} → {other}"] if one != other else []), *change.seen_through])


def _weight_note(change: WeightChange) -> Line:
    told = [f"not compared: {change.reason}"] if change.reason else []
    told += [f"NaN: {change.nan[0]:,} → {change.nan[1]:,}"] if any(change.nan) else []
    return words.spans(words.stop("; ".join(told))) if told else ()


def _cosine(value: float) -> str:
    if isnan(value):
        return "–"
    # One that is almost 1 must not be shown as 1.
    return "1" if value == 1 else f"{value:.4f}" if value < 0.99995 else f"1 − {1 - value:.0e}"


def _figure(value: float) -> str:
    if isnan(value):
        return "–"
    return words.difference(value) if isfinite(value) else "∞"


def numbers(found: OutputsDiff) -> Section:
    """Return what both computed on the same inputs."""
    if not found.compared:
        # Who forbids the run knows it.
        sign: Sign = "info" if found.reason.startswith("run=False") else "warn"
        told = line("Not compared: ", *words.spans(words.stop(found.reason)))
        return Section("numbers", parts=(Sentence(told, sign),))
    title = [f"on {found.on}"] if found.on else []
    title += [words.whole(found.samples, "sample")] if found.samples else []
    title += [words.seconds(found.seconds)] if found.seconds else []
    parts: list[Part] = []
    if found.outputs:
        titles = columns("", "output", "*largest difference", "*relative", "*not finite")
        parts.append(Table(titles, tuple(_output(value, found.tolerance) for value in found.outputs[:ROWS])))
        parts += more(len(found.outputs) - ROWS, "output", "d.outputs.outputs")
    parts += _inside(found)
    parts += [Sentence(words.spans(words.stop(found.left_out)), "warn")] if found.left_out else []
    return Section("numbers", line(" · ".join(title)), tuple(parts))


def _output(value: ValueChange, tolerance: float) -> Row:
    differs = _differs(value, tolerance)
    sign: Sign = "warn" if differs else "ok"
    mark = Span("~" if differs else SIGNS["ok"], sign, "differs" if differs else "agrees")
    name = value.name if value.name == value.other or not value.other else f"{value.name} → {value.other}"
    nan = f"{value.nan[0]:,} → {value.nan[1]:,}" if any(value.nan) else "–"
    note: Line = ()
    if value.shapes[0] != value.shapes[1]:
        note = line(f"shapes {words.shape(value.shapes[0])} and {words.shape(value.shapes[1])}: not comparable")
    figures = ("–", "–") if note else (_figure(value.max_abs), _figure(value.max_rel))
    return Row(((mark,), (Span(name, "code"),), *map(line, figures), line(nan)), note)


def _differs(value: ValueChange, tolerance: float) -> bool:
    return not value.max_rel <= tolerance or value.nan[0] != value.nan[1] or value.shapes[0] != value.shapes[1]


def _inside(found: OutputsDiff) -> Iterator[Part]:
    bound = f"more than {found.tolerance:g} of their size"
    if found.values:
        apart = sum(_differs(value, found.tolerance) for value in found.values)
        several = words.whole(len(found.values), "value")
        told = f"{apart or 'none'} differ{'' if apart > 1 else 's'} by {bound}"
        yield Sentence(line(f"Inside, {several} that both compute: {told}."))
    if found.first is not None:
        yield Sentence((Span("The first that differs: "), *_place(found.first)), "warn")


def _place(value: ValueChange) -> Line:
    told = [Span(value.name, "code")]
    if value.node is not None:
        name = value.node.name or value.node.op_type
        told += [Span(" of "), Span(name, "code", go=f"a{value.node.index}"), Span(f" ({value.node.op_type})")]
    module = value.where.module or (value.node.module if value.node else None)
    if module:
        told += [Span(" in "), Span(module, "code", go=f"m:{module}")]
    if str(value.where):
        told += [Span(f", {value.where}")]
        told += [Span(" · "), Span(value.where.source, "code")] if value.where.source else []
    return (*told, Span(f": {_figure(value.max_abs)}, relative {_figure(value.max_rel)}."))


def _names(names: Sequence[str]) -> Line:
    told: list[Span] = []
    for name in names[:_NAMES]:
        told += [Span(", ")] if told else []
        told.append(Span(name, "code"))
    more = [Span(f" and {len(names) - _NAMES:,} more")] if len(names) > _NAMES else []
    return (*told, *more, Span("."))
