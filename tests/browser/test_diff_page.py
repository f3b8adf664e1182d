"""Two models in one drawing, on a page without a kernel: what a person sees, walks through and compares."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from onnxmagic.check.finding import Finding, Where
from onnxmagic.diff.result import FindingsDiff, NodeChange, NodesDiff, Region
from onnxmagic.diff.summary import summarised
from onnxmagic.view import to_html

sys.path.insert(0, str(Path(__file__).parents[1] / "view" / "diff"))

import diffs  # pyright: ignore[reportMissingImports]  # of tests/view/diff

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from onnxmagic.diff.result import Diff

Open = Callable[[str], "Page"]
DIFFERENCES = {"up": 1e-7, "act": 1e-3, "down": 1e-2, "sum": 3e-2, "one": 3e-2, "two": 3e-2, "three": 0.1}
HOSTILE = '</script><img src=x onerror="window.hacked=1">'


def shown(static_page: Open, diff: Diff) -> Page:
    """Open the report of a diff and wait until its drawing is there."""
    page = static_page(f"<!doctype html><meta charset='utf-8'><body>{to_html(diff)}")
    page.locator("[data-mount=diff]").scroll_into_view_if_needed()
    page.locator(".om-canvas .om-box").first.wait_for()
    return page


def word(text: str) -> re.Pattern[str]:
    """Return what finds `text` as a word."""
    return re.compile(rf"\b{re.escape(text)}\b")


def box(page: Page, label: str, number: int = 0) -> Locator:
    """Return a box of a view by the beginning of what a screen reader hears."""
    return page.locator(f".om-canvas >> nth={number}").locator(f".om-box[aria-label^='{label}']")


def side(page: Page, words: str) -> None:
    page.get_by_text(words, exact=True).click()


def test_a_node_says_by_sign_class_and_words_what_became_of_it(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    for label, mark in (("− Identity", "removed"), ("+ Tanh", "added"), ("~ Relu → Gelu", "changed")):
        node = box(page, label)
        expect(node).to_have_class(word(mark))
        expect(node).to_have_attribute("aria-label", word(mark))
    expect(page.locator(".om-line.om-added").first).to_be_attached()
    expect(page.locator(".om-line.om-removed").first).to_be_attached()
    expect(page.locator(".om-marks")).to_have_text("+ 2 added− 1 removed~ 3 changed")


def test_next_and_previous_change_by_key_and_button(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    where = page.locator(".om-stop")
    expect(where).to_have_text("6 changes")
    page.get_by_role("button", name="Next change").click()
    expect(where).to_have_text("1 of 6: Relu → Gelu in block.act, changed")
    expect(box(page, "~ Relu")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("n")
    expect(where).to_have_text("2 of 6: Identity in block, removed")
    page.keyboard.press("[")
    page.keyboard.press("p")
    expect(where).to_have_text("6 of 6: Softmax, changed")
    box(page, "~ Softmax").focus()
    page.keyboard.press("]")
    expect(where).to_have_text("1 of 6: Relu → Gelu in block.act, changed")


def test_keys_in_the_search_field_are_letters(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    page.locator(".om-first .om-search").press_sequentially("norm")
    expect(page.locator(".om-stop")).to_have_text("6 changes")
    expect(page.locator(".om-first .om-found")).to_contain_text("hit")


def test_side_by_side_shows_each_model_at_the_same_places(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    side(page, "Side by side")
    expect(page.locator(".om-whose")).to_have_text(["before.onnx", "after.onnx"])
    expect(box(page, "− Identity", 0)).to_be_visible()
    expect(box(page, "− Identity", 1)).to_have_count(0)
    expect(box(page, "+ Tanh", 0)).to_have_count(0)
    assert not page.locator(".om-canvas >> nth=0").locator(".om-line.om-added").count()
    assert not page.locator(".om-canvas >> nth=1").locator(".om-line.om-removed").count()
    assert places(page, 0)["up"] == places(page, 1)["up"]


def places(page: Page, number: int) -> dict[str, tuple[float, float]]:
    """Return where the boxes of a view are, from the corner of its stage."""
    return page.evaluate(
        """number => {
            const root = document.querySelector("[data-om]").shadowRoot;
            const stage = root.querySelectorAll(".om-stage")[number];
            const at = stage.getBoundingClientRect();
            return Object.fromEntries([...stage.querySelectorAll(".om-box")].map((box) => {
                const { x, y } = box.getBoundingClientRect();
                const [label] = box.getAttribute("aria-label").split(",");
                return [label, [Math.round(x - at.x), Math.round(y - at.y)]];
            }));
        }""",
        number,
    )


@pytest.mark.parametrize("way", ["Side by side", "Swipe"])
def test_what_is_done_in_one_view_is_done_in_the_other(static_page: Open, way: str) -> None:
    page = shown(static_page, diffs.small())
    side(page, way)
    page.get_by_role("button", name="Next change").click()
    page.wait_for_timeout(300)
    for number in (0, 1):
        expect(box(page, "~ Relu", number)).to_have_attribute("aria-selected", "true")
    box(page, "~ Relu", 0).focus()
    page.keyboard.press("+")
    page.wait_for_timeout(300)
    assert places(page, 0)["up"] == places(page, 1)["up"]
    box(page, "up", 1).focus()
    page.keyboard.press("Enter")
    for number in (0, 1):
        expect(box(page, "MatMul", number)).to_be_attached()
    page.wait_for_timeout(300)
    assert places(page, 0)["MatMul"] == places(page, 1)["MatMul"]


def test_the_curtain_is_moved_by_mouse_and_keys(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    side(page, "Swipe")
    curtain = page.locator(".om-curtain")
    expect(curtain).to_have_attribute("aria-valuenow", "50")
    curtain.focus()
    page.keyboard.press("ArrowLeft")
    expect(curtain).to_have_attribute("aria-valuenow", "45")
    page.keyboard.press("Home")
    expect(curtain).to_have_attribute("aria-valuenow", "0")
    stage = page.locator(".om-first .om-stage").first.bounding_box()
    place = curtain.bounding_box()
    assert stage
    assert place
    page.mouse.move(place["x"] + 6, place["y"] + 40)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.75, place["y"] + 60, steps=4)
    page.mouse.up()
    expect(curtain).to_have_attribute("aria-valuenow", "75")


def test_both_in_one_again_leaves_one_view(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    for way in ("Swipe", "Side by side", "Both in one"):
        side(page, way)
    expect(page.locator(".om-canvas")).to_have_count(1)
    expect(page.locator(".om-curtain")).to_have_count(0)
    expect(box(page, "+ Tanh")).to_be_visible()


def test_the_unchanged_is_hidden_behind_a_count_and_comes_back(static_page: Open) -> None:
    page = shown(static_page, diffs.large(420))
    hide = page.get_by_label("Hide unchanged")
    expect(hide).to_be_checked()
    expect(page.locator(".om-box[aria-label*='nodes unchanged']").first).to_be_attached()
    page.get_by_role("button", name="Next change").click()
    hide.uncheck()
    expect(page.locator(".om-box[aria-label*='nodes unchanged']")).to_have_count(0)
    expect(page.locator(".om-box[aria-selected='true']")).to_have_attribute("aria-label", word("added"))


def test_a_tolerance_recolours_at_once_and_names_the_first_beyond_it(static_page: Open) -> None:
    page = shown(static_page, diffs.measured(diffs.small(), DIFFERENCES))
    told, slider = page.locator(".om-beyond"), page.get_by_label("Tolerance of values")
    expect(told).to_have_text("1e-4: 6 nodes of 7 differ by more, the first is Relu → Gelu in block.act")
    expect(box(page, "~ MatMul")).to_have_class(word("om-fill-3"))
    expect(box(page, "~ MatMul")).to_have_attribute("aria-label", word("values differ by 0.01"))
    slider.fill("-1.25")
    expect(told).to_have_text("0.056: 1 node of 7 differs by more, the first is Exp in tail.three")
    assert "om-fill" not in (box(page, "~ MatMul").get_attribute("class") or "")
    expect(slider).to_have_attribute("aria-valuetext", "0.056")
    told.get_by_role("button").click()
    expect(page.locator(".om-box[aria-selected='true']")).to_have_attribute("aria-label", word("Exp"))


def test_nothing_is_coloured_where_nothing_was_run(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    expect(page.get_by_label("Tolerance of values")).to_have_count(0)


def test_the_panel_tells_what_changed_and_why_the_two_are_one(static_page: Open) -> None:
    page = shown(static_page, diffs.measured(diffs.small(), DIFFERENCES))
    box(page, "~ Relu").click()
    panel = page.locator(".om-side")
    expect(panel).to_contain_text("~ changed")
    expect(panel).to_contain_text("Relu → Gelu")
    expect(panel).to_contain_text("attribute approximate")
    expect(panel).to_contain_text("same name")
    expect(panel).to_contain_text("by 0.001 of the largest")
    box(page, "~ MatMul").click()
    expect(panel).to_contain_text("block.down.weight")
    expect(panel).to_contain_text("at most 1, 0.063 on average, cosine 0.99")
    # Values of weights are Python's, and no button promises them here.
    expect(panel.get_by_role("button", name="Histograms")).to_have_count(0)


def test_links_of_the_report_lead_to_places_in_the_drawing(static_page: Open) -> None:
    page = shown(static_page, diffs.small())
    for name, label in (("norm", "+ Tanh"), ("drop", "− Identity"), ("block.down.weight", "~ MatMul")):
        page.locator(f"[data-go]:text-is('{name}')").first.click()
        expect(box(page, label)).to_have_attribute("aria-selected", "true")


def test_the_pieces_of_the_sentence_lead_to_what_they_speak_of(static_page: Open) -> None:
    base = diffs.measured(diffs.small(), DIFFERENCES)
    (drop,), norm = base.nodes.removed, base.nodes.added[0]
    rewrites = (Region("Identity", (drop,), (), indices=((drop.index,), ())), Region("", (), (norm,)))
    page = shown(static_page, summarised(replace(base, regions=rewrites)))
    sentence = page.locator(".om-header")
    for text, label in (
        ("1 × Identity removed", "− Identity"),
        ("1 other node added", "+ Tanh"),
        ("2 changed", "~ Relu"),
        ("1 weight changed, at most 1", "~ MatMul"),
    ):
        sentence.get_by_role("link", name=text, exact=True).click()
        expect(box(page, label)).to_have_attribute("aria-selected", "true")


def test_a_finding_that_appeared_is_marked_at_its_node_and_can_be_gone_to(static_page: Open) -> None:
    came = Finding("OM304", "cast-chain", "warning", "`norm` is odd.", Where(node="norm"))
    page = shown(static_page, diffs.small(findings=FindingsDiff((came,), (), "")))
    expect(box(page, "+ Tanh")).to_have_attribute("data-sign", "warn")
    page.get_by_role("button", name="Show node").click()
    expect(box(page, "+ Tanh")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".om-side")).to_contain_text("appeared: norm is odd.")
    page.locator(".om-side").get_by_role("button", name="OM304").click()
    expect(page.locator(".om-item[data-key=f0]")).to_be_focused()


def test_a_node_that_moved_says_from_where_to_where(static_page: Open) -> None:
    diff = diffs.compared(diffs.text(diffs.BEFORE), diffs.text(diffs.BEFORE))
    (one,) = (diffs.at(diff.a, index) for index, node in enumerate(diff.a.nodes) if node.name == "one")
    moved = NodeChange(one, replace(one, module="head.one"), "same computation", ())
    page = shown(static_page, replace(diff, nodes=NodesDiff(moved=(moved,))))
    page.get_by_role("button", name="Next change").click()
    expect(box(page, "→ Abs")).to_have_attribute("aria-selected", "true")
    expect(page.locator(".om-side")).to_contain_text("tail.one → head.one")


def test_what_takes_the_place_of_something_is_one_stop_with_it(static_page: Open) -> None:
    after = diffs.text(diffs.BEFORE)
    for node in after.graph.node:
        if node.name in {"up", "two"}:
            node.name, node.op_type = f"new_{node.name}", {"up": "Gemm", "two": "Tanh"}[node.name]
    page = shown(static_page, diffs.compared(diffs.text(diffs.BEFORE), after))
    expect(page.locator(".om-stop")).to_have_text("2 changes")
    page.get_by_role("button", name="Next change").click()
    expect(page.locator(".om-stop")).to_have_text("1 of 2: +1 −1 in block.up")


def test_it_can_be_read_at_600_pixels(static_page: Open) -> None:
    page = shown(static_page, diffs.measured(diffs.small(), DIFFERENCES))
    page.set_viewport_size({"width": 600, "height": 900})
    for way in ("Both in one", "Side by side", "Swipe"):
        side(page, way)
        page.get_by_role("button", name="Next change").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 600


def test_names_of_a_model_are_text(static_page: Open) -> None:
    before, after = diffs.text(diffs.BEFORE), diffs.text(diffs.AFTER)
    for model in (before, after):
        for node in model.graph.node:
            node.name = f"{HOSTILE}{node.name}"
    page = shown(static_page, diffs.compared(before, after))
    for _ in range(3):
        page.get_by_role("button", name="Next change").click()
    expect(page.locator(".om-side")).to_contain_text("onerror")
    assert page.evaluate("window.hacked") is None


def test_without_scripts_there_is_a_picture(static_page: Open) -> None:
    html = to_html(diffs.small()).split("<script>")[0]
    picture = static_page(f"<!doctype html><meta charset='utf-8'><body>{html}").locator("img")
    expect(picture).to_have_attribute("alt", "The graph of before.onnx and after.onnx in one: 11 nodes.")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200


def test_twenty_thousand_nodes_are_drawn_within_a_moment(static_page: Open) -> None:
    page = shown(static_page, diffs.large(20_000))
    assert page.locator(".om-canvas .om-box").count() <= 300
    page.get_by_role("button", name="Next change").click()
    expect(page.locator(".om-box[aria-selected='true']")).to_have_count(1)
