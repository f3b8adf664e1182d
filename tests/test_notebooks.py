"""Every notebook runs from its first cell to its last, in a fresh kernel, and fails nowhere.

With nbclient itself: nbmake takes a notebook that one of IPython's ``UsageError`` ends for one that passed.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    quiet = ["--IPKernelApp.log_level=ERROR"]
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=110, kernel_name="python3", resources=resources, extra_arguments=quiet).execute()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    execute(notebook, tmp_path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def test_a_mistake_on_the_line_of_a_magic_would_be_noticed(tmp_path: Path) -> None:
    lines = "%load_ext onnxmagic", "%onnx_check no_such_model"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in lines])
    with pytest.raises(CellExecutionError, match="UsageError"):
        execute(notebook, tmp_path)
