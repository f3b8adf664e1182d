"""The page without a kernel, in a real browser: folding, search, themes, and what is left without scripts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "view"))

import data_samples  # pyright: ignore[reportMissingImports]  # of tests/view; put on the path above
import samples  # pyright: ignore[reportMissingImports]  # of tests/view; put on the path above

from onnxmagic.view import to_html

ON_DATA = [data_samples.observed, data_samples.wrong, data_samples.stopped, data_samples.hostile_data]
EXPORTS = [samples.ready, samples.not_proved, samples.not_fit, samples.empty, samples.huge, samples.hostile, *ON_DATA]
CHECKS = [samples.warned, samples.unfit, samples.damaged, samples.hostile_check]
STATES = EXPORTS + CHECKS
HEAD = "<!doctype html><meta charset='utf-8'><title>report</title>"


@pytest.fixture
def opened(static_page):
    """Open a result's page and fail on any error in it."""
    errors = []

    def open_result(result, head=HEAD, twice=False):
        html = to_html(result)
        page = static_page(head + html * (1 + twice))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.reload()
        return page

    yield open_result
    assert errors == []


def overflow(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def names(page):
    return [text.strip() for text in page.locator(".om-name").filter(visible=True).all_text_contents()]


def contrast(page, selector):
    """The contrast of an element's text on the report's background, as WCAG counts it."""
    return page.locator(selector).first.evaluate(
        """element => {
            const light = rgb => {
                const [r, g, b] = rgb.match(/[\\d.]+/g).map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const page = getComputedStyle(element.closest('.om-report')).backgroundColor;
            const pair = [light(getComputedStyle(element).color), light(page)].sort((a, b) => b - a);
            return (pair[0] + 0.05) / (pair[1] + 0.05);
        }"""
    )


def test_searching_shows_hits_and_their_parents(opened):
    page = opened(samples.ready())
    field = page.get_by_label("Search modules")
    field.fill("layer2.1.CONV3")
    assert names(page) == ["model", "layer2", "1", "conv3"]
    assert page.get_by_text("1 of 72", exact=True).is_visible()
    field.fill("no such thing")
    assert names(page) == []
    field.press("Escape")
    assert names(page) == ["model", "conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc"]


def test_folding_by_mouse_and_all_at_once(opened):
    page = opened(samples.ready())
    page.locator("summary", has_text="layer1").click()
    assert names(page)[4:7] == ["0", "1", "2"]
    page.get_by_role("button", name="Unfold all").click()
    assert len(names(page)) == 72
    page.get_by_role("button", name="Fold all", exact=True).click()
    assert names(page) == ["model"]


def test_the_tree_works_by_keyboard(opened):
    page = opened(samples.ready())
    page.locator(".om-summary").first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    focused = "() => document.querySelector('[data-om]').shadowRoot.activeElement"
    assert page.evaluate(f"({focused})().querySelector('.om-name').title") == "layer1.0"
    assert page.evaluate(f"getComputedStyle(({focused})()).outlineStyle") == "solid"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert names(page)[3:5] == ["layer1", "layer2"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [600, 400])
def test_a_narrow_window_needs_no_sideways_scrolling(opened, page, state, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert overflow(opened(state())) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_contrast(opened, page, scheme):
    page.emulate_media(color_scheme=scheme)
    shown = opened(samples.not_fit())
    shown.locator(".om-about").first.click()
    told = (".om-about .om-dim", ".om-asked", ".om-answer", ".om-answer .om-code")
    for selector in (
        ".om-sentence",
        ".om-dim",
        ".om-title",
        ".om-label .om-code",
        ".om-warn",
        ".om-bad",
        ".om-ok",
        *told,
    ):
        assert contrast(shown, selector) >= 4.5


@pytest.mark.parametrize(("body", "scheme"), [("true", "light"), ("false", "dark")])
def test_jupyters_theme_wins_over_the_systems(opened, page, body, scheme):
    page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    shown = opened(samples.ready(), f"{HEAD}<body data-jp-theme-light='{body}'>")
    report = shown.get_by_test_id("om-export")
    assert report.evaluate("e => e.style.colorScheme") == scheme
    shown.evaluate(f"document.body.dataset.jpThemeLight = '{'false' if body == 'true' else 'true'}'")
    shown.wait_for_function(
        "old => document.querySelector('[data-om]').shadowRoot.querySelector('.om-report').style.colorScheme !== old",
        arg=scheme,
    )


def test_the_same_output_twice_is_two_working_reports(opened):
    page = opened(samples.ready(), twice=True)
    first, second = page.get_by_test_id("om-export").all()
    second.get_by_label("Search modules").fill("fc")
    assert second.locator(".om-name").filter(visible=True).count() == 2
    assert first.locator(".om-name").filter(visible=True).count() == 8


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_drawn(opened, state):
    page = opened(state())
    assert page.get_by_role("group", name="report").is_visible()
    assert page.locator("[style]:not(.om-fill):not(.om-report):not(.om-graph *)").count() == 0


def test_an_explanation_opens_by_keyboard(opened):
    page = opened(samples.unfit())
    about = page.locator("summary", has_text="live-dropout").first
    assert about.get_attribute("aria-expanded") == "false"
    about.focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("The file throws away random values").is_visible()
    page.wait_for_function("e => e.getAttribute('aria-expanded') === 'true'", arg=about.element_handle())
    page.keyboard.press(" ")
    assert page.get_by_text("The file throws away random values").is_hidden()


def test_a_rule_met_again_is_explained_in_place_too(opened):
    page = opened(samples.unfit())
    page.locator("summary", has_text="live-dropout").nth(1).click()
    page.get_by_text("The file throws away random values").nth(1).wait_for()
    assert page.get_by_text("As at the first OM102").count() == 0


def test_a_finding_leads_to_its_module(opened):
    page = opened(samples.unfit())
    page.set_viewport_size({"width": 900, "height": 400})
    page.get_by_label("Search modules").fill("conv1")
    page.locator(".om-item", has_text="cell 4, line 12").get_by_role("button", name="Show module").click()
    row = page.locator("[aria-current]")
    assert row.locator(".om-name").get_attribute("title") == "layer4.2"
    box = row.bounding_box()
    assert 0 <= box["y"] <= 400 - box["height"]
    assert page.get_by_label("Search modules").input_value() == ""


def test_without_a_kernel_no_button_promises_a_fix(opened):
    page = opened(samples.unfit())
    assert set(page.locator(".om-item").get_by_role("button").all_text_contents()) == {"Show module"}


def test_hostile_names_are_text(opened):
    page = opened(samples.hostile())
    page.get_by_label("Search modules").fill("onerror")
    page.locator("[data-hit]").first.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.get_by_text("</script><img src=x onerror=").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_scripts_it_is_legible_and_folds(browser, scheme):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 600, "height": 800})
    page = context.new_page()
    colours = "background: #111; color: #e6edf3" if scheme == "dark" else ""
    page.set_content(f"{HEAD}<body style='{colours}'>{to_html(samples.unfit())}")
    page.locator("summary", has_text="live-dropout").first.click()
    assert page.get_by_text("The file throws away random values").is_visible()
    page.locator(".om-summary", has_text="layer4").click()
    assert page.get_by_text("5.0 M").first.is_visible()
    ink = page.evaluate("getComputedStyle(document.querySelector('.om-sentence')).color")
    assert ink == ("rgb(230, 237, 243)" if scheme == "dark" else "rgb(0, 0, 0)")
    assert overflow(page) <= 0
    context.close()


def test_nothing_is_fetched(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(HEAD + to_html(samples.ready()))
    page.get_by_label("Search modules").fill("conv")
    assert asked == []
