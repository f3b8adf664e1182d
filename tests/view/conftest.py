"""A terminal's shell and a kernel's, as far as views can tell them apart."""

from __future__ import annotations

import pytest
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


@pytest.fixture
def terminal():
    """A shell without a front end but the terminal."""
    config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
    yield InteractiveShell.instance(config=config)
    InteractiveShell.clear_instance()


class Published(DisplayPublisher):
    """Keeps what would go to a front end, as (bundle, display id, whether it updates)."""

    def publish(self, data, *args, transient=None, update=False, **kwargs):
        self.outputs.append((data, (transient or {}).get("display_id"), update))


@pytest.fixture
def kernel(terminal):
    """A shell that says it belongs to a kernel; ``kernel.outputs`` is what a front end would have got."""
    terminal.kernel = object()
    terminal.display_pub = Published(parent=terminal)
    terminal.outputs = terminal.display_pub.outputs = []
    return terminal
