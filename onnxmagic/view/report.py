"""From an export to the parts of its report: every fact a reader sees is chosen and worded here.

The order is the reader's: the verdict, what needs attention, what goes in and out, the proof, the weights, the time.
"""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.export.result import Axis, Case, Export, Parity
from onnxmagic.graph.facts import Graph, Module, Value
from onnxmagic.view import words
from onnxmagic.view.findings import finding_item
from onnxmagic.view.parts import (
    SIGNS,
    Branch,
    Column,
    Header,
    Report,
    Row,
    Section,
    Sentence,
    Share,
    Shares,
    Sign,
    Signature,
    Size,
    Span,
    Table,
    Tensor,
    Tree,
    line,
)
from onnxmagic.view.verdict import untried, verdict

__all__ = ["report"]

_INPUTS = {"example": "your example", "varied": "varied", "tiled": "your rows, repeated"}


def report(export: Export) -> Report:
    """Return the parts of `export`'s report."""
    sign, sentence = verdict(export)
    name = Span(export.path.name if export.path else "not on disk", "strong", str(export.path or ""))
    facts = (name, Span(words.weight(export.nbytes)), Span(f"opset {export.graph.opset}"))
    sections = (_findings(export), _signature(export), _proof(export.parity), _modules(export), _time(export))
    header = Header(sign, words.spans(sentence), facts)
    return Report("export", header, tuple(section for section in sections if section.title or section.parts))


def _findings(export: Export) -> Section:
    items = tuple(finding_item(finding, f"f{index}") for index, finding in enumerate(export.findings))
    return Section("findings", parts=items or (Sentence(line("Nothing to mend.", tone="dim")),))


def _signature(export: Export) -> Section:
    axes = {(axis.input, axis.index): axis for axis in export.axes}
    by_name = {axis.name: axis for axis in export.axes if axis.status in {"proved", "declared"}}
    inputs = tuple(_tensor(value, axes, by_name) for value in export.graph.inputs)
    outputs = tuple(_tensor(value, {}, by_name) for value in export.graph.outputs)
    return Section("signature", parts=(Signature(inputs, outputs), *_axis_notes(export.axes)))


def _tensor(value: Value, axes: dict[tuple[str, int], Axis], by_name: dict[str, Axis]) -> Tensor:
    sizes = None
    if value.shape is not None:
        sizes = tuple(
            _size(dim, axes.get((value.name, index)) or by_name.get(dim if isinstance(dim, str) else ""))
            for index, dim in enumerate(value.shape)
        )
    return Tensor(Span(value.name, "strong"), Span(value.dtype or "unknown", "dim"), sizes)


def _size(dim: int | str | None, axis: Axis | None) -> Size:
    text = "?" if dim is None else str(dim)
    if axis is None:
        known = isinstance(dim, int)
        return Size(Span(text, title="" if known else "follows from the inputs"))
    if axis.status == "proved":
        return Size(Span(text, title=f"ran at {words.listing(axis.sizes)} and agreed"), "ok")
    if axis.status == "declared":
        return Size(Span(text, title="dynamic in the file, not tried"), "info")
    if axis.status == "refused":
        return Size(Span(text, title=f"{axis.name} stays fixed: {axis.reason}"), "warn")
    return Size(Span(text, title="fixed" + (f": {axis.reason}" if axis.reason else "")))


def _axis_notes(axes: tuple[Axis, ...]) -> Iterator[Sentence]:
    for axis in axes:
        place = (Span(axis.name, "code"), Span(f" (axis {axis.index} of "), Span(axis.input, "code"), Span(") "))
        if axis.status == "refused":
            yield Sentence((*place, Span("stays fixed: "), *words.spans(axis.reason or "no reason is known")), "warn")
        elif axis.status == "declared":
            yield Sentence((*place, Span("is dynamic in the file; other sizes were not tried")), "info")


def _proof(parity: Parity) -> Section:
    if not parity.cases:
        reason = words.spans(untried(parity))
        return Section("proof", parts=(Sentence((Span("Not tried: "), *reason), "warn"),))
    sentences = [Sentence(words.spans(parity.reason), "warn")] if parity.reason else []
    title = line(f"{parity.runtime} against your PyTorch model, judged {_judged(parity.cases)}")
    return Section("proof", title, (_cases(parity.cases), *sentences, _determinism(parity)))


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
        sign: Sign = "ok" if case.ok else "bad"
        cells = [line(Span(SIGNS[sign], sign, "agrees" if case.ok else "differs"))]
        cells += [line(str(case.sizes.get(name, "–"))) for name in axes]
        cells += [line(_INPUTS[case.inputs]), line(words.difference(case.max_abs))]
        if ratio:
            cells.append(line("–" if case.ratio is None else words.ratio(case.ratio)))
        if tolerance:
            cells.append(line(words.difference(case.tolerance) if case.ratio is None else "–"))
        if agreement:
            cells.append(line("–" if case.agreement is None else _percent(case.agreement)))
        return Row(tuple(cells), words.spans(case.reason))

    return Table(tuple(columns), tuple(row(case) for case in cases))


def _percent(share: float) -> str:
    # 99.97 % must not be rounded to "100 %": that would claim that all rows agree.
    return f"{share:.0%}".replace("%", " %") if share in {0.0, 1.0} else f"{min(share, 0.999):.1%}".replace("%", " %")


def _modules(export: Export) -> Section:
    graph = export.graph
    facts = [words.plural(graph.parameters, "parameter"), f"{words.weight(graph.nbytes)} of weights", _nodes(graph)]
    title = line(" · ".join(facts))
    if graph.modules is None:
        note = Sentence(line("The file does not say which PyTorch module a node came from.", tone="dim"))
        return Section("modules", title, (note,))
    keys = {id(module): f"m{index}" for index, module in enumerate(graph.modules.walk())}
    # A model that is made in the call itself, `nn.Sequential(...)(x)`, has no name but its class.
    name = export.model_name if len(export.model_name) <= 32 else graph.modules.class_name
    root = _branch(graph.modules, name, max(graph.modules.nbytes, 1), keys)
    return Section("modules", title, (Tree(root, Span("e.graph.modules", "code")),))


def _nodes(graph: Graph) -> str:
    return words.plural(len(graph.nodes), "node")


def _branch(module: Module, name: str, whole: int, keys: dict[int, str]) -> Branch:
    return Branch(
        keys[id(module)],
        Span(name or module.class_name, title=module.path),
        Span(module.class_name, "dim"),
        Span(words.shape(module.output)),
        min(module.nbytes / whole, 1.0),
        Span(words.count(module.parameters) if module.parameters else "–"),
        Span(words.weight(module.nbytes) if module.nbytes else "–"),
        tuple(_branch(child, child.name, whole, keys) for child in module.children),
    )


def _time(export: Export) -> Section:
    total = sum(stage.seconds for stage in export.stages)
    items = tuple(Share(Span(s.name), s.seconds, Span(words.seconds(s.seconds))) for s in export.stages)
    return Section("time", line(words.seconds(total)) if items else (), (Shares(items),) if items else ())
