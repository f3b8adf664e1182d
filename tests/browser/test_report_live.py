"""The report in a real JupyterLab and Notebook 7: live, saved and opened again, converted, untrusted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

SAMPLES = Path(__file__).parents[1] / "view" / "samples.py"
SHOW = """
from samples import ready
from onnxmagic.view import show
e = ready()
show(e)
"""
PROGRESS = """
import time
from samples import ready
from onnxmagic.view import Progress, show
with Progress() as progress:
    progress("capture")
    time.sleep({seconds})
show(ready(), replace=progress)
"""
REAL = (
    """
%load_ext onnxmagic
import torch
from torch.nn import Conv2d, Dropout, Flatten, Linear, Sequential
net = Sequential(Conv2d(3, 8, 3), Dropout(0.5), Flatten(), Linear(288, 5))
x = torch.randn(1, 3, 8, 8)
""",
    "e = %onnx_export net(x) -o net.onnx\ne",
)
CHECK = (
    """
import onnx.parser, onnxmagic
from onnxmagic.view import show
onnx.save(onnx.parser.parse_model('''
<ir_version: 10, opset_import: ["" : 20]>
net (float[N, 4] x) => (float[N, 4] y)
<float ratio = {0.5}, bool training = {1}>
{ y = Dropout(x, ratio, training) }'''), "drop.onnx")
c = onnxmagic.check("drop.onnx")
show(c)
""",
)
MODE = "() => [...window.jupyterapp.shell.widgets('main')].find(w => w.sessionContext).content.mode"
RESTART = (
    "async () => { await [...window.jupyterapp.shell.widgets('main')].find(w => w.sessionContext)"
    ".sessionContext.session.kernel.restart(); }"
)
WIDGET = "[data-om-widget]"
STATIC = "[data-om]"


@pytest.fixture
def samples(request):
    """Put the hand-made results where the notebook's kernel finds them; return the front end asked for."""

    def prepared(name):
        front_end = request.getfixturevalue(name)
        shutil.copy(SAMPLES, front_end.root)
        return front_end

    return prepared


def test_the_magic_shows_one_live_report(lab):
    lab.open(lab.write("magic.ipynb", *REAL)).run_all()
    widget = lab.page.locator(WIDGET)
    widget.get_by_text("Ready. Agrees with PyTorch at batch 1, 2 and 4.").wait_for()
    assert lab.page.get_by_test_id("om-export").filter(visible=True).count() == 1
    assert lab.page.get_by_test_id("om-progress").count() == 0
    widget.locator(".om-leaf", has_text="Conv2d").click()
    widget.locator(".om-chosen", has_text="is now .selected").wait_for()
    assert lab.ask("print(e.selected.class_name, e.path.exists(), e.path.name)") == "Conv2d True net.onnx"
    widget.locator(".om-item", has_text="OM101").press("Enter")
    widget.locator(".om-chosen", has_text="OM101").wait_for()
    assert lab.ask("print(e.selected.name)") == "train-mode"
    assert lab.our_errors == []


def test_a_check_explains_itself_and_a_button_mends_a_copy(lab):
    lab.open(lab.write("check.ipynb", *CHECK)).run_all()
    item = lab.page.locator(WIDGET).locator(".om-item", has_text="OM102")
    item.locator("summary").focus()
    lab.page.keyboard.press("Enter")
    item.get_by_text("The file throws away random values").wait_for()
    assert lab.page.evaluate(MODE) == "command"

    before = (lab.root / "drop.onnx").read_bytes()
    item.get_by_role("button", name="Fix in a copy").click()
    outcome = item.get_by_role("status")
    outcome.get_by_text("1 live dropout becomes Identity").wait_for()
    assert outcome.get_by_text("drop.fixed.onnx; the old file is as it was.").is_visible()
    assert outcome.get_by_text("The new file: Nothing wrong is left").is_visible()
    assert (lab.root / "drop.onnx").read_bytes() == before
    assert lab.ask("print([n.op_type for n in onnx.load('drop.fixed.onnx').graph.node])") == "['Identity']"

    lab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    item.get_by_role("button", name="Copy code").click()
    outcome.get_by_text("is copied").wait_for()
    assert lab.page.evaluate("navigator.clipboard.readText()") == "F.dropout(x, p, training=self.training)"
    (lab.root / "drop.onnx").unlink()
    item.get_by_role("button", name="Fix in a copy").click()
    outcome.get_by_text("Not fixed.").wait_for()
    assert lab.our_errors == []


