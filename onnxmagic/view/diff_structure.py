"""What is built otherwise, module by module: nodes added, removed, changed and moved, and rewrites as what they are.

A quantised model differs in hundreds of nodes and in one idea. So what is known as a rewrite is one row with a count,
and what nobody can name comes before it: that is what a person must look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from onnxmagic.diff.result import AtNode, Change, Diff, NodeChange, NodesDiff, Region
from onnxmagic.view import words
from onnxmagic.view.diff_parts import columns, module, more, short
from onnxmagic.view.parts import Line, Part, Row, Section, Sentence, Span, Table, Tone, line

__all__ = ["MARKS", "Kind", "structure"]

Kind = Literal["added", "removed", "changed", "moved"]
MARKS: dict[Kind, tuple[str, Tone]] = {
    "added": ("+", "ok"),
    "removed": ("−", "bad"),
    "changed": ("~", "warn"),
    "moved": ("→", "info"),
}
"""Sign and colour: colour is never the only sign."""

ROWS = 24
REGIONS = 16
MODULES = 12
_MOST_CHANGES = 4
_FEW = 4
_MOST_OPERATORS = 5


@dataclass(frozen=True, slots=True)
class _Entry:
    """One node that is not the same."""

    kind: Kind
    node: AtNode
    other: AtNode | None = None
    changes: tuple[Change, ...] = ()

    @property
    def module(self) -> str | None:
        return self.node.module


def structure(diff: Diff) -> Section:
    """Return the nodes that are not the same."""
    entries = list(_entries(diff.nodes))
    same = _same(diff.nodes)
    if not entries:
        return Section("structure", line(f"the same: {same}"))
    regions = [region for region in diff.regions if _is_rewrite(region)]
    explained = _explained(regions)
    open_ones = [entry for entry in entries if (entry.kind, entry.node.index) not in explained]
    title = line(*_counted(entries), Span(f" · the same: {same}"))
    parts = [*_nodes(open_ones), *_regions(regions), *_modules(entries)]
    return Section("structure", title, tuple(parts))


def _same(nodes: NodesDiff) -> str:
    """Return how many nodes are built alike; what is new in a weight alone is the weights' to tell."""
    weighted = sum(not _is_structural(change) for change in nodes.changed)
    told = words.whole(nodes.same + weighted, "node")
    return f"{told}, {weighted:,} of them with other weights" if weighted else told


def _is_structural(change: NodeChange) -> bool:
    return any(each.kind != "weight" for each in change.changes)


def _entries(nodes: NodesDiff) -> Iterator[_Entry]:
    yield from (_Entry("changed", each.a, each.b, each.changes) for each in nodes.changed if _is_structural(each))
    yield from (_Entry("removed", node) for node in nodes.removed)
    yield from (_Entry("added", node) for node in nodes.added)
    yield from (_moved(each) for each in nodes.moved)


def _moved(change: NodeChange) -> _Entry:
    return _Entry("moved", change.a, change.b, change.changes)


def _is_rewrite(region: Region) -> bool:
    """Return whether a region says more than its nodes one by one."""
    return bool(region.name) or region.count > 1 or len(region.removed) + len(region.added) > _FEW


def _explained(regions: Iterable[Region]) -> set[tuple[Kind, int]]:
    """Return the nodes that are told below, as rewrites."""
    found: set[tuple[Kind, int]] = set()
    for region in regions:
        removed, added = region.indices
        found |= {("removed", index) for index in (*removed, *(node.index for node in region.removed))}
        found |= {("added", index) for index in (*added, *(node.index for node in region.added))}
    return found


def _counted(entries: Iterable[_Entry]) -> list[Span]:
    """Return ``+3 −1 ~2``, what is none left out."""
    counts = Counter(entry.kind for entry in entries)
    spans = [Span(f"{MARKS[kind][0]}{counts[kind]:,} ", MARKS[kind][1], kind) for kind in MARKS if counts[kind]]
    return [*spans[:-1], Span(spans[-1].text.rstrip(), spans[-1].tone, spans[-1].title)]


def _nodes(entries: Sequence[_Entry]) -> Iterator[Part]:
    """Yield what no rewrite explains, by module, each module once."""
    by_module: dict[str | None, list[_Entry]] = {}
    for entry in entries:
        by_module.setdefault(entry.module, []).append(entry)
    # What has a module comes in the order of the first model; of what has none nobody knows where it belongs.
    groups = sorted(by_module.items(), key=lambda item: (item[0] is None, min(each.node.index for each in item[1])))
    rows = [_row(entry) for _, group in groups for entry in group]
    if not rows:
        return
    yield Table(columns("", "operator", "node", "module"), tuple(rows[:ROWS]))
    yield from more(len(rows) - ROWS, "node", "d.nodes")


