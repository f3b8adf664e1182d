"""From a diff to the parts of its report: the text, the page and the Markdown are printers of these.

The order is that of a reader who stops early: one sentence, what breaks callers, what is built otherwise, which weights
changed, what the two compute, what they cost. What was not compared says so in its own place and has no figures.
"""

from __future__ import annotations

from dataclasses import replace

from onnxmagic.check.finding import Finding
from onnxmagic.diff.result import Diff, SignatureChange, SignatureDiff
from onnxmagic.diff.side import Side
from onnxmagic.view import sections, words
from onnxmagic.view.diff_cost import cost
from onnxmagic.view.diff_figures import numbers, weights
from onnxmagic.view.diff_parts import columns
from onnxmagic.view.diff_structure import structure
from onnxmagic.view.findings import finding_item
from onnxmagic.view.graph.diff_payload import finding_places
from onnxmagic.view.graph.diff_section import diff_section
from onnxmagic.view.parts import (
    SIGNS,
    Header,
    Item,
    Line,
    Report,
    Row,
    Section,
    Sentence,
    Sign,
    Span,
    Table,
    line,
)

__all__ = ["diff_report"]


def diff_report(diff: Diff) -> Report:
    """Return the parts of `diff`'s report."""
    all_sections = (
        sections.said("notes", diff.notes),
        _signature(diff.signature, diff.a),
        structure(diff),
        diff_section(diff),
        weights(diff.weights),
        numbers(diff.outputs),
        cost(diff),
        _findings(diff),
    )
    header = Header(_sign(diff), _summary(diff), _facts(diff.a, diff.b))
    return Report("diff", header, tuple(section for section in all_sections if section.title or section.parts))


def _summary(diff: Diff) -> Line:
    """Return the sentence, of which each piece leads to what it speaks of."""
    return tuple(replace(span, go=clause.place) for clause in diff.sentence for span in words.spans(clause.text))


def _sign(diff: Diff) -> Sign:
    """Return ✓ for no difference, ✗ for one that breaks callers; a difference that was wanted is no mistake."""
    if diff.signature.breaking:
        return "bad"
    if any(value.nan[1] > value.nan[0] for value in diff.outputs.outputs):
        return "warn"
    return "ok" if diff.identical else "info"


def _facts(a: Side, b: Side) -> Line:
    before, after = a.graph.opset, b.graph.opset
    opset = f"opset {before}" if before == after else f"opset {before} → {after}"
    names = Span(f"{a.name} → {b.name}", "strong", f"{_path(a)} → {_path(b)}")
    return (names, Span(opset)) if before or after else (names,)


def _path(side: Side) -> str:
    return side.name if side.source is None or isinstance(side.source, bytes) else str(side.source)


def _signature(signature: SignatureDiff, a: Side) -> Section:
    changes = (*signature.breaking, *signature.compatible)
    if not changes:
        inputs, outputs = len(a.graph.inputs), len(a.graph.outputs)
        told = f"the same: {words.whole(inputs, 'input')}, {words.whole(outputs, 'output')}"
        return Section("signature", line(told))
    breaking = len(signature.breaking)
    told = f"{words.whole(len(changes), 'change')}, {breaking or 'none'} breaking for who calls the model"
    titles = columns("", "what", "before", "after")
    return Section("signature", line(told), (Table(titles, tuple(map(_change, changes))),))


def _change(change: SignatureChange) -> Row:
    sign: Sign = "bad" if change.breaking else "info"
    word = "breaking" if change.breaking else "compatible"
    note = (Span(f"{word}: ", sign), *words.spans(words.stop(change.why))) if change.why else (Span(f"{word}.", sign),)
    mark = Span(SIGNS[sign], sign, word)
    return Row(((mark,), words.spans(change.what), _text(change.before), _text(change.after)), note)


def _text(value: str) -> Line:
    return (Span(value or "–", "code" if value else "dim"),)


def _findings(diff: Diff) -> Section:
    findings = diff.findings
    if findings.reason:
        said = line("Not compared: ", *words.spans(words.stop(findings.reason)), tone="dim")
        return Section("findings", parts=() if findings.reason == "not tried" else (Sentence(said),))
    places = finding_places(diff)
    new = [_marked(finding, key, "new", places[key]) for key, finding in enumerate(findings.appeared)]
    gone = [_marked(finding, key, "gone", places[key]) for key, finding in enumerate(findings.vanished, len(new))]
    return Section("findings", parts=(*new, *(replace(item, sign="ok", more=()) for item in gone)))


def _marked(finding: Finding, key: int, word: str, place: str) -> Item:
    """Return a finding by the key that the drawing marks it with, too: those that appeared are counted first."""
    item = finding_item(finding, f"f{key}", node=place)
    return replace(item, body=(Span(f"{word}: ", "strong"), *item.body), actions=())
