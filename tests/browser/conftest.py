"""Fixtures for tests in a real browser.

``lab`` and ``notebook7`` open notebooks in a real Jupyter front end, ``static_page`` opens an HTML page as a file with
the network cut off. All three sit on pytest-playwright's ``page``. Where there is no Chromium a test is skipped on a
person's machine, and fails with ``CI=true``; the summary at the end says it loudly.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from jupyter_server import Server, jupyter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Page, Playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
MISSING = pytest.StashKey[bool]()
NO_CHROMIUM = "BROWSER TESTS DID NOT RUN: no Chromium here. `make test` installs it."

PANEL = "[...(window.jupyterapp?.shell.widgets('main') ?? [])].find(w => w.sessionContext)"
IDLE = f"() => {PANEL}?.sessionContext.session?.kernel?.status === 'idle'"
ASK = f"""async code => {{
    const future = {PANEL}.sessionContext.session.kernel.requestExecute({{ code }});
    let text = '';
    future.onIOPub = m => {{ text += m.content.text ?? (m.content.traceback ?? []).join('\\n'); }};
    await future.done;
    return text.trim();
}}"""


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest, playwright: Playwright) -> str:
    """Path of the Chromium to drive: the one named in ``CHROMIUM``, Playwright's own, or the system's."""
    own = playwright.chromium.executable_path
    names = [os.environ.get("CHROMIUM", ""), own, *CHROMIUM_NAMES]
    for found in filter(None, map(shutil.which, filter(None, names))):
        return found
    request.config.stash[MISSING] = True
    if os.environ.get("CI"):
        pytest.fail(NO_CHROMIUM)
    pytest.skip(NO_CHROMIUM)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say it where it cannot be overlooked."""
    if config.stash.get(MISSING, False):
        terminalreporter.section("browser")
        terminalreporter.write_line(NO_CHROMIUM, red=True, bold=True)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], chromium: str) -> dict[str, Any]:
    """Use the system's Chromium, kept off the network."""
    return {**browser_type_launch_args, "executable_path": chromium, "args": [*CHROMIUM_ARGS]}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1200, "height": 900}}


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One JupyterLab for the whole run."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyter("lab", folder / "root", folder / "home") as server:
        yield server


@pytest.fixture(scope="session")
def notebook7_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Notebook 7 for the whole run."""
    folder = tmp_path_factory.mktemp("notebook7")
    with jupyter("notebook", folder / "root", folder / "home") as server:
        yield server


class FrontEnd:
    """One notebook in a Jupyter front end, driven through the application object that it exposes.

    Attributes
    ----------
    page : playwright Page
        For locators: ``front_end.page.get_by_test_id("onnxmagic-export")``.
    root : Path
        The notebook's folder, also the kernel's working directory.
    errors : list of str
        What the browser's console called an error, and uncaught exceptions.
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.root = server.root
        self.errors: list[str] = []
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    @property
    def our_errors(self) -> list[str]:
        """Errors that name us; the front ends log some of their own."""
        return [error for error in self.errors if "onnxmagic" in error.lower()]

    def write(self, name: str, *cells: str) -> str:
        """Write a notebook with these code cells below the root and return `name`."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.root / name)
        return name

    def open(self, name: str) -> FrontEnd:
        """Open a notebook that is below the root, wait until its kernel is idle, and return self."""
        self.page.goto(self.server.address(name))
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()
        self.page.wait_for_function(IDLE)
        return self

    def command(self, name: str) -> None:
        """Run one of the application's commands, for example ``docmanager:save``, and wait for its promise."""
        self.page.evaluate("async name => { await window.jupyterapp.commands.execute(name); }", name)

    def run_all(self) -> FrontEnd:
        """Run all cells, wait until the last one is done, and return self."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(IDLE)
        return self

    def save(self) -> nbformat.NotebookNode:
        """Save the notebook and return what is on disk now."""
        self.command("docmanager:save")
        path = self.page.evaluate(f"() => {PANEL}.context.path")
        return nbformat.read(self.root / path, as_version=4)

    def ask(self, code: str) -> str:
        """Run `code` in the notebook's kernel and return what it printed, or its traceback."""
        return self.page.evaluate(ASK, code)

    def close(self) -> None:
        """Shut the kernel down."""
        if self.page.evaluate("() => Boolean(window.jupyterapp)"):
            self.page.evaluate(f"async () => {{ await {PANEL}?.sessionContext.shutdown(); }}")


@pytest.fixture
def lab(page: Page, lab_server: Server) -> Iterator[FrontEnd]:
    """JupyterLab, no notebook open yet: ``lab.open(lab.write("a.ipynb", "1 + 1")).run_all()``."""
    front_end = FrontEnd(page, lab_server)
    yield front_end
    front_end.close()


@pytest.fixture
def notebook7(page: Page, notebook7_server: Server) -> Iterator[FrontEnd]:
    """Notebook 7, no notebook open yet."""
    front_end = FrontEnd(page, notebook7_server)
    yield front_end
    front_end.close()


@pytest.fixture
def static_page(page: Page, tmp_path: Path) -> Callable[[str], Page]:
    """Open an HTML text as a file, offline: ``static_page(e._repr_html_()).get_by_test_id(...)``."""

    def open_html(html: str) -> Page:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        page.context.set_offline(True)
        page.set_default_timeout(10_000)
        page.goto(path.as_uri())
        return page

    return open_html