def _row(entry: _Entry) -> Row:
    mark, tone = MARKS[entry.kind]
    node = entry.node
    operator = node.op_type
    if entry.other is not None and entry.other.op_type != operator:
        operator = f"{operator} → {entry.other.op_type}"
    cells = ((Span(mark, tone, entry.kind),), line(operator), _node(entry), module(node.module))
    return Row(cells, _note(entry))


def _node(entry: _Entry) -> Line:
    name = entry.node.name
    place = f"{'b' if entry.kind == 'added' else 'a'}{entry.node.index}"
    return (Span(short(name), "code", name, go=place),) if name else (Span("–", "dim", go=place),)


def _note(entry: _Entry) -> Line:
    if entry.kind == "moved" and entry.other is not None:
        return line("now in ", *module(entry.other.module), tone="dim")
    # Another operator is told in its own column.
    changes = [change for change in entry.changes if change.kind != "operator"]
    told: list[Span] = []
    for change in changes[:_MOST_CHANGES]:
        told += [Span("; ", "dim")] if told else []
        told += _change(change)
    if (left := len(changes) - _MOST_CHANGES) > 0:
        told.append(Span(f"; {words.whole(left, 'more change')}", "dim"))
    return tuple(told)


def _change(change: Change) -> list[Span]:
    if not change.before and not change.after:
        return [Span(change.what)]
    what = [Span(f"{change.what}: ", "dim")]
    if not change.before or not change.after:
        return [
            *what,
            Span(short(change.after or change.before, 80), "code"),
            Span(" new" if change.after else " gone"),
        ]
    return [*what, Span(short(change.before, 80), "code"), Span(" → ", "dim"), Span(short(change.after, 80), "code")]


def _regions(regions: Sequence[Region]) -> Iterator[Part]:
    """Yield the rewrites; those without a name first."""
    if not regions:
        return
    in_turn = sorted(regions, key=lambda region: (bool(region.name), -region.count))
    yield Table(columns("", "removed", "added", "rewrite", "in"), tuple(map(_region, in_turn[:REGIONS])))
    yield from more(len(in_turn) - REGIONS, "rewrite", "d.regions")


def _region(region: Region) -> Row:
    place = f"a{region.removed[0].index}" if region.removed else f"b{region.added[0].index}" if region.added else ""
    name = (Span(region.name, go=place) if region.name else Span("not a known one", "warn", go=place),)
    count = line(f"{region.count:,} ×" if region.count > 1 else "")
    return Row((count, line(_operators(region.removed)), line(_operators(region.added)), name, _places(region.modules)))


def _operators(nodes: Sequence[AtNode]) -> str:
    """Return operators as ``2 × Add, MatMul``."""
    counts = Counter(node.op_type for node in nodes)
    told = [f"{count} × {op}" if count > 1 else op for op, count in counts.items()]
    more = [f"{len(told) - _MOST_OPERATORS + 1} more"] if len(told) > _MOST_OPERATORS else []
    return ", ".join([*(told[: _MOST_OPERATORS - 1] if more else told), *more]) or "–"


def _places(modules: Sequence[str]) -> Line:
    if not modules:
        return ()
    others = Span(f" and {len(modules) - 1:,} more", "dim")
    return (*module(modules[0]), others) if len(modules) > 1 else module(modules[0])


def _modules(entries: Sequence[_Entry]) -> Iterator[Part]:
    """Yield how much changed in which module, where that is more than one."""
    groups: dict[str | None, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.module, []).append(entry)
    if len(groups) < 2:
        return
    in_turn = sorted(groups.items(), key=lambda item: (item[0] is None, -len(item[1])))
    titles = (f"*{MARKS[kind][0]} {kind}" for kind in MARKS)
    yield Table(columns("module", *titles), tuple(_of_module(path, group) for path, group in in_turn[:MODULES]))
    if (left := len(in_turn) - MODULES) > 0:
        yield Sentence(line(f"… and {words.whole(left, 'more module')}", tone="dim"))


def _of_module(path: str | None, entries: Sequence[_Entry]) -> Row:
    counts = Counter(entry.kind for entry in entries)
    figures = (line(f"{counts[kind]:,}" if counts[kind] else "–") for kind in MARKS)
    return Row((line("not told", tone="dim") if path is None else module(path), *figures))
