"""The graph view in a real browser: what a person sees of a model, and does with it."""

from __future__ import annotations

import graph_samples as made
import pytest

FINGERS = ("thumb", "index")
TOUCH = pytest.mark.browser_context_args(has_touch=True)
HOSTILE = "</script><img src=x onerror='window.hacked=1'>\u202e[m]{{7*7}}"
VIEW = "graphs[0]"


@pytest.fixture
def opened(static_page):
    """Open a page with graphs and fail on any error in it."""
    errors = []

    def open_graphs(*graphs, body=""):
        page = static_page(made.page(*graphs, body=body))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.reload()
        page.get_by_role("treeitem").first.wait_for()
        return page

    yield open_graphs
    assert errors == []


def box(page, label):
    """The box of that name."""
    return page.locator(".om-box").filter(has=page.locator(f".om-name-text:text-is('{label}')")).first


def place(page, label):
    """Where its frame is: texts and shadows reach beyond it."""
    return box(page, label).locator(".om-face").bounding_box()


def names(page):
    return [text for text in page.locator(".om-name-text").all_text_contents() if text]


def camera(page):
    return page.evaluate(f"(({{ x, y, k }}) => ({{ x, y, k }}))({VIEW}.camera)")


def settle(page):
    """Wait until nothing has moved for a while; how long that takes is the machine's affair."""
    page.evaluate(
        """async () => {
            const now = () => JSON.stringify(graphs.map(({ camera: { x, y, k } }) => [x, y, k]));
            for (let still = 0, last = ""; still < 6; last = now()) {
                await new Promise(requestAnimationFrame);
                still = now() === last && !graphs.some(({ drawing }) => drawing.tween) ? still + 1 : 0;
            }
        }"""
    )


def tall(page):
    """A page that is longer than its window."""
    page.evaluate("document.body.append(Object.assign(document.createElement('div'), { style: 'height: 3000px' }))")
    return page


def free(page):
    """A point of the stage where no box is."""
    area = page.locator(".om-stage").bounding_box()
    return (area["x"] + 60, area["y"] + area["height"] / 2)


def shown(page, at):
    """The point of the scene that is seen at a point of the page."""
    return page.evaluate(f"([clientX, clientY]) => {VIEW}.camera.point({{ clientX, clientY }})", at)


def still(page):
    """Where the page itself is: how far it is scrolled and zoomed."""
    return page.evaluate("[scrollY, visualViewport.scale]")


class Hand:
    """Fingers on the glass, through the browser's own handling of touch."""

    def __init__(self, page):
        self.session = page.context.new_cdp_session(page)
        self.fingers = {}

    def _send(self, kind, fingers):
        points = [{"id": FINGERS.index(one), "x": x, "y": y} for one, (x, y) in fingers.items()]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def down(self, one, at):
        self.fingers[one] = at
        self._send("touchStart", self.fingers)

    def move(self, steps=8, **by):
        """Move each finger by so much, all at the same time: ``move(thumb=(0, 40), index=(0, 40))``."""
        for _ in range(steps):
            for one, (dx, dy) in by.items():
                x, y = self.fingers[one]
                self.fingers[one] = (x + dx / steps, y + dy / steps)
            self._send("touchMove", self.fingers)

    def up(self, *ones):
        for one in ones or [*self.fingers]:
            self._send("touchEnd", {one: self.fingers.pop(one)})

    def tap(self, at):
        self.down("thumb", at)
        self.up("thumb")


def focused(page):
    return page.evaluate("document.querySelector('.place').shadowRoot.activeElement?.getAttribute('aria-label') ?? ''")


def test_the_first_view_names_boxes_and_where_they_come_from(opened):
    page = opened(made.cnn())
    assert names(page)[:5] == ["image", "stage1", "pool1", "stage2", "pool2"]
    assert page.get_by_text("20 operators, boxes by module").is_visible()
    assert box(page, "stage1").locator(".om-third-text").text_content() == "1.1 k · [batch, 32, 32, 32]"


@pytest.mark.parametrize(
    ("source", "words"),
    [("names", "boxes by names"), ("blocks", "boxes by repeated structure"), ("flat", "no modules known")],
)
def test_it_says_when_boxes_are_found_another_way(opened, source, words):
    page = opened(made.transformer(2, source))
    assert page.get_by_text(words).is_visible()


