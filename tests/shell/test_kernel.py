"""What only a real kernel shows: that a failing cell fails the run, and what its error says."""

from __future__ import annotations

import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.flaky(reruns=1)  # a kernel takes long to answer on a busy machine

MODEL = """%load_ext onnxmagic
import torch
class Net(torch.nn.Module):
    def forward(self, x):
        return x / 0 if isinstance(x, int) else x + 1
model, x = Net(), torch.zeros(1, 4)
"""
CELLS = {
    "misuse": "%onnx_export modle(x)",
    "argument": "def line(): pass\n\n%onnx_export model(1 / 0)",
    "body": "%%onnx_export\ndef body(): pass\nb = 2 / 0\nmodel(b)",
    "last": "%%onnx_export -q\na = 2\nmodel(\n    a / 0)",
    "syntax": "%%onnx_export\na = = 2\nmodel(a)",
    "check": "%onnx_check net.onnx",
    "watched": "%%onnx_export model\nmodel(x)\nx = x + 1\n1 / 0\n2",
    "numbers": "from onnxmagic.cell import notebook_cell as number\n"
    "print(*(number(function.__code__.co_filename, get_ipython()) for function in (line, body)))",
}


def execute(*cells, allow_errors=False):
    """The executed cells; what is printed comes as one output, however often the kernel sent a part of it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    options = {"timeout": 60, "kernel_name": "python3", "coalesce_streams": True}
    NotebookClient(notebook, allow_errors=allow_errors, **options).execute()
    return notebook.cells


@pytest.fixture(scope="module")
def shown():
    """What each of the cells shows, colours taken out; one output each."""
    cells = execute(MODEL, *CELLS.values(), allow_errors=True)[1:]
    outputs = [output for cell in cells for output in cell.outputs]
    texts = ["\n".join(o.traceback) if o.output_type == "error" else o.text for o in outputs]
    return dict(zip(CELLS, [re.sub(r"\x1b\[[\d;]*m", "", text) for text in texts], strict=True))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("misuse", "UsageError: There is no `modle`. Did you mean `model`?\n"),
        ("syntax", "UsageError: The cell is no Python: invalid syntax, line 2.\n    a = = 2\n        ^\n"),
        ("check", "UsageError: There is no file net.onnx.\n"),
    ],
)
def test_misuse_is_one_message_without_a_stack(shown, name, message):
    assert shown[name] == message


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("argument", "Cell In[3], line 3"),
        ("body", "Cell In[4], line 3"),
        ("last", "Cell In[5], line 4"),
        ("watched", "Cell In[8], line 4"),
    ],
)
def test_a_user_s_error_names_cell_and_line_and_not_our_files(shown, name, place):
    assert place in shown[name]
    assert shown[name].endswith("ZeroDivisionError: division by zero")
    assert "onnxmagic/" not in shown[name]
    assert "site-packages" not in shown[name]


@pytest.mark.parametrize("cell", ["%onnx_export modle(x)", "%%onnx_export\na = 1 / 0\nmodel(a)"])
def test_a_failing_cell_stops_the_notebook(cell):
    with pytest.raises(CellExecutionError):
        execute("%load_ext onnxmagic", cell, "print('the next cell ran')")


def test_the_value_of_a_watched_cell_is_its_own_and_the_report_stands_below():
    cells = execute(MODEL, "print('ran')", "%%onnx_export model --no-prove\nprint('ran')\nmodel(x).shape", "_")
    outputs = cells[2].outputs
    assert [output.output_type for output in outputs[:2]] == ["stream", "execute_result"]
    assert outputs[1].execution_count == 3
    assert outputs[1].data["text/plain"] == "torch.Size([1, 4])"
    assert {output.output_type for output in outputs[2:]} == {"display_data"}
    assert sum("model" in output.data["text/html"] for output in outputs[2:]) == 1
    assert cells[3].outputs[0].data["text/plain"] == "torch.Size([1, 4])"


def test_cells_are_known_by_number(shown):
    assert shown["numbers"] == "3 4\n"
