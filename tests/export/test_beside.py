"""Work on two threads: what is written must not depend on who was faster, and nothing is left behind."""

from __future__ import annotations

import gc
import itertools
import threading

import onnx
import pytest
import torch
from onnx import numpy_helper, parser
from torch import nn

import onnxmagic
from onnxmagic.export import file
from onnxmagic.export.beside import beside
from onnxmagic.export.loading import may_draw

IN_A_BRANCH = """
g (bool c, float[2] x) => (float[2] y) {
  y = If (c) <then_branch = a () => (float[2] z) { z = Bernoulli (x) },
              else_branch = b () => (float[2] z) { z = Relu (x) }>
}
"""


class Late(nn.Module):
    """Writes into its buffer from the `first` call on, as told by a count that nobody can put back."""

    def __init__(self, first):
        super().__init__()
        self.register_buffer("seen", torch.zeros(600))
        calls = itertools.count(1)
        self.late = lambda: next(calls) >= first

    def forward(self, x):
        if self.late():
            self.seen.add_(1)
        return x + self.seen


@pytest.mark.parametrize("first", [4, 7, 8])
def test_a_model_that_writes_into_itself_is_exported_as_it_was(first, tmp_path, monkeypatch):
    monkeypatch.setattr(file, "WORTH_A_THREAD", 0)
    model = Late(first)
    onnxmagic.export(model, (torch.randn(1, 600),), output=tmp_path / "net.onnx")
    stored = onnx.load(str(tmp_path / "net.onnx")).graph.initializer
    assert [numpy_helper.to_array(t).max() for t in stored if t.name == "seen"] == [0]
    assert model.seen.max() == 0


def test_a_failure_beside_the_work_stops_it():
    stopped = threading.Event()

    def work(stop):
        if stop.wait(10):
            stopped.set()

    with pytest.raises(KeyboardInterrupt), beside(work):
        raise KeyboardInterrupt
    assert stopped.is_set()


def test_what_the_work_raises_arrives():
    def work(_stop):
        raise OSError("no space left")

    with beside(work) as result, pytest.raises(OSError, match="no space left"):
        result()


def test_nothing_stays_set_aside_and_no_thread_stays(tmp_path):
    before, set_aside = threading.active_count(), gc.get_freeze_count()
    onnxmagic.export(nn.Flatten(), (torch.randn(2, 3, 4),), output=tmp_path / "net.onnx")
    assert gc.get_freeze_count() <= set_aside
    assert threading.active_count() <= before


@pytest.mark.parametrize(
    ("graph", "draws"),
    [
        ("g (float[2] x) => (float[2] y) { y = Relu (x) }", False),
        ("g (float[2] x) => (float[2] y) { y = RandomNormalLike (x) }", True),
        ("g (float[2] x) => (float[2] y) { y = other.Relu (x) }", True),
        (IN_A_BRANCH, True),
    ],
)
def test_only_a_graph_that_can_draw_is_tried_plainly(graph, draws):
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 20, "other" : 1]> {graph}')
    assert may_draw(model) is draws