def test_the_report_outlives_its_kernel(samples):
    lab = samples("lab")
    lab.open(lab.write("saved.ipynb", SHOW)).run_all()
    lab.page.locator(WIDGET).get_by_text("Agrees with PyTorch").wait_for()
    assert lab.page.locator(STATIC).is_hidden()
    notebook = lab.save()
    lab.page.evaluate(RESTART)
    lab.page.get_by_test_id("om-export").filter(visible=True).wait_for()
    lab.close()

    lab.open("saved.ipynb")
    lab.page.locator(STATIC).get_by_text("Agrees with PyTorch").wait_for()
    stale = lab.page.get_by_text("Error displaying widget")
    stale.wait_for(state="attached")
    assert stale.is_hidden()
    lab.page.locator(STATIC).get_by_label("Search modules").fill("bottle")
    assert lab.page.get_by_text("16 of 72").is_visible()
    lab.close()

    # What this server has not signed is not trusted, and it signs contents.
    notebook.cells[0].source += "\n# changed elsewhere"
    nbformat.write(notebook, lab.root / "stranger.ipynb")
    lab.open("stranger.ipynb")
    output = lab.page.locator(".jp-OutputArea-output")
    output.get_by_text("Agrees with PyTorch").wait_for()
    assert output.get_by_label("Search modules").count() == 0
    assert lab.page.get_by_text("Error displaying widget").count() == 0
    layer = output.locator("details", has=lab.page.locator("summary", has_text="layer4")).last
    layer.locator("summary", has_text="layer4").click()
    assert layer.get_by_text("Bottleneck").first.is_visible()


def test_a_converted_notebook_opens_offline(samples, tmp_path):
    lab = samples("lab")
    lab.write("convert.ipynb", SHOW)
    command = [sys.executable, "-m", "nbconvert", "--execute", "--to", "html", "--output-dir", str(tmp_path)]
    subprocess.run([*command, str(lab.root / "convert.ipynb")], check=True, capture_output=True)
    lab.page.context.set_offline(True)
    lab.page.goto((tmp_path / "convert.html").as_uri(), wait_until="domcontentloaded")
    lab.page.get_by_label("Search modules").fill("layer4.2.conv3")
    assert lab.page.get_by_text("1 of 72").is_visible()
    lab.page.context.set_offline(False)


def test_progress_ticks_and_becomes_the_report(samples):
    lab = samples("lab")
    lab.open(lab.write("progress.ipynb", PROGRESS.format(seconds=2)))
    # Not waiting for the command, which ends with the cells.
    lab.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    bar = lab.page.get_by_test_id("om-progress")
    bar.get_by_text("capturing the graph … 1.").wait_for()
    lab.page.locator(WIDGET).get_by_text("Agrees with PyTorch").wait_for()
    assert bar.count() == 0
    saved = lab.save()
    assert ["text/html" in output.data for output in saved.cells[0].outputs] == [True, True]


def test_notebook_7_shows_one_live_report(samples):
    notebook7 = samples("notebook7")
    notebook7.open(notebook7.write("seven.ipynb", SHOW)).run_all()
    notebook7.page.locator(WIDGET).locator("summary", has_text="layer3").click()
    notebook7.page.get_by_text("is now .selected").wait_for()
    assert notebook7.page.locator(STATIC).is_hidden()
    assert notebook7.ask("print(e.selected.path)") == "layer3"
