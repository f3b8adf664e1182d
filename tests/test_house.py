"""The house's own order: who may import whom, and what may not load with the extension."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "onnxmagic"
MAY_IMPORT = {
    "graph": {"graph"},
    "runtime": {"runtime"},
    "target": {"target", "errors"},
    "check": {"check", "graph", "runtime", "target", "errors"},
    "disk": {"disk", "graph", "errors"},
    "inside": {
        *("inside", "check.finding", "check.places", "check.wording", "graph", "runtime", "errors", "shown"),
    },
    "fix": {"fix", "check", "disk", "graph", "runtime", "errors"},
    "record": {"record", "errors"},
    "export": {"export", "check", "diff", "disk", "fix", "graph", "inside", "record", "runtime", "target", "errors"},
    "examine": {"examine", "export", "check", "disk", "fix", "graph", "inside", "runtime", "target", "errors"},
    "show": {"show", "examine", "export", "check", "disk", "fix", "graph", "inside", "runtime", "target", "errors"},
    "diff": {
        *("diff", "graph", "runtime", "inside", "errors", "shown"),
        *("check.finding", "check.places", "check.wording"),
    },
    "compared": {
        *("compared", "diff", "show", "examine", "export", "check", "disk", "fix", "graph", "inside", "runtime"),
        *("target", "errors"),
    },
    "view": {
        *("view", "check.finding", "check.catalogue", "check.places", "errors"),
        *("graph.facts", "graph.outline", "graph.cost", "graph.drawn", "graph.layout"),
        *("export.result", "export.sweep.result", "examine.result"),
        *("show.result", "inside.picture", "inside.statistics"),
        *("diff.result", "diff.side", "diff.matching"),
    },
}
NO_TORCH = ("graph", "view", "diff")
HEAVY = {"torch", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "numpy", "anywidget", "ipywidgets", "transformers"}


def imported(node: ast.stmt) -> list[str]:
    """Full names that one import statement asks for; ``from a import b`` asks for ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def imports(path: Path, *, late: bool = True) -> set[str]:
    """Names imported in a file when it runs; with ``late=False`` only those at its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if late else iter(tree.body)
    for_types = {
        id(child)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for child in ast.walk(block)
    }
    statements = [node for node in nodes if isinstance(node, ast.stmt) and id(node) not in for_types]
    return {name for node in statements for name in imported(node)}


def files(package: str) -> list[Path]:
    return sorted((HOUSE / package).rglob("*.py"))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_stage_reaches_back(package: str) -> None:
    allowed = tuple(f"onnxmagic.{name}" for name in MAY_IMPORT[package])
    wrong = [
        f"{path.relative_to(HOUSE)}: {name}"
        for path in files(package)
        for name in imports(path)
        # A verb's front door is the one file of the rules, and of the diff, that reaches forward; a graph draws itself
        # when asked.
        if path not in {HOUSE / "check" / "__init__.py", HOUSE / "diff" / "__init__.py", HOUSE / "graph" / "facts.py"}
        if name.startswith("onnxmagic.") and not f"{name}.".startswith(tuple(f"{each}." for each in allowed))
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["errors", "shown", "graph/facts"])
def test_errors_and_results_reach_the_views_alone_and_late(name: str) -> None:
    path = HOUSE / f"{name}.py"
    assert not any(n.startswith("onnxmagic") for n in imports(path, late=False))
    late = {n.rpartition(".")[0] for n in imports(path) if n.startswith("onnxmagic")}
    assert {package for package in late if not package.startswith("onnxmagic.graph.")} == {"onnxmagic.view"}


@pytest.mark.parametrize("package", NO_TORCH)
def test_a_file_can_be_read_and_shown_where_torch_is_missing(package: str) -> None:
    assert [path for path in files(package) if any(n.split(".")[0] == "torch" for n in imports(path))] == []


def test_rules_take_torch_late() -> None:
    assert [path for path in files("check") if any(n.split(".")[0] == "torch" for n in imports(path, late=False))] == []


def test_ipython_is_imported_at_the_border_only() -> None:
    allowed = {"magics", "line", "completion", "config", "view"}
    users = {path for path in HOUSE.rglob("*.py") if any(n.split(".")[0] == "IPython" for n in imports(path))}
    assert {path.relative_to(HOUSE).parts[0].removesuffix(".py") for path in users} <= allowed


def test_loading_the_extension_imports_nothing_heavy() -> None:
    program = (
        "from IPython.core.interactiveshell import InteractiveShell; import sys\n"
        "shell = InteractiveShell.instance(); before = set(sys.modules)\n"
        "shell.extension_manager.load_extension('onnxmagic')\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "onnxmagic" in done.stdout.split()
    assert HEAVY & set(done.stdout.split()) == set()


def test_every_file_is_python_310() -> None:
    for path in HOUSE.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
