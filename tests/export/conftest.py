"""One export that many tests look at."""

from __future__ import annotations

import pytest
import torch
from models import Tiny

import onnxmagic


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A sound model in training mode, exported to a file."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("shared") / "tiny.onnx"
    return onnxmagic.export(Tiny(), (torch.randn(1, 1, 8, 8),), output=path)
