"""A small classifier, its file, and a sweep over it, for the tests of this folder."""

from __future__ import annotations

import torch
from torch import nn

from onnxmagic.export.guard import Guard
from onnxmagic.export.mode import set_eval
from onnxmagic.export.sweep.run import sweep
from onnxmagic.graph.read import read
from onnxmagic.runtime.ort import OnnxRuntime

X = torch.randn(100, 8, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(8, 16), nn.Dropout(0.5), nn.Linear(16, 3)

    def forward(self, x):
        return self.last(self.drop(self.first(x).relu()))


def swept(parts, data, samples=None, **options):
    """Sweep as the pipeline does: in a guard, in eval mode."""
    path, model, graph = parts
    with Guard(model) as guard:
        set_eval(model, guard)
        return sweep(
            path, graph or read(path), model, data, samples=samples, guard=guard, runtime=OnnxRuntime(), **options
        )