def test_a_box_opens_where_it_is_and_closes_again(opened):
    page = opened(made.cnn())
    before = place(page, "stage2")
    pointer = (before["x"] + before["width"] / 2, before["y"] + 20)
    page.mouse.dblclick(*pointer)
    settle(page)
    after = place(page, "stage2")
    assert {"conv", "norm", "skip", "Add", "Relu"} <= set(names(page))
    assert abs(after["y"] - before["y"]) < 2
    assert after["x"] < pointer[0] < after["x"] + after["width"]
    assert box(page, "stage2").get_attribute("aria-expanded") == "true"
    page.mouse.dblclick(*pointer)
    settle(page)
    again = place(page, "stage2")
    assert abs(again["x"] - before["x"]) < 2
    assert abs(again["y"] - before["y"]) < 2
    assert "norm" not in names(page)


def test_the_triangle_opens_with_one_click(opened):
    page = opened(made.cnn())
    box(page, "stage1").locator(".om-chevron").click()
    assert box(page, "stage1").get_attribute("aria-expanded") == "true"


def test_opening_moves_within_150_ms_or_at_once_for_who_asks_for_calm(opened):
    page = opened(made.cnn())
    run = f"""async () => {{
        const view = {VIEW};
        const before = performance.now();
        view.toggle(view.scene.boxes.find(({{ label }}) => label === "stage1"));
        const there = () => !view.drawing.tween;
        const at_once = there();
        while (!there()) await new Promise(requestAnimationFrame);
        return [at_once, performance.now() - before];
    }}"""
    at_once, took = page.evaluate(run)
    assert not at_once
    assert took < 1000
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(run)[0]


def test_the_wheel_is_the_pages_until_the_view_has_the_focus(opened):
    page = tall(opened(made.unet(), body="<div style='height: 40px'></div>"))
    area = page.locator(".om-stage").bounding_box()
    page.mouse.move(area["x"] + 60, area["y"] + 100)
    start = camera(page)
    page.mouse.wheel(0, 120)
    page.wait_for_function("scrollY > 0")
    assert camera(page)["k"] == start["k"]
    assert page.get_by_text("Click the graph, or hold Ctrl").is_visible()
    page.evaluate("scrollTo(0, 0)")
    page.mouse.click(area["x"] + 60, area["y"] + 100)
    page.mouse.wheel(0, -240)
    page.wait_for_function(f"{VIEW}.camera.k > {start['k']} * 1.2")
    assert page.evaluate("scrollY") == 0


def test_zooming_keeps_what_is_under_the_pointer(opened):
    page = opened(made.cnn())
    at = place(page, "pool1")
    x, y = at["x"] + 3, at["y"] + 3
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    settle(page)
    after = place(page, "pool1")
    assert after["width"] > at["width"] * 1.15
    assert abs(after["x"] + 3 * after["width"] / at["width"] - x) < 3


@TOUCH
def test_one_finger_scrolls_the_page_over_a_view_that_nobody_tapped(opened):
    page = tall(opened(made.cnn()))
    hand, start, at = Hand(page), camera(page), free(page)
    hand.down("thumb", at)
    hand.move(thumb=(30, -200))
    page.wait_for_function("scrollY > 100")
    hand.up()
    settle(page)
    assert camera(page) == start


@TOUCH
def test_one_finger_drags_a_view_that_was_tapped_and_the_page_stays(opened):
    page = tall(opened(made.cnn()))
    hand, start, at = Hand(page), camera(page), free(page)
    hand.tap(at)
    page.wait_for_function(f"{VIEW}.stage.matches(':focus-within')")
    hand.down("thumb", at)
    hand.move(thumb=(30, -120))
    hand.up()
    settle(page)
    moved = camera(page)
    assert (round(moved["x"] - start["x"]), round(moved["y"] - start["y"]), moved["k"]) == (30, -120, start["k"])
    assert still(page) == [0, 1]


@TOUCH
@pytest.mark.parametrize("tapped", [False, True])
def test_two_fingers_zoom_about_their_middle_and_move_it_and_the_page_stays(opened, tapped):
    page = tall(opened(made.cnn()))
    hand, start, (x, y) = Hand(page), camera(page), free(page)
    if tapped:
        hand.tap((x, y))
        page.wait_for_function(f"{VIEW}.stage.matches(':focus-within')")
    middle = shown(page, (x + 200, y))
    hand.down("thumb", (x + 100, y))
    hand.down("index", (x + 300, y))
    hand.move(thumb=(-40, 30), index=(60, 30))
    settle(page)
    assert camera(page)["k"] == pytest.approx(1.5 * start["k"])
    assert shown(page, (x + 210, y + 30)) == pytest.approx(middle, abs=0.5)
    hand.move(thumb=(20, -90), index=(20, -90))
    settle(page)
    assert camera(page)["k"] == pytest.approx(1.5 * start["k"])
    assert shown(page, (x + 230, y - 60)) == pytest.approx(middle, abs=0.5)
    assert still(page) == [0, 1]


