"""A diff in a real JupyterLab: the widget takes over from the page, and asks the kernel for what only it has."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).parents[1] / "view" / "diff"))

import diffs  # pyright: ignore[reportMissingImports]  # of tests/view/diff

if TYPE_CHECKING:
    from conftest import FrontEnd  # pyright: ignore[reportMissingImports]  # beside this file

RUN = """
import onnxmagic
d = onnxmagic.diff("before.onnx", "after.onnx")
d
"""


def write(folder: Path) -> None:
    """Write a model, and the same model retrained a little."""
    before = diffs.text(diffs.BEFORE)
    after = onnx.ModelProto()
    after.CopyFrom(before)
    weight = after.graph.initializer[1]
    values = onnx.numpy_helper.to_array(weight) + np.float32(0.25)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(before, folder / "before.onnx")
    onnx.save(after, folder / "after.onnx")


def test_both_histograms_of_a_weight_are_asked_of_the_kernel(lab: FrontEnd) -> None:
    write(lab.root)
    lab.open(lab.write("diff.ipynb", RUN)).run_all()
    page = lab.page
    widget = page.locator("[data-om-widget]")
    widget.locator("[data-mount=diff]").scroll_into_view_if_needed()
    box = widget.locator(".om-canvas .om-box[aria-label^='~ MatMul']")
    box.click()
    panel = widget.locator(".om-side")
    expect(panel).to_contain_text("Weights that changed")
    panel.get_by_role("button", name="Histograms").click()
    expect(panel.locator(".om-pair")).to_have_attribute(
        "aria-label", "histograms before and after, 1 to 4.3, at most 4 in a step"
    )
    expect(panel.locator(".om-pair rect")).to_have_count(40)
    # The page without a kernel stands in the notebook, hidden while the widget is there.
    expect(page.locator("[data-om]")).to_be_hidden()
    assert lab.our_errors == []
