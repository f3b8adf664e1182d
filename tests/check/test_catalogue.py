"""The catalogue: complete, consistent, and kind to who mistypes a code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onnxmagic.check import catalogue, rules
from onnxmagic.check.evidence import EagerEvidence, GraphEvidence, RunCase, RunEvidence
from onnxmagic.check.finding import SEVERITIES, Finding
from onnxmagic.errors import UsageMistake
from onnxmagic.graph.facts import Graph

ALL = catalogue.rules()
RUN = RunEvidence("a runtime", (RunCase("y", {}, "example", "run"),), nondeterministic=("y",), not_proved="no runtime")


def graph() -> Graph:
    return Graph("g", (), (), (), (), {}, {"": 20}, 10, "", None)


def test_one_file_a_rule() -> None:
    files = [p for p in Path(rules.__path__[0]).glob("*.py") if p.stem != "__init__"]
    assert len(files) == len(ALL)
    assert {p.stem for p in files} == {r.rule.name.replace("-", "_") for r in ALL}


def test_codes_and_names_are_unique_and_shaped() -> None:
    assert len({r.rule.code for r in ALL}) == len({r.rule.name for r in ALL}) == len(ALL)
    for loaded in ALL:
        assert re.fullmatch(r"OM[1-6]\d\d", loaded.rule.code)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", loaded.rule.name)
        assert loaded.rule.severity in SEVERITIES


CONTRACT = {
    "error": """
        OM102 live-dropout, OM109 quantized-module, OM202 fake-dynamic-axis, OM204 branch-on-batch, OM208
        permuted-names, OM210 mixed-input-dtype, OM213 unregistered-output, OM301 data-dependent-branch, OM302
        unsupported-operator, OM306 unsupported-precision, OM311 invalid-graph, OM401 outputs-differ, OM402
        nan-or-inf, OM404 output-mismatch, OM406 not-loadable, OM501 opset-not-honoured, OM502 opset-too-new,
        OM503 ir-too-new, OM504 target-operator, OM601 missing-sidecar, OM604 escaping-path
    """,
    "warning": """
        OM101 train-mode, OM103 deaf-to-eval, OM104 random-operator, OM105 batch-mixing, OM106 stateful-forward,
        OM201 static-batch, OM203 literal-batch, OM205 axis-name-clash, OM209 output-name-count, OM212
        unrolled-rnn, OM303 custom-operator, OM304 baked-random, OM305 float64-in-graph, OM403 masked-row, OM405
        runtime-nondeterminism, OM407 not-proved, OM408 half-range, OM505 target-dynamic-shape, OM603
        stale-sidecar, OM605 source-leak
    """,
    "info": """
        OM107 wrapped-model, OM108 forward-hooks, OM110 parametrized-weight, OM206 unused-input, OM207
        baked-argument, OM211 degenerate-example, OM307 data-dependent-shape, OM308 bloated-constant, OM309
        duplicate-weights, OM310 cast-chain, OM312 optimizer-avoided, OM313 missing-shapes, OM506 target-int64,
        OM602 two-files, OM606 over-2gb
    """,
}
"""People write codes and names in ``--select``, ``--ignore`` and in CI: none is renamed, dropped or made harsher."""


def test_codes_names_and_severities_are_a_contract() -> None:
    promised = {tuple(each.split()): severity for severity, text in CONTRACT.items() for each in text.split(",")}
    assert len(promised) == 56
    kept = {(r.rule.code, r.rule.name): r.rule.severity for r in ALL}
    assert {rule: kept.get(rule) for rule in promised} == promised  # new ones may join them


@pytest.mark.parametrize("loaded", ALL, ids=lambda r: r.rule.name)
def test_every_rule_is_documented(loaded: catalogue.LoadedRule) -> None:
    assert loaded.doc.startswith(f"# {loaded.rule.name}: ")
    assert loaded.phrase
    assert tuple(loaded.sections) == catalogue.HEADINGS
    assert all(loaded.sections.values())


def test_rules_of_one_moment() -> None:
    assert {r.rule.when for r in catalogue.rules("run")} == {"run"}
    eager = ["OM105", "OM106", "OM203", "OM204", "OM209", "OM213", "OM304"]
    assert [r.rule.code for r in catalogue.rules("eager")] == eager


@pytest.mark.parametrize("evidence", [EagerEvidence(()), GraphEvidence(graph()), RunEvidence("a runtime")])
def test_nothing_is_found_in_nothing(evidence: EagerEvidence | GraphEvidence | RunEvidence) -> None:
    assert catalogue.run(evidence) == ()


def test_errors_come_first() -> None:
    assert [f.code for f in catalogue.run(RUN)] == ["OM406", "OM405", "OM407"]


def test_sort_keeps_the_order_of_equals() -> None:
    findings = [Finding("OM2", "b", "info", "1"), Finding("OM2", "b", "info", "2"), Finding("OM1", "a", "error", "3")]
    assert [f.message for f in catalogue.sort(findings)] == ["3", "1", "2"]


@pytest.mark.parametrize(
    ("select", "ignore", "codes"),
    [
        (["OM407"], [], ["OM407"]),
        (["not-proved", "om405"], [], ["OM405", "OM407"]),
        (["OM4"], ["OM406"], ["OM405", "OM407"]),
        (["OM1"], [], []),
        ([], ["OM4"], []),
    ],
)
def test_select_and_ignore(select: list[str], ignore: list[str], codes: list[str]) -> None:
    assert [f.code for f in catalogue.run(RUN, select=select, ignore=ignore)] == codes


def test_a_mistyped_rule_is_told() -> None:
    with pytest.raises(UsageMistake, match="did you mean `train-mode`"):
        catalogue.run(RUN, ignore=["trian-mode"])


@pytest.mark.parametrize("name", ["OM101", "om101", " train-mode "])
def test_explain(name: str) -> None:
    text = catalogue.explain(name)
    assert text.startswith("OM101 train-mode (warning): part of the model is in training mode\n")
    assert "#" not in text
    assert "    model = nn.Sequential" in text


def test_explaining_an_unknown_rule() -> None:
    with pytest.raises(UsageMistake, match="did you mean `OM101`"):
        catalogue.explain("OM1O1")
    with pytest.raises(UsageMistake, match=r"no rule `nothing like it at all`$"):
        catalogue.explain("nothing like it at all")
