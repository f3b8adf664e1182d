"""Every rule's own examples, run: the bad one is found, the good one is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import onnxmagic
from onnxmagic.check import catalogue
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.finding import Finding
from onnxmagic.graph.read import read
from onnxmagic.target import find_targets

CODES = [loaded.rule.code for loaded in catalogue.rules()]


def findings(code: str, heading: str) -> tuple[Finding, ...]:
    """Run an example, and return what is found in the model, or in the file, that it defines."""
    torch.manual_seed(0)
    example = next(loaded for loaded in catalogue.rules() if loaded.rule.code == code).sections[heading]
    scope: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, "<ipython-input-1>", "exec"), scope)
    if "path" in scope:
        return onnxmagic.check(scope["path"], run=False).findings
    if "file" in scope:
        return catalogue.run(GraphEvidence(read(scope["file"]), targets=find_targets(scope.get("targets", ()))))
    try:
        return onnxmagic.export(scope["model"], scope["args"], scope.get("kwargs"), **scope.get("options", {})).findings
    except onnxmagic.ExportError as error:
        return error.findings


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_is_found(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert code in {f.code for f in findings(code, "Bad example")}


@pytest.mark.parametrize("code", CODES)
def test_the_good_example_is_not(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert code not in {f.code for f in findings(code, "Good example")}
