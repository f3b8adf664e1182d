"""What the pages promise: every rule has a page, every option is told, and a result is what its schema says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import nbformat
import pytest
import torch
from generate_pages import rule_page, rules_index
from nbclient import NotebookClient

import onnxmagic
from onnxmagic.check.catalogue import HEADINGS, rules
from onnxmagic.options import EXPORT_OPTIONS

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def export():
    return onnxmagic.export(torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout()), (torch.randn(1, 4),))


def validate(result) -> dict:
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    jsonschema.validate(data, SCHEMA)
    return data


def test_a_result_is_what_its_schema_says(export) -> None:
    data = validate(export)
    assert data["findings"][0]["code"] == "OM101"
    assert data["parity"]["cases"][0]["ok"] is True


def test_figures_that_are_not_finite_are_json_too(export) -> None:
    case = replace(export.parity.cases[0], ok=False, max_abs=float("nan"), max_rel=float("inf"), reason="NaN")
    data = validate(replace(export, parity=replace(export.parity, cases=(case,))))
    assert data["parity"]["cases"][0]["max_abs"] is None


@pytest.mark.parametrize("loaded", rules(), ids=lambda loaded: loaded.rule.code)
def test_each_rule_has_a_page(loaded) -> None:
    page = rule_page(loaded)
    assert page.startswith(f"# {loaded.rule.code} {loaded.rule.name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(HEADINGS)
    assert f"[{loaded.rule.code}]({loaded.rule.code}.md)" in rules_index([loaded])


def test_the_readme_tells_every_option() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [flag for option in EXPORT_OPTIONS for flag in option.flags if f"`{flag}" not in readme] == []


def test_the_readmes_lines_show_a_report(tmp_path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"```python\n(.+?)```", readme, re.DOTALL)[0]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(lines)])
    NotebookClient(notebook, resources={"metadata": {"path": tmp_path}}).execute()
    shown = [output["data"] for output in notebook.cells[0].outputs if "data" in output]
    assert [text for data in shown if "Ready. Agrees with PyTorch" in (text := data["text/plain"])]
    assert (tmp_path / "net.onnx").exists()


def test_the_pages_link_to_what_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    codes = {loaded.rule.code for loaded in rules()}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)|src(?:set)?=\"([^\"]+)\"", text):
            path = (page.parent / "".join(target)).resolve()
            assert path.exists() or path.stem in codes | {"index"}, f"{page.name}: {target}"