@TOUCH
@pytest.mark.parametrize("lifted", FINGERS)
def test_a_finger_that_stays_drags_on_without_a_jump(opened, lifted):
    page = tall(opened(made.cnn()))
    hand, (x, y) = Hand(page), free(page)
    hand.down("thumb", (x, y))
    hand.down("index", (x + 200, y))
    hand.move(thumb=(-20, 0), index=(20, 0))
    hand.up(lifted)
    settle(page)
    before = camera(page)
    (left,) = hand.fingers
    hand.move(**{left: (24, 48)})
    settle(page)
    after = camera(page)
    assert (round(after["x"] - before["x"]), round(after["y"] - before["y"]), after["k"]) == (24, 48, before["k"])
    hand.up()
    assert still(page) == [0, 1]
    assert page.evaluate(f"{VIEW}.camera.fingers.size") == 0


@TOUCH
def test_fingers_hold_on_when_the_boxes_under_them_are_no_longer_drawn(opened):
    page = opened(made.transformer(12))
    page.evaluate(f"{VIEW}.camera.set(200, 60, 1)")
    settle(page)
    hand, at = Hand(page), place(page, "embeddings")
    x, y = at["x"] + 10, at["y"] + 10
    hand.down("thumb", (x, y))
    hand.down("index", (x + 20, y))
    page.evaluate(f"{VIEW}.camera.pan(0, -9000)")
    settle(page)
    assert box(page, "embeddings").count() == 0
    before = camera(page)["k"]
    hand.move(index=(20, 0))
    settle(page)
    assert camera(page)["k"] == pytest.approx(2 * before)
    hand.up()
    assert page.evaluate(f"{VIEW}.camera.fingers.size") == 0


@TOUCH
def test_a_tap_selects_a_box(opened):
    page = opened(made.cnn())
    at = place(page, "stage2")
    Hand(page).tap((at["x"] + 30, at["y"] + 12))
    page.locator("[aria-selected=true]").filter(has_text="stage2").wait_for()
    assert focused(page).startswith("stage2")
    assert page.evaluate(f"{VIEW}.camera.fingers.size") == 0


def test_dragging_pans_and_is_no_click(opened):
    page = opened(made.cnn())
    at = place(page, "pool1")
    page.mouse.move(at["x"] + 20, at["y"] + 20)
    page.mouse.down()
    page.mouse.move(at["x"] + 70, at["y"] + 90, steps=5)
    page.mouse.up()
    settle(page)
    after = place(page, "pool1")
    assert (round(after["x"] - at["x"]), round(after["y"] - at["y"])) == (50, 70)
    assert page.locator("[aria-selected=true]").count() == 0


def test_fit_shows_everything_and_far_boxes_keep_their_names(opened):
    page = opened(made.unet())
    page.get_by_role("button", name="Show all").click()
    settle(page)
    area = page.locator(".om-stage").bounding_box()
    boxes = [item.bounding_box() for item in page.locator(".om-face").all()]
    assert len(boxes) == 17
    assert all(area["y"] <= one["y"] and one["y"] + one["height"] <= area["y"] + area["height"] for one in boxes)
    assert page.locator(".om-far").count() == 1
    assert "up4" in names(page)
    assert page.locator(".om-third-text").filter(visible=True).count() == 0


