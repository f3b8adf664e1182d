"""Fixtures and order for all tests.

The environment is set before anything is imported: no test may reach a model hub. Kernels that tests start inherit it.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    TRANSFORMERS_VERBOSITY="error",
    TOKENIZERS_PARALLELISM="false",
    JUPYTER_PLATFORM_DIRS="1",
    PYDEVD_DISABLE_FILE_VALIDATION="1",
)
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # threads of two PyTorches on two cores wait for each other

import pytest

NEEDS_BROWSER = {"page", "context", "browser", "lab", "notebook7", "samples", "static_page"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark browser tests by their fixtures and run them last; tell workers what belongs together.

    Playwright's synchronous API leaves an event loop running in this thread until the session ends; nbclient and
    IPython's ``await`` handling would trip over it. A file's tests share fixtures, and those that look at the
    architectures share their exports, so each goes to one worker. What waits for another process may miss its deadline
    on a busy machine, and has a second try; what is wrong fails twice.
    """
    for item in items:
        shared = "architectures" if hasattr(getattr(item, "module", None), "architectures") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(shared))
        if NEEDS_BROWSER & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True, scope="session")
def ipython_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the IPython profile and history of whoever runs the tests out of them."""
    home = tmp_path_factory.mktemp("home")
    os.environ["IPYTHONDIR"] = str(home / "ipython")
    os.environ["JUPYTER_CONFIG_DIR"] = str(home / "config")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(home / "runtime")


def seed() -> None:
    """Begin the random numbers anew, those of what is loaded."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True, scope="module")
def same_numbers_in_a_file() -> None:
    """Give a file's own fixtures the same random weights whatever ran before."""
    seed()


@pytest.fixture(autouse=True)
def same_numbers_in_a_test() -> None:
    """Give a test the same random weights whatever ran before, on whichever worker."""
    seed()


@pytest.fixture(autouse=True, scope="session")
def shells_end_at_once() -> Iterator[None]:
    """Spare the shells that tests make their clean-up at exit: each collects all garbage, minutes in sum."""
    from IPython.core.interactiveshell import InteractiveShell

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InteractiveShell, "atexit_operations", lambda shell: None)
        yield
