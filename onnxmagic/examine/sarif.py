"""Findings as SARIF, the form in which code hosts take what a check found and show it beside the change.

SARIF 2.1.0 (OASIS standard; errata 01). Section numbers below are of that document. A ``.onnx`` file has no lines, so
the place is the whole file and, where they are known, the module and the node as logical locations; the user's line in
a notebook or a Python file is a related location.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from onnxmagic.check import catalogue
from onnxmagic.check.finding import Finding, Severity, Where

if TYPE_CHECKING:
    from onnxmagic.examine.result import Check

__all__ = ["sarif"]

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}


def sarif(check: Check) -> dict[str, Any]:
    """Return `check` as a SARIF log with one run."""
    found = dict.fromkeys(finding.code for finding in check.findings)
    rules = [_rule(loaded) for loaded in catalogue.rules() if loaded.rule.code in found]
    indices = {rule["id"]: index for index, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "onnxmagic", "version": version("onnxmagic"), "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(check.untried)],
        "results": [_result(finding, check, indices) for finding in check.findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(loaded: catalogue.LoadedRule) -> dict[str, Any]:
    """Return a rule's own documentation as a reportingDescriptor (3.49)."""
    markdown = loaded.doc.partition("\n")[2].strip()
    return {
        "id": loaded.rule.code,
        "name": loaded.rule.name,
        "shortDescription": {"text": f"{loaded.phrase}."},
        "fullDescription": {"text": loaded.sections["What it finds"]},
        "help": {"text": catalogue.explain(loaded.rule.code).strip(), "markdown": markdown},
        "defaultConfiguration": {"level": LEVELS[loaded.rule.severity]},
    }


def _invocation(untried: Iterable[str]) -> dict[str, Any]:
    """Return that the check itself ran to its end (3.20), and what it could not try."""
    notes = [{"level": "note", "message": _said(sentence)} for sentence in untried]
    return {"executionSuccessful": True, **({"toolExecutionNotifications": notes} if notes else {})}


def _result(finding: Finding, check: Check, indices: dict[str, int]) -> dict[str, Any]:
    place = _place(finding, check)
    related = _related(finding.where)
    return {
        "ruleId": finding.code,
        # A code that the catalogue of another version knew has no description here.
        **({"ruleIndex": indices[finding.code]} if finding.code in indices else {}),
        "level": LEVELS[finding.severity],
        "message": _said(_message(finding)),
        "locations": [place],
        **({"relatedLocations": [related]} if related else {}),
        **({"occurrenceCount": finding.count} if finding.count > 1 else {}),
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding, check)},
    }


def _said(text: str) -> dict[str, str]:
    """Return a message (3.11); its braces are doubled, or ``{0}`` in a node's name would stand for an argument."""
    return {"text": text.replace("{", "{{").replace("}", "}}")}


def _message(finding: Finding) -> str:
    where = f" ({_line(finding.where)})" if _line(finding.where) else ""
    cure = f" {_cure(finding)}" if finding.fix and finding.fix.text else ""
    return f"{finding.message}{where}{cure}"


def _cure(finding: Finding) -> str:
    fix = finding.fix
    if fix is None:
        return ""
    if fix.kind == "auto":
        return f"Done already: {fix.text}."
    option = f" ({fix.option})" if fix.option and fix.option not in fix.text else ""
    return f"Instead: {fix.text}{option}"


def _line(where: Where) -> str:
    """Return the user's line for a person: ``cell 4, line 12: x = F.dropout(x)``."""
    return f"{where}: {where.source}" if str(where) and where.source else str(where)


def _place(finding: Finding, check: Check) -> dict[str, Any]:
    """Return the file (3.29), and in it the module and the node (3.33)."""
    where = finding.where
    names = [("module", where.module or "(root)")] if where.module is not None else []
    names += [("node", where.node)] if where.node else []
    if check.path is None and not names:
        names = [("model", check.name)]
    logical = [{"fullyQualifiedName": name, "name": name.rpartition(".")[2] or name, "kind": k} for k, name in names]
    # Hosts want a line even of a binary file; the first stands for the whole.
    file = {"artifactLocation": _artifact(check.path), "region": {"startLine": 1}} if check.path else None
    return {
        **({"physicalLocation": file} if file else {}),
        **({"logicalLocations": logical} if logical else {}),
    }


def _artifact(path: Path) -> dict[str, Any]:
    """Return the file's address (3.4): below the working directory, which is a checkout's root, else from the root."""
    absolute, here = path.absolute(), Path.cwd()
    if absolute.is_relative_to(here):
        return {"uri": quote(absolute.relative_to(here).as_posix()), "uriBaseId": "%SRCROOT%"}
    return {"uri": absolute.as_uri()}


def _related(where: Where) -> dict[str, Any] | None:
    """Return the user's line; a cell is no file, so it is told in words alone."""
    if not str(where):
        return None
    said: dict[str, Any] = {"id": 1, "message": _said(_line(where))}
    if where.file and where.line:
        snippet = {"snippet": {"text": where.source}} if where.source else {}
        region = {"startLine": where.line, **snippet}
        said["physicalLocation"] = {"artifactLocation": {"uri": quote(where.file)}, "region": region}
    return said


def _fingerprint(finding: Finding, check: Check) -> str:
    """Return what stays the same from one upload to the next, so that a host knows a finding again (3.27.17)."""
    name = check.path.name if check.path else check.name
    told = "\n".join([finding.code, name, finding.where.module or "", finding.where.node or "", finding.message])
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:32]
