"""The data files: one a target, read when a target is first named, and what of them holds at one version.

A file lists each kind of fact with the version (``of``) it is of. Asked for a version, the newest fact at or below it
holds, patch releases counting as one; a fact of a newer version says nothing of an older one. docs/targets.md describes
the format, and a test holds every file to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

from onnxmagic.target.target import Fact, OperatorFact, Support, Target, Word

__all__ = ["documents", "target"]

_WORDS: Final[tuple[Word, ...]] = ("ran", "compiled", "table says")
_SUPPORT: Final[tuple[Support, ...]] = ("yes", "no", "partly", "wrong")

Document = Mapping[str, Any]


@cache
def documents() -> Mapping[str, Document]:
    """Return the data files by the names of their targets, in alphabetical order."""
    folder = resources.files("onnxmagic.target").joinpath("facts")
    texts = [file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".json")]
    loaded = [json.loads(text) for text in texts]
    return {document["name"]: document for document in sorted(loaded, key=lambda d: d["name"])}


def target(document: Document, version: str = "") -> Target:
    """Return what `document` holds of `version`, of the newest version when that is empty."""
    opset = _at(document["opset"], version)
    whole = _at(document["whole_opset"], version)
    ir = _at(document["ir"], version)
    dynamic = _at(document["dynamic_shapes"], version)
    int64 = _at(document["int64"], version)
    tables = [t for word in _WORDS if (t := _at([t for t in document["operators"] if t["word"] == word], version))]
    complete = next((table for table in tables if table["all"]), None)
    return Target(
        name=document["name"],
        title=document["title"],
        version=version or _newest(document),
        asked=bool(version),
        said=_stand_in(document, opset or ir, version),
        highest_opset=opset["value"] if opset else None,
        highest_ir=ir["value"] if ir else None,
        opset_fact=_fact(opset),
        ir_fact=_fact(ir),
        whole_opset=whole["value"] if whole else None,
        whole_note=whole["note"] if whole else "",
        whole_fact=_fact(whole),
        operators=_operators(tables, _all_at(document["nodes"], version)),
        list_fact=_fact(complete),
        otherwise=document["otherwise"],
        dtypes={d["dtype"]: (d["value"], d["note"], _known(d)) for d in _all_at(document["dtypes"], version)},
        dynamic_shapes=dynamic["value"] if dynamic else "unknown",
        dynamic_note=dynamic["note"] if dynamic else "",
        dynamic_fact=_fact(dynamic),
        int64_io=int64["value"] if int64 else "unknown",
        int64_note=int64["note"] if int64 else "",
        int64_fact=_fact(int64),
        note=document["note"],
    )


def _at(facts: Sequence[Document], version: str) -> Document | None:
    """Return the newest of `facts` that holds at `version`; None when there is none."""
    return max(_all_at(facts, version), key=lambda fact: _numbers(fact["of"]), default=None)


def _all_at(facts: Sequence[Document], version: str) -> list[Document]:
    """Return those of `facts` that are of `version` or below; one that names no version always holds."""
    wanted = _numbers(version)[:2]
    return [f for f in facts if not (version and f["of"]) or _numbers(f["of"])[: len(wanted)] <= wanted]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")) if version else ()


def _newest(document: Document) -> str | None:
    versions = [fact["of"] for kind in ("opset", "ir", "operators") for fact in document[kind] if fact["of"]]
    return max(versions, key=_numbers, default=None)


def _stand_in(document: Document, found: Document | None, version: str) -> str:
    if not version:
        return ""
    title = document["title"]
    if found is None:
        oldest = min((f["of"] for f in (*document["opset"], *document["ir"]) if f["of"]), key=_numbers, default="")
        known = f"; the oldest version known here is {oldest}" if oldest else ""
        return f"Which opset and IR version {title} {version} reads is not known here{known}."
    wanted = _numbers(version)[:2]
    if not found["of"] or _numbers(found["of"])[: len(wanted)] == wanted:
        return ""
    return f"Nothing is known here of {title} {version} itself: it is taken for {found['of']}, the nearest one below."


def _operators(tables: Iterable[Document], nodes: Iterable[Document]) -> dict[str, tuple[OperatorFact, ...]]:
    """Gather what is known of each operator: single uses of it first, then by word, a run before a table."""
    facts = [_of_node(node) for node in nodes]
    for table in tables:
        fact = _known(table)
        for support in _SUPPORT:
            entries = table.get(support, ())
            notes: Mapping[str, str] = entries if isinstance(entries, Mapping) else dict.fromkeys(entries, "")
            facts += [OperatorFact(operator, support, fact, note) for operator, note in notes.items()]
    gathered: dict[str, tuple[OperatorFact, ...]] = {}
    for fact in facts:
        gathered[fact.operator] = (*gathered.get(fact.operator, ()), fact)
    return gathered


def _of_node(node: Document) -> OperatorFact:
    attribute = node.get("attribute")
    return OperatorFact(
        node["operator"],
        node["value"],
        _known(node),
        node["note"],
        attribute=(attribute[0], attribute[1]) if attribute else None,
        input_dtype=node.get("input_dtype", ""),
        instead=node.get("instead", ""),
    )


def _fact(entry: Document | None) -> Fact | None:
    return None if entry is None else _known(entry)


def _known(entry: Document) -> Fact:
    return Fact(entry["word"], entry["source"], entry["date"], entry["of"])
