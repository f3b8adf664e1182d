"""The still picture as a browser draws it: no text beside its box, legible in light and dark."""

from __future__ import annotations

import onnx.parser
import pytest

from onnxmagic.graph.read import read

TEXT = """
<ir_version: 10, opset_import: ["" : 20]>
a_picture (float[batch,3,224,224] WMWMWMimage_with_wide_letters, bool is_training) => (float[batch,n,k] result)
{
   h = Relu (WMWMWMimage_with_wide_letters)
   s = Shape (h)
   result = If (is_training) <
      then_branch = yes () => (float[batch,n,k] a) { a = ThresholdedRelu (h) },
      else_branch = no () => (float[batch,n,k] b) { b = Reshape (h, s) }
   >
}
"""
WIDER = """() => [...document.querySelectorAll('g')].filter(g => g.querySelector(':scope > rect')).flatMap(g => {
    const rectangles = [...g.querySelectorAll(':scope > rect')].map(r => r.getBBox());
    const box = rectangles.reduce((a, b) => a.width > b.width ? a : b);
    const texts = [...g.querySelectorAll(':scope > text')].map(t => t.getBBox());
    return texts.filter(t => t.x < box.x - 1 || t.x + t.width > box.x + box.width + 1).map(t => [t.x, t.width]);
})"""
COLOURS = """() => ['.page', 'text'].map(what => getComputedStyle(document.querySelector(what)).fill)"""


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("svg") / "net.svg"
    read(onnx.parser.parse_model(TEXT).SerializeToString()).to_svg(path)
    return path


def light(colour: str) -> float:
    red, green, blue = (int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_picture_follows_the_page(browser, picture, scheme):
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(picture.as_uri())
    ground, text = map(light, page.evaluate(COLOURS))
    assert (ground > 128) == (scheme == "light")
    assert abs(ground - text) > 150
    context.close()


def test_every_text_stands_in_its_box(browser, picture):
    page = browser.new_page()
    page.goto(picture.as_uri())
    assert page.evaluate("() => document.querySelectorAll('text').length") > 8
    assert page.evaluate(WIDER) == []
    page.close()
