"""What tests that export with PyTorch alone share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def one_registry() -> Iterator[None]:
    """Let PyTorch's own exporter build its registry once, as ours does; it is most of what a small export takes."""
    from onnxmagic.export.torchlib import quick_registry

    with quick_registry():
        yield
