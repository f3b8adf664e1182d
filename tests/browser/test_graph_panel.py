"""The side panel, the colours and the saved pictures, in a real browser and without the drawing around them."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import graph_samples
import pytest
from PIL import Image

from onnxmagic.view.graph.bundle import joined, modules, style_sheet

HOSTILE = '</script><img src=x onerror="window.hacked=1">'
ENTRY = """
import { openData } from "./graph-data.js";
import { colourOf, drawLegend, saveButtons, showPanel } from "./panel.js";

export default { colourOf, drawLegend, openData, saveButtons, showPanel };
"""
START = """
window.data = parts.openData(columns);
window.told = [];
window.answer = () => Promise.reject(Error("The kernel is gone."));
window.tell = (what, live = false) => {
  const hooks = {
    live, go: (one) => told.push(["go", one]), jump: (key) => told.push(["jump", key]),
    ask: (kind, of) => (told.push([kind, of]), answer(kind, of)),
  };
  parts.showPanel(document.querySelector("aside"), data, what, hooks);
};
window.colours = (mode, boxes) => boxes.map((box) => parts.colourOf(data, mode, box));
window.legend = (mode) => parts.drawLegend(document.querySelector("aside"), data, mode);
window.save = (svg) => document.querySelector("aside").replaceChildren(...parts.saveButtons(data, () => svg));
"""
STATISTICS = {
    "shape": [2, 3],
    "dtype": "float32",
    "min": -1.5,
    "max": 2.25,
    "mean": 0.125,
    "std": 1.0,
    "nan": 0,
    "inf": 0,
    "histogram": {"edges": [-1.5, 0.0, 2.25], "counts": [2, 4]},
}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80" viewBox="0 0 120 80">'
    '<rect width="120" height="80" fill="#ff0000"/></svg>'
)


def script() -> str:
    text, default = joined({**modules(), "entry.js": ENTRY}, "entry.js")
    return f"{text}\nconst parts = {default};"


@pytest.fixture
def shown(static_page):
    """Open a page with the panel's place and the data of a graph; fail on any error in it."""
    errors: list[str] = []

    def show(made=None):
        columns = json.dumps((made or graph_samples.cnn()).columns()).replace("</", "<\\/")
        styles = f"<style>{style_sheet()}</style>"
        body = "<div class='om-report'><aside class='om-side'></aside></div>"
        page = static_page(graph_samples.HEAD + styles + body)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.add_script_tag(content=f"(() => {{\n{script()}\nconst columns = {columns};\n{START}\n}})();")
        return page

    yield show
    assert errors == []


def tell(page, kind, index, live=False):
    page.evaluate("([what, live]) => tell(what, live)", [{"kind": kind, "index": index}, live])
    return page.locator("aside")


def facts(panel, title):
    """The rows below a title of the panel, as a person reads them."""
    return panel.evaluate(
        """(panel, title) => {
            const head = [...panel.querySelectorAll("h4")].find((one) => one.textContent === title);
            const cells = head ? [...head.nextElementSibling.children] : [];
            const words = (cell) => cell.innerText.replace(/\\s+/g, " ").trim();
            return Object.fromEntries(cells.flatMap((cell, k) => k % 2 ? [] : [[words(cell), words(cells[k + 1])]]));
        }""",
        title,
    )


def told(page):
    return page.evaluate("told.splice(0)")


def test_a_node_tells_all_that_is_known_of_it(shown):
    panel = tell(shown(), "node", 0)
    assert panel.locator("h3").text_content() == "Conv"
    assert panel.locator("p code").text_content() == "node_Conv_0"
    assert facts(panel, "Node") == {
        "module": "stage1.conv",
        "made by": "cell 4, line 2 · y = self.step(x)",
        "parameters": "864",
        "weights": "3.5 kB",
        "FLOPs": "339 k",
    }
    assert facts(panel, "Attributes") == {"kernel_shape": "[3, 3]", "strides": "[1, 1]", "group": "1"}
    assert facts(panel, "Inputs") == {"image": "float32 [batch, 3, 32, 32] input of the graph"}
    assert facts(panel, "Outputs") == {
        "val_0": "float32 [batch, 32, 32, 32] BatchNormalization node_BatchNormalization_1"
    }
    assert facts(panel, "Weights") == {"conv_0.weight": "float32 [864] 3.5 kB"}