def test_the_keyboard_walks_along_edges_to_siblings_in_and_out(opened):
    page = opened(made.cnn())
    box(page, "image").focus()
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("stage1, ConvBlock")
    page.keyboard.press("Enter")
    settle(page)
    page.keyboard.press("ArrowDown")
    first = focused(page).split(",")[0]
    assert first in {"conv", "skip"}
    left = min(("conv", "skip"), key=lambda name: place(page, name)["x"])
    page.keyboard.press("ArrowRight" if first == left else "ArrowLeft")
    other = focused(page).split(",")[0]
    assert {first, other} == {"conv", "skip"}
    page.keyboard.press("Escape")
    assert focused(page).startswith("stage1")
    page.keyboard.press("Enter")
    settle(page)
    assert "skip" not in names(page)
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("pool1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("image")
    page.keyboard.press("Escape")
    assert focused(page) == ""
    assert page.locator("[aria-selected=true]").count() == 0


def test_a_walk_leaves_an_open_box_at_its_end(opened):
    page = opened(made.cnn())
    page.evaluate(f"{VIEW}.select('n4')")
    settle(page)
    page.evaluate(f"{VIEW}.focus()")
    assert focused(page).startswith("Relu")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("pool1")


def test_keys_for_zoom_search_and_fit_stay_in_the_view(opened):
    page = opened(made.unet())
    page.evaluate("window.keys = []; document.addEventListener('keydown', (event) => keys.push(event.key))")
    box(page, "down1").focus()
    before = camera(page)["k"]
    page.keyboard.press("+")
    settle(page)
    assert camera(page)["k"] > before
    page.keyboard.press("0")
    settle(page)
    assert camera(page)["k"] < before
    page.keyboard.press("/")
    assert page.evaluate("document.querySelector('.place').shadowRoot.activeElement.type") == "search"
    page.keyboard.type("dd")
    assert page.evaluate("keys") == []


def test_search_counts_and_opens_what_is_closed_above_a_hit(opened):
    page = opened(made.transformer(12))
    field = page.get_by_label("Search operators")
    field.fill("softmax")
    assert page.locator(".om-found").text_content() == "12 hits"
    field.press("Enter")
    settle(page)
    assert page.locator(".om-found").text_content() == "1 of 12"
    chosen = page.locator("[aria-selected=true]")
    assert chosen.get_attribute("aria-label").startswith("Softmax")
    assert "attention" in page.locator(".om-path").text_content()
    area, at = page.locator(".om-stage").bounding_box(), chosen.bounding_box()
    assert area["y"] < at["y"] < area["y"] + area["height"]
    field.press("Enter")
    field.press("Shift+Enter")
    field.press("Shift+Enter")
    assert page.locator(".om-found").text_content() == "12 of 12"
    field.fill("no such thing")
    assert page.locator(".om-found").text_content() == "0 hits"
    field.press("Escape")
    assert field.input_value() == ""
    assert page.locator(".om-found").text_content() == ""


def test_it_is_a_tree_to_a_screen_reader(opened):
    page = opened(made.cnn())
    page.evaluate(f"{VIEW}.open({VIEW}.scene.boxes.find(({{ label }}) => label === 'stage1').index)")
    settle(page)
    assert "stage1 is open: 5 parts" in page.get_by_role("status").all_text_contents()
    assert page.get_by_role("tree").get_attribute("aria-label").startswith("Graph of small_cnn.onnx")
    assert page.get_by_role("treeitem", name="stage1, ConvBlock", expanded=True).count() == 1
    inner = page.get_by_role("treeitem", name="Relu, [batch, 32, 32, 32], operator, warning")
    assert inner.get_attribute("aria-level") == "2"
    assert inner.get_attribute("aria-setsize") == "5"
    assert page.get_by_role("treeitem", name="stage2").get_attribute("aria-expanded") == "false"
    assert page.locator("[role=treeitem][tabindex='0']").count() == 1


def test_a_click_selects_tells_and_lights_the_way(opened):
    page = opened(made.transformer(2))
    box(page, "input_ids").click()
    assert page.evaluate("told.at(-1)") == "i0"
    box(page, "Mul").click()
    assert page.evaluate("told.at(-1)") == "n6"
    assert page.get_by_role("complementary").get_by_text("node_Mul_6").is_visible()
    assert page.locator(".om-line.om-near").count() == 1
    assert "om-faint" in box(page, "input_ids").get_attribute("class")
    assert "om-faint" not in box(page, "attention_mask").get_attribute("class")
    assert page.locator(".om-path").text_content().split(" ")[::2] == ["encoder.onnx", "Mul"]


def test_hovering_an_edge_says_what_it_carries(opened):
    page = opened(made.cnn())
    upper, lower = place(page, "stage1"), place(page, "pool1")
    x, y = upper["x"] + upper["width"] / 2, (upper["y"] + upper["height"] + lower["y"]) / 2
    page.mouse.move(x + 1, y)
    assert page.locator(".om-tip").text_content() == "val_4float32 [batch, 32, 32, 32]"
    page.mouse.click(x + 1, y)
    assert page.evaluate("told.at(-1)") == {"kind": "value", "index": 5}
    assert page.get_by_role("complementary").get_by_text("val_4").first.is_visible()
    # A click on an edge is a click on the graph: its keys and the wheel are the view's from now on.
    assert focused(page).startswith("image")


def test_the_minimap_is_a_way_to_go(opened):
    page = opened(made.transformer(12))
    area = page.locator(".om-map").bounding_box()
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] - 8)
    settle(page)
    assert box(page, "classifier").is_visible()
    page.get_by_role("button", name="Show all").click()
    settle(page)
    assert page.locator(".om-map").is_hidden()


