"""The shortcut in torch's optimiser: the same graph, and nothing left behind."""

from __future__ import annotations

import contextlib

import torch
from onnxscript.rewriter._matcher import SimplePatternMatcher
from torch import nn

import onnxmagic
from onnxmagic.export import matching


def test_the_matcher_is_given_back():
    before = SimplePatternMatcher.match
    with contextlib.suppress(KeyboardInterrupt), matching.quick_matching():
        assert SimplePatternMatcher.match is not before
        raise KeyboardInterrupt
    assert SimplePatternMatcher.match is before


class Mixed(nn.Module):
    """Has what the optimiser's rules look for: a norm to fold, reshapes, a transpose, slices, a cast, attention."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

    def forward(self, x):
        y = self.norm(self.conv(x)).flatten(2).transpose(1, 2)
        return self.layer(y)[:, ::2].reshape(x.shape[0], -1).half().float()


def test_the_graph_is_the_same_without_the_shortcut(monkeypatch):
    model, x = Mixed().eval(), torch.randn(2, 1, 6, 6)
    quick = onnxmagic.export(model, (x,)).graph
    monkeypatch.setattr(matching, "_is_other", lambda matcher, node: False)
    slow = onnxmagic.export(model, (x,)).graph
    assert [(n.op_type, n.inputs, n.outputs) for n in quick.nodes] == [
        (n.op_type, n.inputs, n.outputs) for n in slow.nodes
    ]