def test_inputs_and_outputs_lead_to_their_other_ends(shown):
    page = shown()
    panel = tell(page, "node", 3)
    panel.get_by_role("button", name="BatchNormalization").click()
    panel.get_by_role("button", name="Relu").click()
    panel.get_by_role("button", name="stage1").click()
    assert told(page) == [
        ["go", {"kind": "node", "index": 1}],
        ["go", {"kind": "node", "index": 4}],
        ["go", {"kind": "scope", "index": 1}],
    ]


def test_a_finding_leads_to_the_report(shown):
    page = shown()
    panel = tell(page, "node", 4)
    assert "▲ OM202 A Relu that is never seen." in panel.inner_text()
    panel.get_by_role("button", name="OM202").click()
    assert told(page) == [["jump", "f0"]]


def test_a_module_tells_what_it_costs_and_what_is_in_it(shown):
    panel = tell(shown(), "scope", 1)
    assert panel.locator("h3").text_content() == "ConvBlock"
    assert facts(panel, "Module") == {
        "nodes": "5",
        "output": "float32 [batch, 32, 32, 32]",
        "parameters": "1.1 k",
        "weights": "4.4 kB",
        "FLOPs": "428 k",
    }
    inside = facts(panel, "Inside")
    assert inside["modules"] == "conv Conv2d norm BatchNorm2d skip Conv2d"
    assert inside["nodes"] == "Add node_Add_3 Relu node_Relu_4"


def test_a_module_in_a_block_has_the_name_that_python_knows(shown):
    made = graph_samples.Made("net")
    layers = made.scope("layers", "ModuleList")
    made.scopes.append((layers, "block 1", "", "block", -1))
    inner = made.scope("7", "Linear", len(made.scopes) - 1)
    made.output(made.node("Relu", inner, [made.input("x", "")], ""))
    page = shown(made)
    assert tell(page, "scope", inner).locator("p code").text_content() == "layers.7"
    assert tell(page, "scope", inner - 1).locator("p code").text_content() == "layers.block 1"


def test_a_value_tells_who_makes_it_and_who_takes_it(shown):
    page = shown(graph_samples.transformer(40))
    mask = page.evaluate("Array.from({length: data.count}, (_, i) => i).find((i) => data.outgoing(i).length === 40)")
    value = page.evaluate("(i) => data.edges.value[data.outgoing(i)[0]]", mask)
    panel = tell(page, "value", value)
    row = facts(panel, "Tensor")
    assert row["type"] == "float32 [batch, 1, 1, tokens]"
    assert row["from"].startswith("Mul ")
    assert row["to"].endswith("and 16 more")
    assert panel.locator("dd").last.get_by_role("button").count() == 24


def test_an_output_of_the_graph_is_said_to_be_one(shown):
    page = shown()
    (row,) = facts(tell(page, "node", page.evaluate("data.count - 1")), "Outputs").values()
    assert row == "float32 [batch, 10] output of the graph"


def test_what_needs_the_kernel_is_not_offered_without_one(shown):
    page = shown()
    assert tell(page, "node", 0).get_by_role("button", name="Statistics").count() == 0
    assert page.get_by_role("button", name="Values here").count() == 0
    panel = tell(page, "node", 0, live=True)
    assert panel.get_by_role("button", name="Statistics").count() == 1
    # Of each input and each output.
    assert panel.get_by_role("button", name="Values here").count() == 2


def test_a_weights_statistics_are_asked_for_and_drawn(shown):
    page = shown()
    page.evaluate("(found) => { window.answer = () => Promise.resolve(found); }", STATISTICS)
    panel = tell(page, "node", 0, live=True)
    panel.get_by_role("button", name="Statistics").click()
    chart = panel.get_by_role("img", name="histogram, -1.5 to 2.25, at most 4 in a bar")
    chart.wait_for()
    heights = chart.locator("rect").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().height)")
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.01)
    assert facts(panel, "float32 [2, 3]") == {"range": "-1.5 to 2.25", "mean": "0.125", "std": "1"}
    assert told(page) == [["weight", {"node": 0, "weight": 0, "name": "conv_0.weight"}]]


