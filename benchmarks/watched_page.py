"""Pages that show a graph, opened in a browser that notes when what was to be seen.

``Ours`` and ``Netron`` serve one file each and know how their pages tell that they are done. ``open_and_measure`` opens
one of them in a fresh Chromium, drags the graph about, and returns figures: seconds (the stall: milliseconds),
megabytes of memory, kilobytes of data and scripts.
"""

from __future__ import annotations

import base64
import json
import math
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, sync_playwright

__all__ = ["Figures", "Netron", "Ours", "open_and_measure"]

Figures = dict[str, float]

MOST_SECONDS = 120
STROKES = 12
STEPS = 30
OPENED = 10
MANY_BOXES = 220
WIDE, HIGH = 1280, 900
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    # Netron would report its use; nothing but this machine is asked for anything.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# `seen` says whether the graph is there. Frames are asked for before the page's own scripts run.
WATCH = """
window.watched = {};
const seen = () => %s;
let before = 0;
const watch = (now) => {
  if (watched.paint === undefined) {
    // The frame that has the graph is the one before the next.
    if (seen()) requestAnimationFrame(() => (watched.paint = performance.now()));
  } else if (now - before < 34) {
    watched.usable = now;
    return;
  }
  before = now;
  requestAnimationFrame(watch);
};
requestAnimationFrame(watch);
window.record = () => {
  const times = [];
  const note = (now) => {
    times.push(now);
    window.frame = requestAnimationFrame(note);
  };
  window.frame = requestAnimationFrame(note);
  window.recorded = () => {
    cancelAnimationFrame(window.frame);
    const gaps = times.slice(1).map((time, at) => time - times[at]);
    return { fps: (1000 * gaps.length) / (times.at(-1) - times[0]), stall: Math.max(...gaps) };
  };
};
"""
RESOURCES = (
    "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    ".find(entry => entry.name.includes(%s)).responseEnd"
)
SCRIPTS = (
    "performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('.js'))"
    ".reduce((sum, entry) => sum + entry.decodedBodySize, 0)"
)


class Site(AbstractContextManager["Site"]):
    """A file behind an address.

    Attributes
    ----------
    way : str
    address : str
    seen : str
        JavaScript: whether the graph is in the page.
    data : str
        A part of the address from which the graph's data come.
    sizes : Figures
        Kilobytes of data and of JavaScript, as far as they are known before.
    stage : str
        Selector of what can be dragged.
    boxes : str
        Selector of the boxes in the page.
    """

    way = ""
    address = ""
    seen = ""
    data = ""
    stage = ""
    boxes = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sizes: Figures = {}

    def prepare(self, page: Page) -> None:
        """Make the graph large enough that dragging it is work."""


class Ours(Site):
    """The page that a notebook keeps of ``onnxmagic.show``."""

    way = "onnxmagic"
    seen = "Boolean(document.querySelector('[data-om]')?.shadowRoot?.querySelector('.om-box'))"
    data = "/graph"
    stage = ".om-stage"
    boxes = ".om-box"

    def __enter__(self) -> Ours:
        import onnxmagic
        from onnxmagic.view import to_html
        from onnxmagic.view.graph.bundle import modules

        html = to_html(onnxmagic.show(self.path))
        payload = re.search(r'data-payload="([^"]+)"', html)
        assert payload, "the page holds no graph"
        script = sum(len(text.encode()) for name, text in modules().items() if not name.startswith("diff"))
        self.sizes = {"data": len(base64.b64decode(payload[1])) / 1000, "script": script / 1000}
        page = f"<!doctype html><meta charset='utf-8'><title>graph</title><body>{html}".encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/graph"
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def prepare(self, page: Page) -> None:
        """Open the module that has all layers, and layers in it, and zoom out until no more comes into view."""
        closed = page.locator(".om-box[aria-expanded='false']")
        for _ in range(OPENED):
            if closed.count():
                closed.first.focus()
                page.keyboard.press("Enter")
                page.wait_for_timeout(250)
        drawn = 0
        while (now := page.locator(self.boxes).count()) > drawn and now < MANY_BOXES:
            drawn = now
            page.get_by_role("button", name="Zoom out").click()
            page.wait_for_timeout(250)


class Netron(Site):
    """Netron's own server, without the question about cookies that it asks first."""

    way = "Netron"
    seen = "document.body?.className === 'default' && Boolean(document.querySelector('.graph-node'))"
    data = "/data/"
    stage = "#target"
    boxes = ".graph-node"

    def __enter__(self) -> Netron:
        import logging

        import netron

        logging.getLogger("netron.server").setLevel(logging.WARNING)
        self.server: Any = netron.start(str(self.path), ("127.0.0.1", 0), browse=False)
        self.address = "http://{}:{}/".format(*self.server)
        self.sizes = {"data": self.path.stat().st_size / 1000}
        return self

    def __exit__(self, *exc: object) -> None:
        import netron

        netron.stop(self.server)


