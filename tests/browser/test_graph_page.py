"""The graph in a report's page: drawn where scripts run, a picture where they do not, linked with the findings."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "view"))

import graph_results  # pyright: ignore[reportMissingImports]  # of tests/view; put on the path above
import samples  # pyright: ignore[reportMissingImports]  # of tests/view; put on the path above

from onnxmagic.check.finding import Where
from onnxmagic.view import to_html

HEAD = "<!doctype html><meta charset='utf-8'><title>report</title>"
HOSTILE = samples.HOSTILE


@pytest.fixture
def opened(static_page):
    """Open a page and fail on any error in it."""
    errors = []

    def open_html(html):
        page = static_page(HEAD + html)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.reload()
        return page

    yield open_html
    assert errors == []


def box(page, text):
    return page.get_by_role("treeitem").filter(has_text=text)


def test_the_graph_takes_the_place_of_its_picture(opened):
    page = opened(to_html(graph_results.result()))
    graph = page.get_by_test_id("om-graph")
    graph.get_by_role("tree").wait_for()
    assert graph.locator("img").count() == 0
    assert box(page, "block").count() >= 1
    assert page.get_by_text("5 nodes · by module").is_visible()


def test_a_finding_leads_to_its_node_and_back(opened):
    page = opened(to_html(graph_results.result()))
    page.get_by_role("button", name="Show node").click()
    chosen = page.locator("[role=treeitem][aria-selected=true]")
    chosen.wait_for()
    assert "LeakyRelu" in chosen.get_attribute("aria-label")
    panel = page.get_by_label("What is selected")
    assert "cell 4, line 7 · y = act(a)" in panel.text_content()
    panel.get_by_role("button", name="OM304").click()
    assert page.locator("[data-key=f0]").get_attribute("aria-current") == "true"
    assert page.locator("[data-key=f0]").evaluate("e => e.getRootNode().activeElement === e")


def test_a_finding_without_a_node_has_no_way_to_one(opened):
    lost = replace(graph_results.ACT, where=Where(node="gone"))
    page = opened(to_html(graph_results.result(findings=(lost,))))
    page.get_by_role("tree").wait_for()
    assert page.get_by_role("button", name="Show node").count() == 0


def test_without_scripts_there_is_a_picture(browser, tmp_path):
    (tmp_path / "page.html").write_text(HEAD + to_html(graph_results.result()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    picture = page.get_by_role("img", name="The graph of model: 5 nodes · by module.")
    assert picture.is_visible()
    size = picture.bounding_box()
    assert size["width"] > 50
    assert size["height"] > 50
    context.close()


def test_the_same_report_twice_has_two_graphs(opened):
    page = opened(to_html(graph_results.result()) * 2)
    page.get_by_test_id("om-graph").nth(1).scroll_into_view_if_needed()
    page.get_by_role("tree").nth(1).wait_for()
    assert page.get_by_role("tree").count() == 2


def test_a_hidden_copy_draws_nothing_until_it_is_seen(opened):
    page = opened(f"<div id='cover' style='display: none'>{to_html(graph_results.result())}</div>")
    page.wait_for_function("document.querySelector('[data-om]').shadowRoot !== null")
    page.evaluate("() => new Promise((done) => setTimeout(done, 200))")
    assert page.get_by_role("tree").count() == 0
    page.evaluate("document.querySelector('#cover').style.display = ''")
    page.get_by_role("tree").wait_for()


def test_data_that_cannot_be_read_is_said_and_hurts_nothing_else(opened):
    html = to_html(graph_results.result())
    start = html.index('data-payload="') + len('data-payload="')
    page = opened(html[: start + 40] + html[html.index('"', start) :])
    page.get_by_text("The graph cannot be drawn here").wait_for()
    assert page.get_by_role("img", name="The graph of model").is_visible()
    assert page.get_by_label("Search modules").is_visible()


def test_hostile_names_are_text_in_the_graph(opened):
    graph = graph_results.graph(act=HOSTILE, up="\u202e" * 100, sum="a" * 10_000)
    findings = (replace(graph_results.ACT, message=HOSTILE, where=Where(node=HOSTILE)),)
    page = opened(to_html(graph_results.result(graph=graph, findings=findings, model_name=HOSTILE)))
    page.get_by_role("button", name="Show node").click()
    page.locator("[role=treeitem][aria-selected=true]").wait_for()
    assert "</script><img src=x" in page.get_by_label("What is selected").text_content()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