def test_values_that_are_not_finite_are_said_and_an_image_is_drawn(shown):
    page = shown()
    grey = {"width": 2, "height": 2, "base64": base64.b64encode(bytes([0, 85, 170, 255])).decode()}
    grey |= {"from": -1.0, "to": 1.0, "slice": "channel 0 of 3"}
    told_by = {"on": "made-up inputs", "said": "Nobody knows what they mean."}
    nothing = {"min": None, "max": None, "mean": None, "std": None, "nan": 3, "inf": 1, "histogram": None}
    page.evaluate(
        "(found) => { window.answer = async () => found; }", {**STATISTICS, **nothing, **told_by, "image": grey}
    )
    panel = tell(page, "value", 1, live=True)
    panel.get_by_role("button", name="Values here").click()
    canvas = panel.get_by_role("img", name="values as a picture, channel 0 of 3; black is -1, white 1")
    pixels = canvas.evaluate("canvas => [...canvas.getContext('2d').getImageData(0, 0, 2, 2).data]")
    assert pixels[::4] == [0, 85, 170, 255]
    assert pixels[3::4] == [255] * 4
    row = facts(panel, "float32 [2, 3]")
    assert (row["not finite"], row["range"], row["run on"]) == ("▲ 3 NaN, 1 infinite", "– to –", "made-up inputs")
    assert "Nobody knows what they mean." in panel.inner_text()
    assert told(page) == [["value", {"index": 1, "name": "val_0"}]]


def test_a_failure_is_told_in_words_and_can_be_tried_again(shown):
    page = shown()
    panel = tell(page, "node", 0, live=True)
    panel.get_by_role("button", name="Statistics").click()
    panel.get_by_text("✗ The kernel is gone.").wait_for()
    page.evaluate("window.answer = async () => ({ error: 'The file was moved.' })")
    panel.get_by_role("button", name="Statistics").click()
    panel.get_by_text("✗ The file was moved.").wait_for()
    assert panel.get_by_role("button", name="Statistics").is_enabled()


def test_a_name_is_copied_or_selected(shown):
    page = shown()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(Error('no')); }")
    panel = tell(page, "node", 0)
    panel.get_by_role("button", name="Copy name").click()
    panel.get_by_role("button", name="Selected").wait_for()
    assert page.evaluate("String(getSelection())") == "node_Conv_0"
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
    tell(page, "scope", 2).get_by_role("button", name="Copy name").click()
    panel.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("copied") == "stage1.conv"


def test_names_of_a_model_are_text(shown):
    made = graph_samples.Made(HOSTILE)
    value = made.node(HOSTILE, made.scope(HOSTILE, HOSTILE), [made.input(HOSTILE, HOSTILE)], HOSTILE, 3, f"a={HOSTILE}")
    made.output(value)
    made.findings = [{"key": "f0", "node": 0, "sign": "bad", "code": HOSTILE, "text": HOSTILE}]
    page = shown(made)
    page.evaluate("(text) => { window.answer = () => Promise.reject(Error(text)); }", HOSTILE)
    for kind, index in (("node", 0), ("scope", 1), ("value", 0)):
        panel = tell(page, kind, index, live=True)
        for asks in panel.get_by_role("button", name="Values here").all():
            asks.click()
        assert HOSTILE in panel.inner_text()
        assert panel.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_an_attribute_that_is_a_list_is_one_row(shown):
    made = graph_samples.Made("net")
    made.output(made.node("Pad", 0, [made.input("x", "")], "", attrs="mode=a=b, pads=[0, 1, 2], axis=-1"))
    assert facts(tell(shown(made), "node", 0), "Attributes") == {"mode": "a=b", "pads": "[0, 1, 2]", "axis": "-1"}


def legend(page, mode):
    """The entries of a legend, as a person sees them: the colour, its mark, and what it stands for."""
    page.evaluate("(mode) => legend(mode)", mode)
    return page.locator("aside > span").evaluate_all(
        """spans => spans.map((span) => ({
            fill: Number(span.firstChild.className.replace("om-fill-", "")),
            mark: span.firstChild.textContent,
            label: span.lastChild.textContent.trim(),
        }))"""
    )


