"""What make calls: each script says plainly what is missing, and the demo prints its reports and leaves a page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ["from IPython.display import display\ndisplay({'text/html': '<b>R</b>', 'text/plain': 'REPORT'}, raw=True)"]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CI": "", **environment},
    )


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A machine whose only programs are these; its python is too old and can do nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in {"id": "echo 1000", "python3": '[ "$1" = --version ] && echo Python 3.9.1; exit 1'}.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    (folder / "cat").symlink_to("/bin/cat")
    return folder


def test_an_old_python_is_named(bare: Path) -> None:
    done = run("/bin/sh", ROOT / "tools/venv.sh", "python3", bare / "venv", PATH=str(bare))
    assert done.returncode == 1
    assert "'python3' is Python 3.9.1; onnxmagic needs Python 3.10 or later" in done.stderr


def test_no_python_at_all(bare: Path) -> None:
    done = run("/bin/sh", ROOT / "tools/venv.sh", "python3.99", bare / "venv", PATH=str(bare))
    assert done.returncode == 1
    assert "No 'python3.99' here" in done.stderr


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_a_missing_chromium_is_said_loudly_and_fails_ci(bare: Path, ci: str, status: int) -> None:
    done = run("/bin/sh", ROOT / "tools/chromium.sh", "python3", PATH=str(bare), CI=ci)
    assert "THE BROWSER TESTS DO NOT RUN" in done.stderr
    assert done.returncode == status


def make_notebook(folder: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / "small.ipynb")
    return folder / "small.ipynb"


def test_the_demo_prints_reports_and_leaves_a_page_that_needs_no_network(tmp_path: Path) -> None:
    done = run(sys.executable, ROOT / "tools/demo.py", make_notebook(tmp_path, *NOTEBOOK), tmp_path / "out")
    page = tmp_path / "out" / "small.html"
    assert "REPORT" in done.stdout
    assert str(page) in done.stdout
    html = page.read_text(encoding="utf-8")
    assert "<b>R</b>" in html
    assert re.findall(r"(?:src|href)=[\"']https?://[^\"']+", html) == []


def test_a_demo_that_fails_says_so(tmp_path: Path) -> None:
    done = run(sys.executable, ROOT / "tools/demo.py", make_notebook(tmp_path, "1 / 0"), tmp_path / "out")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert not (tmp_path / "out").exists()
