"""What a page builds on the graph view with: marks, two views that go together, boxes that are not drawn."""

from __future__ import annotations

import graph_samples as made
import pytest

SAME, ADDED, REMOVED, CHANGED, MOVED = range(5)


def page_of(static_page, graph, hooks="{}", marks=None):
    """A page with a view of `graph`, as ``graphs[0]``; `marks` by node, the rest is the same."""
    html = made.page(graph)
    page = static_page(html[: html.index("<script>const all")] + "</body>")
    columns = graph.columns()
    if marks:
        columns["nodes"]["mark"] = [marks.get(node, SAME) for node in range(len(graph.nodes))]
    page.evaluate(
        f"columns => {{ window.graphs = [mount(columns, document.querySelector('.place'), {hooks})]; }}", columns
    )
    page.get_by_role("treeitem").first.wait_for()
    return page


def item(page, name):
    return page.get_by_role("treeitem", name=name, exact=False).first


def test_marked_nodes_have_a_sign_a_class_and_a_word(static_page):
    page = page_of(static_page, made.cnn(), "{ first: new Set([1]) }", {3: CHANGED, 4: ADDED})
    relu, add = item(page, "+ Relu"), item(page, "~ Add")
    assert "om-added" in relu.get_attribute("class")
    assert ", added" in relu.get_attribute("aria-label")
    assert "om-changed" in add.get_attribute("class")
    assert "changed" in add.get_attribute("aria-label")


def test_a_closed_box_counts_what_is_marked_in_it_and_is_marked_where_all_is(static_page):
    page = page_of(static_page, made.cnn(), "{ first: new Set() }", {3: CHANGED, 4: ADDED, 5: REMOVED})
    assert item(page, "stage1").locator(".om-sub-text").text_content() == "2 changed · ConvBlock"
    assert item(page, "− pool1").get_attribute("class").endswith("om-removed")
    assert "changed" not in item(page, "stage2").get_attribute("aria-label")


def test_nothing_is_marked_where_nothing_is_compared(static_page):
    page = page_of(static_page, made.cnn())
    assert page.evaluate("graphs[0].scene.boxes.filter(({ marked }) => marked).length") == 0


def test_what_is_hidden_keeps_its_place(static_page):
    page = page_of(static_page, made.cnn())
    before = item(page, "pool2").locator(".om-face").bounding_box()
    page.evaluate(
        "() => { graphs[0].hooks.hidden = ({ kind, index }) => kind === 'scope' && index === 6; graphs[0].redraw(); }"
    )
    assert page.get_by_role("treeitem", name="stage2").count() == 0
    assert item(page, "pool2").locator(".om-face").bounding_box() == before
    assert page.evaluate("graphs[0].drawing.edges.some(({ from, to }) => [from, to].includes('s6'))") is False


def test_a_line_has_a_class_of_its_own_or_is_not_drawn(static_page):
    hooks = "{ line: ({ from }) => from === 's1' ? null : from === 'i0' ? 'om-added' : '', first: new Set() }"
    page = page_of(static_page, made.cnn(), hooks)
    assert page.locator(".om-line.om-added").count() == 1
    assert page.evaluate("graphs[0].drawing.edges.some(({ from }) => from === 's1')") is False


def test_two_cameras_go_together_without_telling_each_other_for_ever(static_page):
    page = page_of(static_page, made.unet(), "{ onCamera: (camera) => (window.seen ??= []).push(camera) }")
    page.evaluate("seen.length = 0; graphs[0].camera.set(10, 20, 0.5)")
    assert page.evaluate("seen") == [{"x": 10, "y": 20, "k": 0.5}]
    page.evaluate("graphs[0].camera.follow({ x: 1, y: 2, k: 1.5 })")
    assert page.evaluate("seen.length") == 1
    assert page.evaluate("(({ x, y, k }) => [x, y, k])(graphs[0].camera)") == [1, 2, 1.5]


def test_who_opens_a_box_is_told_to_the_page_and_who_changes_them_all_is_not(static_page):
    page = page_of(
        static_page, made.cnn(), "{ first: new Set(), onOpen: (open) => (window.seen ??= []).push([...open]) }"
    )
    page.evaluate("graphs[0].open(1)")
    assert page.evaluate("seen") == [[1]]
    page.evaluate("graphs[0].change(new Set([6]), 's6')")
    assert page.evaluate("seen.length") == 1
    assert item(page, "stage2").get_attribute("aria-expanded") == "true"


def test_a_tint_is_seen_and_said_where_no_colour_is_chosen(static_page):
    hooks = "{ tint: ({ id }) => (id === 's1' ? { fill: 3, mark: '▃', said: 'differs by 3e-3' } : null) }"
    page = page_of(static_page, made.cnn(), hooks)
    assert item(page, "stage1, ConvBlock").locator(".om-mark").text_content() == "▃"
    assert "differs by 3e-3" in item(page, "stage1").get_attribute("aria-label")
    page.get_by_label("Colour").select_option("operator")
    assert item(page, "stage1").locator(".om-mark").text_content() == ""


def test_keys_tools_and_the_place_of_the_panel_can_be_given(static_page):
    hooks = """{
        keys: { n: () => (window.pressed = true) }, tools: [document.createElement("output")],
        side: document.body.appendChild(document.createElement("section")),
    }"""
    page = page_of(static_page, made.cnn(), hooks)
    item(page, "pool1").click()
    page.keyboard.press("n")
    assert page.evaluate("pressed")
    assert page.locator(".om-tools output").count() == 1
    assert page.locator("section").get_by_text("MaxPool2d").is_visible()
    assert page.locator("aside").count() == 0


@pytest.mark.parametrize("bare", ["true", "false"])
def test_a_second_view_can_be_without_tools(static_page, bare):
    page = page_of(static_page, made.transformer(12), f"{{ bare: {bare} }}")
    assert page.locator(".om-tools").is_visible() == (bare == "false")
    assert page.locator(".om-stage").is_visible()
