"""What the pages promise: every rule has a page, every option is told, and each result is what its schema says.

The example of "adding a rule" is followed as it is written, and the notebooks run in test_notebooks.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import jsonschema
import nbformat
import pytest
import torch
from generate_pages import NOTEBOOKS, TABLES, rule_page, rules_index, write_pages
from nbclient import NotebookClient

import onnxmagic
from onnxmagic.check.catalogue import HEADINGS, rules
from onnxmagic.check.evidence import GraphEvidence
from onnxmagic.check.known_errors import FILE, known_errors
from onnxmagic.check.rule import Rule
from onnxmagic.options import CHECK_OPTIONS, DIFF_OPTIONS, EXPORT_OPTIONS, SHOW_OPTIONS

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "result.schema.json").read_text(encoding="utf-8"))
CHECK_SCHEMA = json.loads((ROOT / "docs" / "check.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def export():
    return onnxmagic.export(torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout()), (torch.randn(1, 4),))


def validate(result, schema=SCHEMA) -> dict:
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    jsonschema.validate(data, schema)
    return data


def test_a_result_is_what_its_schema_says(export) -> None:
    data = validate(export)
    assert data["findings"][0]["code"] == "OM101"
    assert data["parity"]["cases"][0]["ok"] is True


def test_figures_that_are_not_finite_are_json_too(export) -> None:
    case = replace(export.parity.cases[0], ok=False, max_abs=float("nan"), max_rel=float("inf"), reason="NaN")
    data = validate(replace(export, parity=replace(export.parity, cases=(case,))))
    assert data["parity"]["cases"][0]["max_abs"] is None


def test_a_check_of_a_model_is_what_its_schema_says() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout())
    data = validate(onnxmagic.check(model, (torch.randn(1, 4),)), CHECK_SCHEMA)
    assert data["findings"][0]["code"] == "OM101"
    assert data["parity"]["ok"] is True


def test_a_check_of_a_file_is_what_its_schema_says(export, tmp_path) -> None:
    data = validate(onnxmagic.check(export.save(tmp_path / "net.onnx"), targets="onnxruntime"), CHECK_SCHEMA)
    assert (data["name"], data["parity"], data["runs"][0]["ok"]) == ("net.onnx", None, True)
    assert data["targets"]
    assert data["untried"]


def test_a_check_of_a_damaged_file_is_what_its_schema_says(tmp_path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"nothing")
    data = validate(onnxmagic.check(tmp_path / "net.onnx"), CHECK_SCHEMA)
    assert (data["ok"], data["opset"]) == (False, None)


@pytest.mark.parametrize("loaded", rules(), ids=lambda loaded: loaded.rule.code)
def test_each_rule_has_a_page(loaded) -> None:
    page = rule_page(loaded)
    assert page.startswith(f"# {loaded.rule.code} {loaded.rule.name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == list(HEADINGS)
    assert f"[{loaded.rule.code}]({loaded.rule.code}.md)" in rules_index([loaded])


@pytest.mark.parametrize("table", [EXPORT_OPTIONS, CHECK_OPTIONS, SHOW_OPTIONS, DIFF_OPTIONS])
def test_the_readme_tells_every_option(table) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [flag for option in table for flag in option.flags if f"`{flag}" not in readme] == []


def test_what_is_written_for_the_pages_is_what_the_code_says(tmp_path) -> None:
    docs = tmp_path / "docs"
    (docs / "rules").mkdir(parents=True)
    (docs / "rules" / "OM000.md").write_text("of a rule that is gone", encoding="utf-8")
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    write_pages(docs)
    pages = {path.name: path.read_text(encoding="utf-8") for path in (docs / "rules").glob("*.md")}
    assert set(pages) == {f"{loaded.rule.code}.md" for loaded in rules()} | {"index.md"}
    for loaded in rules():
        assert pages[f"{loaded.rule.code}.md"] == rule_page(loaded)
        assert f"| {loaded.rule.name} | {loaded.rule.severity} |" in pages["index.md"]
    for name, table in TABLES.items():
        text = (docs / "generated" / name).read_text(encoding="utf-8").replace("\\|", "|")
        assert [option.usage for option in table if f"| `{option.usage}` |" not in text] == []
    assert all((docs / name).exists() for name in NOTEBOOKS)


def test_the_page_of_errors_is_the_one_that_the_magic_reads() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert page == FILE.read_text(encoding="utf-8")
    assert len(re.findall(r"^### ", page, re.MULTILINE)) == len(known_errors())


def blocks(page: str) -> list[str]:
    """Return the blocks of code of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```\w*\n(.+?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_rule_that_a_newcomer_writes_finds_its_bad_example_alone() -> None:
    source = blocks("adding-a-rule.md")[0]
    scope: dict = {"__name__": "batch_softmax"}
    exec(compile(source, "batch_softmax.py", "exec"), scope)
    rule, doc = scope["RULE"], scope["__doc__"]
    assert isinstance(rule, Rule)
    assert doc.startswith(f"# {rule.name}: ")
    assert tuple(re.findall(r"^## (.+)$", doc, re.MULTILINE)) == HEADINGS
    assert rule.code not in {loaded.rule.code for loaded in rules()}
    assert [len(found_in(doc, heading, scope["find"])) for heading in ("Bad example", "Good example")] == [1, 0]


def found_in(doc: str, heading: str, find) -> list:
    """Return what a rule of the graph finds in an example of its docstring."""
    example = doc.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    scope: dict = {}
    exec(textwrap.dedent(example), scope)
    return list(find(GraphEvidence(onnxmagic.export(scope["model"], scope["args"], prove=False).graph)))


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
    # What is made for the pages is not there before they are built.
    made = {"index", *(loaded.rule.code for loaded in rules()), *(Path(name).stem for name in NOTEBOOKS)}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)|src(?:set)?=\"([^\"]+)\"", text):
            path = (page.parent / "".join(target)).resolve()
            assert path.exists() or path.stem in made, f"{page.name}: {target}"
