"""The README's pictures are of a real report: exported, proved and drawn here.

``ONNXMAGIC_PICTURES=1 pytest tests/browser/test_pictures.py`` writes them to docs/images.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageStat

IMAGES = Path(__file__).parents[2] / "docs" / "images"
MODEL = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, size, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(size // stride, size, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(size)
        self.conv2 = nn.Conv2d(size, size, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(size)
        self.skip = nn.Conv2d(size // stride, size, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.skip(x)).relu()

class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3)
        self.layer1 = nn.Sequential(Block(64, 1), Block(64, 1))
        self.layer2 = nn.Sequential(Block(128, 2), Block(128, 1))
        self.layer3 = nn.Sequential(Block(256, 2), Block(256, 1))
        self.layer4 = nn.Sequential(Block(512, 2), Block(512, 1))
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(512, 1000)

    def forward(self, image):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(image)))))
        return {"logits": self.fc(self.drop(x.mean((2, 3))))}
"""
PROGRAM = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
cells = ["%load_ext onnxmagic", {MODEL!r}, "model, image = ResNet(), torch.randn(1, 3, 64, 64)",
         "result = %onnx_export model(image) -o resnet.onnx -q"]
for cell in cells:
    shell.run_cell(cell, store_history=True, silent=False).raise_error()
open("page.html", "w", encoding="utf-8").write(shell.user_ns["result"]._repr_html_())
"""


@pytest.fixture(scope="module")
def real_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("picture")
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, check=True, capture_output=True)
    return (folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_readmes_picture_is_of_a_real_report(browser, real_page, tmp_path, scheme):
    folder = IMAGES if os.environ.get("ONNXMAGIC_PICTURES") == "1" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"report-{scheme}.png"
    context = browser.new_context(color_scheme=scheme, viewport={"width": 960, "height": 800}, device_scale_factor=2)
    page = context.new_page()
    colour = {"light": "#ffffff", "dark": "#0d1117"}[scheme]
    page.set_content(f"<!doctype html><meta charset='utf-8'><body style='background: {colour}'>{real_page}")
    report = page.get_by_test_id("om-export")
    assert report.get_by_text("Ready. Agrees with PyTorch at batch 1, 2 and 4.").is_visible()
    report.screenshot(path=path)
    context.close()
    with Image.open(path) as picture:
        assert picture.width > 1500
        assert (ImageStat.Stat(picture.convert("L")).mean[0] > 128) == (scheme == "light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graphs_picture_is_of_a_real_export(browser, real_page, tmp_path, scheme):
    folder = IMAGES if os.environ.get("ONNXMAGIC_PICTURES") == "1" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"graph-{scheme}.png"
    context = browser.new_context(color_scheme=scheme, viewport={"width": 960, "height": 1200}, device_scale_factor=2)
    page = context.new_page()
    colour = {"light": "#ffffff", "dark": "#0d1117"}[scheme]
    page.set_content(f"<!doctype html><meta charset='utf-8'><body style='background: {colour}'>{real_page}")
    graph = page.get_by_test_id("om-graph")
    graph.scroll_into_view_if_needed()
    graph.get_by_role("treeitem", name="layer2, Sequential").dblclick()
    graph.get_by_role("treeitem", name="0, Block", exact=False).dblclick()
    graph.get_by_label("Colour").select_option("operator")
    graph.get_by_role("treeitem", name="Relu").first.click()
    page.wait_for_timeout(400)
    assert graph.get_by_role("complementary").get_by_text("node_relu").first.is_visible()
    graph.screenshot(path=path)
    context.close()
    with Image.open(path) as picture:
        assert picture.width > 1500
        assert (ImageStat.Stat(picture.convert("L")).mean[0] > 128) == (scheme == "light")
