"""One small file that most tests of this folder sweep over."""

from __future__ import annotations

import pytest
import torch
from sweeping import Net, X

import onnxmagic
from onnxmagic.graph.read import read


@pytest.fixture(scope="session")
def net(tmp_path_factory):
    """The file's path, the model and the graph."""
    torch.manual_seed(0)
    model, path = Net(), tmp_path_factory.mktemp("sweep") / "net.onnx"
    onnxmagic.export(model, (X[:2],), output=path, prove=False)
    return path, model, read(path)
