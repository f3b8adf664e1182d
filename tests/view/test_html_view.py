"""The page as a string; how it looks and behaves is tests/browser's."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import data_samples
import graph_results
import pytest
import samples

from onnxmagic.check.finding import Where
from onnxmagic.view import to_html, to_text
from onnxmagic.view.cut import cut, open_depth
from onnxmagic.view.html import fragment
from onnxmagic.view.markup import Markup, tag
from onnxmagic.view.report import report

PLAIN = [samples.ready, samples.not_proved, samples.not_fit, samples.empty]
DATA = [data_samples.observed, data_samples.wrong, data_samples.stopped]
EXPORTS = [*PLAIN, *DATA, samples.huge, samples.hostile, data_samples.hostile_data]
CHECKS = [samples.sound, samples.warned, samples.unfit, samples.damaged, samples.hostile_check]
STATES = EXPORTS + CHECKS
VOID = {"br", "img", "input"}


class Reader(HTMLParser):
    """Collects elements and text, and fails where elements do not close in order."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self.open = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open:
            self.text.append(data)


def modules_of(result):
    return next(section.parts[0] for section in report(result).sections if section.label == "modules")


def styles(page):
    return [attributes["style"] for _, attributes in Reader(page).elements if attributes.get("style")]


@pytest.mark.parametrize("state", STATES)
def test_the_page_is_well_formed_and_complete(state):
    reader = Reader(to_html(state()))
    assert reader.open == []
    kind = "om-check" if state in CHECKS else "om-export"
    assert [attributes for _, attributes in reader.elements if attributes.get("data-testid") == kind]


@pytest.mark.parametrize("state", [*PLAIN, *DATA, *CHECKS[:4]])
def test_the_page_has_every_word_of_the_text(state):
    shown = "".join(Reader(to_html(state())).text).lower()
    for line in to_text(state()).lower().splitlines():
        # The signature has boxes for brackets, and a page with more room cuts the tree later.
        if not set("[…") & set(line):
            words = {word for word in line.split() if not set(word) <= set("▏▎▍▌▋▊▉█├└─│")} - {"findings"}
            assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize("state", STATES)
def test_the_page_without_scripts_needs_no_style_sheet(state):
    page = fragment(report(state()))
    assert "<style" not in page
    assert not [style for style in styles(page) if "var(" in style or "light-dark" in style]


@pytest.mark.parametrize("state", [samples.hostile, data_samples.hostile_data, samples.hostile_check])
def test_a_hostile_name_makes_no_element(state):
    reader = Reader(to_html(state()))
    assert {name for name, _ in reader.elements} <= {
        *("div", "span", "b", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "script"),
        "img",
    }
    assert sum(name == "script" for name, _ in reader.elements) == 1
    assert not [a for _, attributes in reader.elements for a in attributes if a.startswith("on")]
    assert "\u202e" not in to_html(state())


def test_a_name_of_10_mb_is_cut():
    long = "\u202e" * 10_000_000
    graph = graph_results.graph(act=long, up=samples.HOSTILE)
    named = replace(graph, inputs=tuple(replace(value, name=long) for value in graph.inputs))
    finding = replace(graph_results.ACT, message=long, where=Where(node=long))
    shown = graph_results.result(graph=named, findings=(finding,), model_name=long)
    page = to_html(shown)
    assert len(page) < 500_000
    assert len(to_text(shown)) < 300_000
    assert "\u202e" not in page


def test_the_graph_is_in_the_page_as_data_and_as_a_picture():
    reader = Reader(to_html(graph_results.result()))
    (graph,) = [attributes for _, attributes in reader.elements if attributes.get("data-testid") == "om-graph"]
    assert zlib.decompress(base64.b64decode(graph["data-payload"])).startswith(b'{"v":1,')
    (picture,) = [attributes for name, attributes in reader.elements if name == "img"]
    assert picture["alt"] == "The graph of model: 5 nodes · by module."
    kind, _, svg = picture["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    root = ET.fromstring(base64.b64decode(svg))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_graph_stands_before_the_modules_and_a_terminal_shows_the_modules_alone():
    shown = graph_results.result()
    labels = [section.label for section in report(shown).sections]
    assert labels.index("graph") + 1 == labels.index("modules")
    assert "by module" not in to_text(shown)
    assert "LeakyReLU" in to_text(shown)


@pytest.mark.parametrize("state", [samples.damaged, samples.empty])
def test_without_a_graph_nothing_is_drawn(state):
    assert not [a for _, a in Reader(to_html(state())).elements if a.get("data-testid") == "om-graph"]


def test_a_finding_knows_its_node():
    items = [
        attributes for _, attributes in Reader(to_html(graph_results.result())).elements if "data-key" in attributes
    ]
    nodes = {item["data-key"]: item.get("data-node") for item in items}
    assert (nodes["f0"], nodes["f1"]) == ("n1", None)


def test_no_address_is_ever_fetched():
    page = to_html(samples.ready())
    assert "http:" not in page
    assert "https:" not in page
    assert page.count("src=") == page.count('src="data:image/svg+xml;base64,') == 1
    assert "@import" not in page


def test_a_notebook_stays_small():
    assert len(to_html(samples.ready())) < 110_000
    assert len(to_html(samples.huge())) < 710_000


def test_a_huge_tree_is_cut_with_a_count():
    assert "… 2,161 more modules; " in "".join(Reader(to_html(samples.huge())).text)


def test_two_pages_have_different_names():
    assert to_html(samples.ready()) != to_html(samples.ready())


def test_children_and_attributes_are_escaped_and_markup_is_not():
    made = tag("b", "<i>", Markup("<u></u>"), title='"<')
    assert made == '<b title="&quot;&lt;">&lt;i&gt;<u></u></b>'


def test_cutting_keeps_the_upper_levels():
    tree = modules_of(samples.huge(3, 3)).root
    cut_tree, left_out = cut(tree, 4)
    assert [branch.name.text for _, branch in cut_tree.walk()] == ["model", "l0", "l1", "l2"]
    assert left_out == 9


def test_a_tree_opens_as_far_as_it_fits():
    tree = modules_of(samples.huge(3, 3)).root
    assert [open_depth(tree, rows) for rows in (1, 4, 12, 13, 100)] == [1, 1, 1, 2, 2]
