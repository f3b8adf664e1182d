"""Two models as the data that a page draws, and as what a page without scripts shows."""

from __future__ import annotations

import base64
import json
import re
import sys
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import diffs
import pytest

from onnxmagic.check.finding import Finding, Where
from onnxmagic.diff.matching import Matching
from onnxmagic.diff.result import Diff, FindingsDiff, Region, WeightChange, WeightsDiff
from onnxmagic.view.graph.both_picture import both_picture
from onnxmagic.view.graph.diff_payload import diff_columns
from onnxmagic.view.graph.diff_section import diff_section
from onnxmagic.view.graph.payload import packed
from onnxmagic.view.html import fragment
from onnxmagic.view.parts import Drawing, Header, Report, Section, Sentence, Span, line

sys.path.insert(0, str(Path(__file__).parents[1] / "graph"))

from unpacked import texts_of  # pyright: ignore[reportMissingImports]  # of tests/view/graph

HOSTILE = '</script><img src=x onerror="window.hacked=1">'


def numbers(column: Any) -> list[int]:
    return list(accumulate(column["data"])) if isinstance(column, dict) else column


def table(diff: Diff) -> tuple[dict[str, Any], list[str], dict[str, int]]:
    """Return the columns, their texts, and the nodes by their names."""
    data = json.loads(zlib.decompress(base64.b64decode(packed(diff_columns(diff)))))
    texts = texts_of(data["strings"])
    names = {texts[name]: node for node, name in enumerate(numbers(data["nodes"]["name"]))}
    return data, texts, names


def drawing(section: Section) -> Drawing:
    (part,) = section.parts
    assert isinstance(part, Drawing)
    return part


def test_each_node_says_which_it_is_in_either_model() -> None:
    diff = diffs.small()
    data, _, names = table(diff)
    first, second = numbers(data["diff"]["a"]), numbers(data["diff"]["b"])
    assert [name for name, node in names.items() if first[node] < 0] == ["norm", "more"]
    assert [name for name, node in names.items() if second[node] < 0] == ["drop"]
    assert diff.a.nodes[first[names["sum"]]].name == diff.b.nodes[second[names["sum"]]].name == "sum"


def test_what_changed_is_told_before_and_after() -> None:
    data, texts, names = table(diffs.small())
    changes = data["diff"]["changes"]
    columns = [numbers(changes[key]) for key in ("node", "what", "before", "after")]
    found = {(node, *(texts[number] for number in said)) for node, *said in zip(*columns, strict=True)}
    assert (names["act"], "operator", "Relu", "Gelu") in found
    assert (names["prob"], "attribute axis", "-1", "1") in found


def test_a_pair_says_why_it_is_one() -> None:
    data, texts, names = table(diffs.small())
    reasons = numbers(data["diff"]["reason"])
    assert texts[reasons[names["up"]]] == "same name"
    assert texts[reasons[names["norm"]]] == ""


def test_a_weight_that_changed_is_at_the_nodes_that_read_it() -> None:
    data, _, names = table(diffs.small())
    (weight,) = data["diff"]["weights"]
    assert weight["nodes"] == [names["down"]]
    assert (weight["name"], weight["before"], weight["max"]) == ("block.down.weight", "w2", 1.0)


def test_what_was_not_compared_has_no_figures() -> None:
    weight = WeightChange("w", "w2", "w2", (4, 4), ("float32", "float32"), reason="folded into another")
    data, _, _ = table(diffs.small(weights=WeightsDiff((weight,))))
    assert (data["diff"]["weights"][0]["max"], data["diff"]["weights"][0]["said"]) == (None, "folded into another")
    assert data["diff"]["values"]["compared"] is False
    assert data["diff"]["values"]["node"] == []


def test_values_are_at_the_nodes_that_make_them() -> None:
    data, _, names = table(diffs.measured(diffs.small(), {"up": 1e-7, "down": 2e-3, "sum": float("inf")}))
    values = data["diff"]["values"]
    found = dict(zip(numbers(values["node"]), values["rel"], strict=True))
    assert found == {names["up"]: 1e-7, names["down"]: 2e-3, names["sum"]: None}
    assert values["first"] == names["down"]


