"""Pages that are made from the code, so that they cannot drift away from it.

A rule's docstring is its page; the tables of options are those that the parser reads; the notebooks are those that the
tests run; the page of errors is the one that ``%onnx_check --explain`` reads. Sphinx's conf.py calls ``write_pages``
before each build. Of what is written here only ``errors.md`` is kept in git, for who reads the repository; a test
compares it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from onnxmagic.check.catalogue import LoadedRule, rules
from onnxmagic.check.known_errors import FILE as ERRORS
from onnxmagic.options import (
    CHECK_OPTIONS,
    COMMAND_OPTIONS,
    DIFF_COMMAND_OPTIONS,
    DIFF_OPTIONS,
    EXPORT_OPTIONS,
    SHOW_COMMAND_OPTIONS,
    SHOW_OPTIONS,
    Option,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["option_table", "rule_page", "rules_index", "write_pages"]

WHEN = {
    "model": "before the export, on the model and its example",
    "eager": "after a few runs of the PyTorch model",
    "capture": "while PyTorch makes the graph",
    "graph": "on the file",
    "run": "after the file ran in a runtime",
}
TABLES = {
    "options.md": EXPORT_OPTIONS,
    "check-options.md": CHECK_OPTIONS,
    "show-options.md": SHOW_OPTIONS,
    "diff-options.md": DIFF_OPTIONS,
    "command-options.md": COMMAND_OPTIONS,
    "show-command-options.md": SHOW_COMMAND_OPTIONS,
    "diff-command-options.md": DIFF_COMMAND_OPTIONS,
}
NOTEBOOKS = ("quickstart.ipynb", "real_inputs.ipynb", "mistakes.ipynb", "look_inside.ipynb", "compare.ipynb")
RULES_HEAD = """# Rules

Each finding of a report has a code and a name; both stay as they are from release to release. `error` means that the
file is not fit to leave the house, `warning` that somebody should look, `info` that it is good to know. In a notebook,
`%onnx_check --explain OM101` prints the same page.

| code | name | severity | what it finds |
|---|---|---|---|
"""


def rule_page(loaded: LoadedRule) -> str:
    """Return the page of one rule, Markdown."""
    rule, body = loaded.rule, loaded.doc.partition("\n")[2]
    return f"# {rule.code} {rule.name}\n\n**{rule.severity}**, found {WHEN[rule.when]}: {loaded.phrase}.\n{body}\n"


def rules_index(all_rules: Iterable[LoadedRule]) -> str:
    """Return the table of all rules with the pages below it, Markdown."""
    all_rules = list(all_rules)
    rows = [
        f"| [{r.rule.code}]({r.rule.code}.md) | {r.rule.name} | {r.rule.severity} | {_cell(r.phrase)} |"
        for r in all_rules
    ]
    pages = ["```{toctree}", ":hidden:", "", *(r.rule.code for r in all_rules), "```"]
    return RULES_HEAD + "\n".join([*rows, "", *pages, ""])


def option_table(options: Iterable[Option]) -> str:
    """Return the options of a magic as a table, Markdown."""
    return "\n".join(["| option | what it does |", "|---|---|", *map(_option_row, options), ""])


def _option_row(option: Option) -> str:
    undo = f"; `{option.negative}` undoes a setting" if option.negatable else ""
    return f"| `{_cell(option.usage)}` | {_cell(option.help)}{undo} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write_pages(docs: Path) -> None:
    """Write all generated pages below `docs`; pages of rules that are gone are removed."""
    folder = docs / "rules"
    wanted = {f"{loaded.rule.code}.md": rule_page(loaded) for loaded in rules()}
    wanted["index.md"] = rules_index(rules())
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        _write(folder / name, text)
    (docs / "generated").mkdir(exist_ok=True)
    for name, options in TABLES.items():
        _write(docs / "generated" / name, option_table(options))
    _write(docs / "errors.md", ERRORS.read_text(encoding="utf-8"))
    for notebook in NOTEBOOKS:
        shutil.copyfile(docs.parent / "notebooks" / notebook, docs / notebook)


def _write(path: Path, text: str) -> None:
    # Unchanged files keep their time, so that Sphinx rebuilds only what changed.
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
