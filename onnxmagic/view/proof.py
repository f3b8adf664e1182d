"""The section that shows the file against PyTorch, case by case: who judged, and how large the differences were."""

from __future__ import annotations

from onnxmagic.export.result import Case, Parity
from onnxmagic.view import words
from onnxmagic.view.parts import SIGNS, Column, Row, Section, Sentence, Sign, Span, Table, line
from onnxmagic.view.verdict import untried

__all__ = ["proof", "row_sign"]

ROWS = 24
"""Cases that a table shows: calls of a text model may have as many sizes as there were calls."""

_INPUTS = {
    "example": "your example",
    "varied": "varied",
    "tiled": "your rows, repeated",
    "recorded": "recorded",
    "data": "your data",
    "made up": "made up",
}


def proof(parity: Parity, elsewhere: str) -> Section:
    """Return the comparison, or why there is none; `elsewhere` is the Python expression that has every case."""
    if not parity.cases:
        reason = words.spans(untried(parity))
        return Section("proof", parts=(Sentence((Span("Not tried: "), *reason), "warn"),))
    sentences = [Sentence(words.spans(parity.reason), "warn")] if parity.reason else []
    title = line(f"{parity.runtime} against your PyTorch model, judged {_judged(parity.cases)}")
    shown = _telling(parity.cases)
    sentences = [*_left_out(parity.cases, shown, elsewhere), *sentences]
    return Section("proof", title, (_cases(shown), *sentences, _determinism(parity)))


def _telling(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Return the cases that tell most, in their order: what differs, then what was not the user's, then the worst."""
    in_turn = sorted(cases, key=lambda case: (case.ok, case.inputs in {"recorded", "data"}, -case.max_abs))
    kept = {id(case) for case in in_turn[:ROWS]}
    return tuple(case for case in cases if id(case) in kept)


def _left_out(cases: tuple[Case, ...], shown: tuple[Case, ...], elsewhere: str) -> list[Sentence]:
    there = {id(case) for case in shown}
    left = [case for case in cases if id(case) not in there]
    if not left:
        return []
    wrong = sum(not case.ok for case in left)
    agree = f"{wrong:,} of them differ" if wrong else "all of them agree"
    largest = words.difference(max(case.max_abs for case in left))
    told = line(f"… and {words.whole(len(left), 'more row')}: {agree}, largest difference {largest}; ")
    return [Sentence((*told, Span(elsewhere, "code"), Span(" has them all")), "bad" if wrong else None)]


def row_sign(ok: bool, good: str, bad: str) -> Span:
    """Return the sign that opens a row, with its meaning on hovering."""
    sign: Sign = "ok" if ok else "bad"
    return Span(SIGNS[sign], sign, good if ok else bad)


def _judged(cases: tuple[Case, ...]) -> str:
    """Return in words who says what is rounding and what is a difference."""
    judges: list[str] = []
    if any(case.ratio is not None for case in cases):
        # The other cases are then held against the rounding that was measured there.
        everywhere = all(case.reference == "float64" for case in cases if case.ratio is not None)
        judges.append("by a float64 run" if everywhere else "by a float64 run of your example")
    if any(case.ratio is None for case in cases):
        judges.append("by a tolerance")
    return words.listing(judges)


def _determinism(parity: Parity) -> Sentence:
    if parity.deterministic is None:
        return Sentence(line("Whether it answers the same twice was not tried.", tone="dim"))
    if parity.deterministic:
        return Sentence(line("The same input gave the same answer twice.", tone="dim"))
    return Sentence(line("The same input gave two different answers."), "warn")


def _cases(cases: tuple[Case, ...]) -> Table:
    axes = list(dict.fromkeys(name for case in cases for name in case.sizes))
    ratio, tolerance = (any((case.ratio is None) == without for case in cases) for without in (False, True))
    agreement = any(case.agreement is not None for case in cases)
    columns = [Column(Span("")), *(Column(Span(name)) for name in axes), Column(Span("inputs"))]
    columns.append(Column(Span("largest difference"), numeric=True))
    if ratio:
        columns.append(Column(Span("against PyTorch's own rounding"), numeric=True))
    if tolerance:
        columns.append(Column(Span("allowed"), numeric=True))
    if agreement:
        columns.append(Column(Span("same class"), numeric=True))

    def row(case: Case) -> Row:
        cells = [(row_sign(case.ok, "agrees", "differs"),)]
        cells += [line(str(case.sizes.get(name, "–"))) for name in axes]
        cells += [line(_inputs(case)), line(words.difference(case.max_abs))]
        if ratio:
            cells.append(line("–" if case.ratio is None else words.ratio(case.ratio)))
        if tolerance:
            cells.append(line(words.difference(case.tolerance) if case.ratio is None else "–"))
        if agreement:
            cells.append(line("–" if case.agreement is None else words.percent(case.agreement)))
        return Row(tuple(cells), words.spans(case.reason))

    return Table(tuple(columns), tuple(row(case) for case in cases))


def _inputs(case: Case) -> str:
    """Return where the inputs came from; a row of the user's own may stand for several calls or batches."""
    counted = {"recorded": "call", "data": "batch"}.get(case.inputs)
    if counted is None or case.count == 1:
        return _INPUTS[case.inputs]
    return f"{_INPUTS[case.inputs]}, {words.whole(case.count, counted)}"
