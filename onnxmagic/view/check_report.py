"""From a check to the parts of its report.

A check may have little to show: a damaged file has no graph, a file alone has no proof. What is missing is left out
here and said in one section, ``not tried``, in the words of whoever did not try it.
"""

from __future__ import annotations

from onnxmagic.examine.result import Check, Run
from onnxmagic.view import sections, words
from onnxmagic.view.check_verdict import check_verdict
from onnxmagic.view.graph.section import graph_section
from onnxmagic.view.parts import Column, Header, Line, Part, Report, Row, Section, Sentence, Span, Table, line
from onnxmagic.view.proof import proof, row_sign
from onnxmagic.view.sweep import sweep

__all__ = ["check_report"]

_INPUTS = {"made up": "made up", "yours": "your data"}


def check_report(check: Check) -> Report:
    """Return the parts of `check`'s report."""
    sign, sentence = check_verdict(check)
    header = Header(sign, words.spans(sentence), _facts(check))
    return Report("check", header, tuple(s for s in _sections(check) if s.title or s.parts))


def _facts(check: Check) -> Line:
    facts = [Span(check.path.name if check.path else check.name, "strong", str(check.path or ""))]
    if check.nbytes:
        facts.append(Span(words.weight(check.nbytes)))
    if check.graph and check.graph.opset:
        facts.append(Span(f"opset {check.graph.opset}"))
    return tuple(facts)


def _sections(check: Check) -> list[Section]:
    graph = check.graph
    return [
        sections.findings(check.findings, graph, check.offer),
        sections.said("changed", check.changes),
        sections.signature(graph, check.axes) if graph else Section("signature"),
        _targets(check.targets),
        proof(check.parity, "c.parity.cases") if check.parity else Section("proof"),
        sweep(check.parity.sweep if check.parity else None, "c.parity.worst"),
        _runs(check.runtime, check.runs),
        sections.said("not tried", check.untried),
        graph_section(graph, check.name, check.findings, check.places),
        sections.modules(graph, check.name, "c.graph.modules") if graph else Section("modules"),
        sections.time(check.stages),
    ]


def _targets(targets: tuple[str, ...]) -> Section:
    if not targets:
        return Section("targets")
    note = line(
        f"Judged by the facts recorded of {'them' if len(targets) > 1 else 'it'}, not by a run there.", tone="dim"
    )
    return Section("targets", line(words.listing(targets)), (Sentence(note),))


def _runs(runtime: str, runs: tuple[Run, ...]) -> Section:
    """Return where the file ran alone: that it runs, and no more."""
    if not runs:
        return Section("runs")
    axes = list(dict.fromkeys(name for run in runs for name in run.sizes))
    columns = [Column(Span("")), *(Column(Span(name)) for name in axes), Column(Span("inputs"))]

    def row(run: Run) -> Row:
        sizes = [line(str(run.sizes.get(name, "–"))) for name in axes]
        first = (row_sign(run.ok, "ran", "did not run well"),)
        inputs = _INPUTS[run.inputs] if run.count == 1 else f"{_INPUTS[run.inputs]}, {run.count:,} batches"
        return Row((first, *sizes, line(inputs)), words.spans(run.reason))

    in_order = sorted(runs, key=lambda run: [run.sizes.get(name, 0) for name in axes])
    table = Table(tuple(columns), tuple(row(run) for run in in_order))
    note = line("It ran alone: its numbers were not compared with anything.", tone="dim")
    parts: tuple[Part, ...] = (table, Sentence(note))
    return Section("runs", line(runtime), parts)