@pytest.mark.parametrize("graph", [made.transformer(700), made.flat(5_000)], ids=["20k in modules", "5k in one level"])
def test_only_what_is_in_view_is_in_the_page(opened, graph):
    page = opened(graph)
    most = page.evaluate(
        f"""async () => {{
            const view = {VIEW};
            const big = view.scene.boxes.find(({{ opens, label }}) => opens.length && label === "encoder");
            if (big) view.toggle(big);
            let most = 0;
            for (const k of [1, 0.5, 0.2, 0.05, 0.02]) {{
                view.camera.set(0, 0, k);
                for (let step = 0; step < 8; step++) {{
                    view.camera.pan(-30, -300);
                    await new Promise(requestAnimationFrame);
                    await new Promise(requestAnimationFrame);
                    most = Math.max(most, view.canvas.querySelectorAll("[role=treeitem]").length);
                }}
            }}
            return most;
        }}"""
    )
    assert 30 < most <= 300


def test_the_chosen_box_keeps_the_focus_out_of_view(opened):
    page = opened(made.transformer(40))
    box(page, "embeddings").click()
    page.evaluate(f"{VIEW}.camera.pan(0, -9000)")
    settle(page)
    assert focused(page).startswith("embeddings")


def test_hostile_names_are_text(opened):
    graph = made.cnn()
    graph.scopes[1] = (0, HOSTILE, HOSTILE, "module", -1)
    graph.nodes[0] = (HOSTILE, "", HOSTILE, 1, f"{HOSTILE}=1", HOSTILE)
    graph.values[1] = (HOSTILE, HOSTILE)
    graph.name = HOSTILE
    page = opened(graph)
    page.evaluate(f"{VIEW}.select('n0')")
    page.get_by_label("Search operators").fill("onerror")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.locator(".om-path").get_by_text("</script><img").first.is_visible()
    picture = page.evaluate(f"{VIEW}.svg()")
    assert "<img" not in picture
    assert "&lt;img" in picture


def test_a_colour_has_a_legend_and_a_letter(opened):
    page = opened(made.cnn())
    page.evaluate(f"{VIEW}.select('n4')")
    page.get_by_label("Colour").select_option("operator")
    assert page.locator(".om-legend").get_by_text("BatchNormalization").is_visible()
    letter = box(page, "Relu").locator(".om-mark").text_content()
    assert letter in page.locator(".om-legend").text_content()


def test_the_picture_needs_no_style_sheet(opened):
    page = opened(made.unet())
    picture = page.evaluate(f"{VIEW}.svg()")
    assert picture.startswith("<svg")
    assert "var(" not in picture
    parsed = page.evaluate(
        "text => { const s = new DOMParser().parseFromString(text, 'image/svg+xml');"
        "return [s.querySelector('parsererror') === null, s.querySelectorAll('rect').length] }",
        picture,
    )
    assert parsed[0]
    assert parsed[1] >= 17
    assert page.locator(".om-sheet").count() == 0


def test_two_views_on_a_page_do_not_meet(opened):
    page = opened(made.cnn(), made.unet())
    assert page.get_by_test_id("om-graph").count() == 2
    page.evaluate("graphs[1].select('n0')")
    assert page.locator("[aria-selected=true]").count() == 1
    assert page.evaluate("graphs[0].selected") is None
    page.evaluate("graphs[0].destroy()")
    assert page.get_by_role("tree").count() == 1


@pytest.mark.parametrize("width", [600, 1000])
def test_nothing_is_wider_than_the_page(opened, width):
    page = opened(made.transformer(3))
    page.set_viewport_size({"width": width, "height": 800})
    box(page, "embeddings").click()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    stage, side = page.locator(".om-stage").bounding_box(), page.locator(".om-side").bounding_box()
    assert (side["y"] >= stage["y"] + stage["height"] - 1) == (width == 600)