def fills(page, mode, *boxes):
    given = page.evaluate(
        "([mode, boxes]) => colours(mode, boxes)", [mode, [dict(zip(("kind", "index"), b, strict=True)) for b in boxes]]
    )
    return [(one["fill"], one["mark"]) for one in given]


def test_colours_by_operator_have_letters(shown):
    page = shown()
    entries = legend(page, "operator")
    assert entries[1] == {"fill": 1, "mark": "A", "label": "Conv"}
    assert len({entry["label"] for entry in entries}) == len(entries) == 8
    assert fills(page, "operator", ("node", 0), ("node", 2), ("scope", 1), ("input", 0)) == [
        (1, "A"),
        (1, "A"),
        (0, ""),
        (0, ""),
    ]


def test_a_module_and_what_is_in_it_have_one_colour(shown):
    page = shown()
    stage, inner, other, outside = fills(page, "module", ("scope", 1), ("node", 0), ("scope", 6), ("output", 0))
    assert stage == inner != other
    assert outside == (0, "")


def test_a_wrapper_around_everything_is_no_colour(shown):
    made = graph_samples.Made("net")
    wrapper = made.scope("wrapped", "Wrapper")
    x = made.input("x", "")
    for name in ("first", "second"):
        x = made.node("Relu", made.scope(name, "Linear", wrapper), [x], "")
    made.output(x)
    page = shown(made)
    assert [entry["label"] for entry in legend(page, "module")] == ["others", "first", "second"]


@pytest.mark.parametrize("mode", ["parameters", "flops", "bytes"])
def test_more_of_a_cost_is_a_higher_step(shown, mode):
    page = shown(graph_samples.transformer(2))
    count = page.evaluate("data.count")
    field = {"parameters": "params"}.get(mode, mode)
    costs = page.evaluate("(field) => Array.from({length: data.count}, (_, i) => data.cost.node(i)[field])", field)
    steps = [fill for fill, _ in fills(page, mode, *(("node", i) for i in range(count)))]
    by_cost = [step for _, step in sorted(zip(costs, steps, strict=True))]
    assert by_cost == sorted(by_cost)
    assert {cost > 0 for cost, step in zip(costs, steps, strict=True) if step == 0} <= {False}
    (whole,) = fills(page, mode, ("scope", 0))
    assert whole == (7, "▇")
    assert legend(page, mode)[-1]["label"].endswith("(each step has as many different figures)")


def test_a_graph_without_weights_has_a_legend_too(shown):
    made = graph_samples.Made("net")
    made.output(made.node("Relu", 0, [made.input("x", "")], ""))
    page = shown(made)
    assert [entry["label"] for entry in legend(page, "parameters")] == ["none, or not known"]
    assert fills(page, "parameters", ("node", 0), ("scope", 0)) == [(0, ""), (0, "")]


def downloaded(page, name):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_pictures_are_saved_under_the_models_name(shown):
    page = shown()
    page.evaluate("(svg) => save(svg)", SVG)
    name, content = downloaded(page, "SVG")
    assert (name, ET.fromstring(content).get("width")) == ("small_cnn.svg", "120")
    name, content = downloaded(page, "PNG")
    assert name == "small_cnn.png"
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (240, 160)
        assert picture.convert("RGB").getpixel((100, 100)) == (255, 0, 0)


def test_a_very_large_picture_is_smaller_rather_than_empty(shown):
    page = shown()
    page.evaluate("(svg) => save(svg)", SVG.replace('width="120" height="80" v', 'width="600" height="40000" v'))
    _, content = downloaded(page, "PNG")
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.height == 16000


def test_a_picture_that_cannot_be_made_is_told(shown):
    page = shown(graph_samples.Made("../../a b\u202e.onnx"))
    page.evaluate("save('<svg')")
    page.get_by_role("button", name="PNG").click()
    page.get_by_text("✗ Not saved").wait_for()
    name, _ = downloaded(page, "SVG")
    assert "/" not in name
    assert "\u202e" not in name