def test_a_rewrite_is_told_at_each_of_its_nodes() -> None:
    diff = diffs.small()
    drop, norm = diff.nodes.removed[0], diff.nodes.added[0]
    region = Region("Normalised", (drop,), (norm,), indices=((drop.index,), (norm.index,)))
    data, texts, names = table(replace(diff, regions=(region,)))
    changes = data["diff"]["changes"]
    rows = list(zip(*(numbers(changes[key]) for key in ("node", "what", "after")), strict=True))
    told = {node: texts[after] for node, what, after in rows if texts[what] == "rewritten"}
    assert told == {names["drop"]: "Normalised, 1 node", names["norm"]: "Normalised, 1 node"}


def test_findings_that_came_and_went_are_at_their_nodes() -> None:
    came = Finding("OM304", "cast-chain", "warning", "`norm` is odd.", Where(node="norm"))
    went = Finding("OM305", "dead-end", "error", "`drop` was odd.", Where(node="drop"))
    data, _, names = table(diffs.small(findings=FindingsDiff((came,), (went,), "")))
    told = [(each["key"], each["node"], each["sign"], each["text"]) for each in data["findings"]]
    assert told == [
        ("f0", names["norm"], "warn", "appeared: norm is odd."),
        ("f1", names["drop"], "ok", "vanished: drop was odd."),
    ]


def test_a_node_is_less_than_ten_bytes() -> None:
    assert len(packed(diff_columns(diffs.large(5_000)))) < 50_000  # and what is repeated more often is packed better


def test_a_picture_says_by_sign_and_colour_what_became_of_a_node() -> None:
    picture = ET.fromstring(both_picture(diffs.small()))
    space = {"s": "http://www.w3.org/2000/svg"}
    texts = ["".join(text.itertext()) for text in picture.iterfind(".//s:text", space)]
    assert {"+ Tanh", "− Identity", "~ Relu → Gelu"} <= set(texts)
    classes = {element.get("class") for element in picture.iter()}
    assert {"box added", "box removed", "box changed", "edge added", "edge removed"} <= classes
    assert any(text.startswith("+ added") and "before.onnx to after.onnx" in text for text in texts)


def test_a_picture_of_one_model_has_no_rules_for_two() -> None:
    from onnxmagic.view.graph.svg import picture

    assert "removed" not in picture(diffs.small().a.graph)


def test_a_picture_of_many_nodes_shows_how_much_it_hides() -> None:
    assert re.search(r"\d+ nodes unchanged", both_picture(diffs.large(420)))


def test_names_of_a_model_reach_the_page_as_text_only() -> None:
    before, after = diffs.text(diffs.BEFORE), diffs.text(diffs.AFTER)
    for model in (before, after):
        for node in model.graph.node:
            node.name = node.name and f"{HOSTILE}{node.name}"
    weight = WeightChange(HOSTILE, "w2", "w2", (4, 4), ("float32", "float32"))
    diff = diffs.compared(before, after, weights=WeightsDiff((weight,)))
    section = diff_section(replace(diff, a=replace(diff.a, name=HOSTILE)))
    html = fragment(Report("diff", Header("info", line("x"), ()), (section,)))
    assert "<img src=x" not in html
    assert "<img src=x" not in drawing(section).picture


def test_a_section_draws_both_in_one_and_says_what_became_of_how_many() -> None:
    section = diff_section(diffs.small())
    assert "".join(span.text for span in section.title) == (
        "both models in one: +2 −1 ~3, those with other weights among them"
    )
    part = drawing(section)
    assert part.mount == "diff"
    assert part.picture.startswith("<svg")
    assert 'data-mount="diff"' in fragment(Report("diff", Header("info", line("x"), ()), (section,)))


def test_nothing_is_drawn_where_nothing_differs_or_nothing_is_shared() -> None:
    same = diffs.compared(diffs.text(diffs.BEFORE), diffs.text(diffs.BEFORE))
    assert diff_section(same) == Section("graph")
    assert diff_section(replace(diffs.small(), matching=Matching(()))) == Section("graph")


def test_a_model_that_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxmagic.view.graph.diff_section.MOST_NODES", 5)
    (part,) = diff_section(diffs.small()).parts
    assert isinstance(part, Sentence)
    assert "11 nodes are too many to draw here" in "".join(span.text for span in part.line)


def test_a_link_is_plain_text_that_says_where_it_would_lead() -> None:
    section = Section("structure", parts=(Sentence((Span("Relu", "code", go="a1"), Span(" changed"))),))
    html = fragment(Report("diff", Header("info", line("x"), ()), (section,)))
    assert re.search(r'<code [^>]*data-go="a1"[^>]*>Relu</code> changed', html)
