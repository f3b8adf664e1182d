"""SARIF: what code hosts read. The rules for it are those of SARIF 2.1.0, written out for what we use of it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from onnxmagic.check.finding import Finding, Fix, Where
from onnxmagic.examine.result import Check

MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PHYSICAL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["artifactLocation"],
    "properties": {
        "artifactLocation": {
            "type": "object",
            "required": ["uri"],
            "properties": {"uri": {"type": "string", "pattern": "^[^ {}<>\\\\]+$"}, "uriBaseId": {"type": "string"}},
        },
        "region": {"type": "object", "properties": {"startLine": {"type": "integer", "minimum": 1}}},
    },
}
LOGICAL = {
    "type": "object",
    "additionalProperties": False,
    "properties": {name: {"type": "string"} for name in ("name", "fullyQualifiedName", "kind")},
}
LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": 0},
        "message": MESSAGE,
        "physicalLocation": PHYSICAL,
        "logicalLocations": {"type": "array", "uniqueItems": True, "items": LOGICAL},
    },
}
RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message", "ruleId", "level", "locations", "partialFingerprints"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "minItems": 1, "maxItems": 1, "items": LOCATION},
        "relatedLocations": {"type": "array", "uniqueItems": True, "items": LOCATION},
        "occurrenceCount": {"type": "integer", "minimum": 1},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "name", "shortDescription", "fullDescription", "help", "defaultConfiguration"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": {"type": "object", "required": ["text", "markdown"]},
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
    },
}

LINE = Where(module="layer3.drop", node="/layer3/Dropout", cell=4, line=12, source="x = F.dropout(x)")
DROPOUT = Finding("OM102", "live-dropout", "error", "Dropout is at work.", LINE, Fix("code", "pass `self.training`"), 3)
STATIC = Finding("OM201", "static-batch", "warning", "Fixed.", Where(file="net.py", line=3, source="y"))
UNUSED = Finding(
    "OM206", "unused-input", "info", "`{0}` is not read.", fix=Fix("option", "leave it out", "--fix OM206")
)


def run_of(*findings: Finding, path: Path | None = Path("net.onnx"), untried: tuple[str, ...] = ()) -> dict:
    """Return the one run of a check's log, after looking at its form."""
    log = json.loads(json.dumps(Check("net.onnx", path, findings, None, untried=untried).to_sarif(), allow_nan=False))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    jsonschema.validate(run["results"], {"type": "array", "items": RESULT})
    jsonschema.validate(run["tool"]["driver"]["rules"], {"type": "array", "uniqueItems": True, "items": RULE})
    for result in run["results"]:
        if "ruleIndex" in result:
            assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def test_nothing_found_is_a_log_too() -> None:
    run = run_of()
    assert run["results"] == run["tool"]["driver"]["rules"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_levels() -> None:
    levels = {result["ruleId"]: result["level"] for result in run_of(DROPOUT, STATIC, UNUSED)["results"]}
    assert levels == {"OM102": "error", "OM201": "warning", "OM206": "note"}


def test_each_rule_is_described_once_from_the_catalogue() -> None:
    rules = run_of(DROPOUT, DROPOUT, UNUSED)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["OM102", "OM206"]
    assert "## How to mend it" in rules[0]["help"]["markdown"]


def test_a_finding_says_where_in_the_file_and_in_the_notebook() -> None:
    (result,) = run_of(DROPOUT)["results"]
    place = result["locations"][0]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "net.onnx", "uriBaseId": "%SRCROOT%"}
    assert [(each["kind"], each["fullyQualifiedName"]) for each in place["logicalLocations"]] == [
        ("module", "layer3.drop"),
        ("node", "/layer3/Dropout"),
    ]
    assert result["relatedLocations"][0]["message"]["text"] == "cell 4, line 12: x = F.dropout(x)"
    assert result["message"]["text"].endswith("(cell 4, line 12: x = F.dropout(x)) Instead: pass `self.training`")
    assert result["occurrenceCount"] == 3


def test_a_line_of_a_python_file_is_a_place() -> None:
    (result,) = run_of(STATIC)["results"]
    place = result["relatedLocations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("net.py", 3)


def test_braces_are_no_placeholders() -> None:
    (result,) = run_of(UNUSED)["results"]
    assert result["message"]["text"] == "`{{0}}` is not read. Instead: leave it out (--fix OM206)"


def test_a_file_elsewhere_has_its_whole_address(tmp_path: Path) -> None:
    (result,) = run_of(DROPOUT, path=tmp_path / "my net.onnx")["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("file:///")
    assert uri.endswith("/my%20net.onnx")


def test_a_model_in_memory_has_a_name_and_no_file() -> None:
    (result,) = run_of(UNUSED, path=None)["results"]
    assert result["locations"] == [
        {"logicalLocations": [{"name": "onnx", "fullyQualifiedName": "net.onnx", "kind": "model"}]}
    ]


def test_what_was_not_tried_is_told() -> None:
    (invocation,) = run_of(untried=("Not run.",))["invocations"]
    assert invocation["toolExecutionNotifications"] == [{"level": "note", "message": {"text": "Not run."}}]


@pytest.mark.parametrize("name", ["a\udce9b", "a\x00b", "<script>", "]{0}[", "x" * 10_000])
def test_hostile_names(name: str) -> None:
    run_of(Finding("OM206", "unused-input", "info", name, Where(module=name, node=name)))


def test_a_finding_is_known_again() -> None:
    def prints(*findings: Finding) -> list[str]:
        return [r["partialFingerprints"]["primaryLocationLineHash"] for r in run_of(*findings)["results"]]

    assert prints(DROPOUT, UNUSED) == prints(DROPOUT, UNUSED)
    assert len(set(prints(DROPOUT, STATIC, UNUSED))) == 3


def test_a_code_of_another_version_is_kept_without_a_description() -> None:
    run = run_of(Finding("OM999", "from-the-future", "info", "Later."))
    assert run["tool"]["driver"]["rules"] == []
    assert "ruleIndex" not in run["results"][0]