def open_and_measure(site: Site) -> Figures:
    """Return the figures of opening `site` once.

    ``late`` is 1 where it took longer than anybody waits, or where the page crashed: the times are then how long that
    took.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(playwright), args=[*FLAGS])
        context = browser.new_context(viewport={"width": WIDE, "height": HIGH})
        context.add_cookies([{"name": "consent", "value": "1", "url": site.address}])
        context.add_init_script(WATCH % site.seen)
        page = context.new_page()
        crashed: list[float] = []
        page.on("crash", lambda _: crashed.append(time.monotonic()))
        start = time.monotonic()
        try:
            with _ended(browser, MOST_SECONDS + 60):
                figures = {**site.sizes, **_measure(site, page)}
                return {**figures, **_cost(browser)}
        except Error:
            if not crashed and time.monotonic() - start < MOST_SECONDS:
                raise
            waited = min([*crashed, start + MOST_SECONDS]) - start
            return {**site.sizes, "paint": waited, "usable": waited, "late": 1}
        finally:
            browser.close()


@contextmanager
def _ended(browser: Browser, seconds: float) -> Generator[None]:
    """End a browser that is still at it after so long: a page that crashes while it is asked never answers."""
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    (main,) = (int(process["id"]) for process in processes if process["type"] == "browser")
    watchdog = threading.Timer(seconds, os.kill, (main, signal.SIGKILL))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _look(page: Page, expression: str) -> Any:
    """Return the value of an expression in the page; Netron lets no page evaluate anything, so the debugger does."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": expression, "returnByValue": True})
    session.detach()
    if "exceptionDetails" in answer:
        raise SystemExit(f"{expression}: {answer['result'].get('description')}")
    return answer["result"].get("value")


def _measure(site: Site, page: Page) -> Figures:
    page.goto(site.address, wait_until="commit")
    start = time.monotonic()
    while (watched := _look(page, "watched")).get("usable") is None:
        if time.monotonic() - start > MOST_SECONDS:
            return {"paint": MOST_SECONDS, "usable": MOST_SECONDS, "late": 1}
        page.wait_for_timeout(50)  # and not time.sleep, in which a crash is not heard of
    arrived = _look(page, RESOURCES % json.dumps(site.data))
    figures = {"paint": watched["paint"] / 1000, "usable": (watched["usable"] - arrived) / 1000}
    if "script" not in site.sizes:
        figures["script"] = _look(page, SCRIPTS) / 1000
    site.prepare(page)
    boxes = page.locator(site.boxes).count()
    return {**figures, "boxes": boxes, **_drag(site, page)}


def _drag(site: Site, page: Page) -> Figures:
    """Pull the graph up and down, two strokes each way, so that it leaves the window and comes back."""
    box = page.locator(site.stage).bounding_box()
    assert box is not None, "there is nothing to drag"
    left, top, high = box["x"] + 30, box["y"], min(box["height"], HIGH - box["y"])
    _look(page, "record()")
    for stroke in range(STROKES):
        way = [0.9 - 0.8 * step / STEPS for step in range(STEPS + 1)]
        start, *others = way if stroke % 4 < 2 else reversed(way)
        page.mouse.move(left, top + high * start)
        page.mouse.down()
        for at in others:
            page.mouse.move(left + 40 * at, top + high * at)
        page.mouse.up()
    return _look(page, "recorded()")


def _cost(browser: Browser) -> Figures:
    """Return the memory and processor time of the process that had the page: the one that had most of it."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process for process in processes if process["type"] == "renderer"]
    cost: Figures = {"cpu": max((process["cpuTime"] for process in renderers), default=math.nan)}
    peaks = [peak for process in renderers if (peak := _peak(int(process["id"])))]
    return {**cost, "memory": max(peaks)} if peaks else cost


def _peak(process: int) -> float:
    """Return the most megabytes that a process ever had in memory; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else 0.0


def _chromium(playwright: Any) -> str | None:
    """Return the Chromium to drive: the one named in ``CHROMIUM``, Playwright's own, or the system's."""
    named = os.environ.get("CHROMIUM", "")
    own = playwright.chromium.executable_path
    return next(filter(None, map(shutil.which, filter(None, (named, own, *CHROMIUM_NAMES)))), None)
