"""The file against PyTorch on a user's data: counts, the distribution, the worst sample, and every way to end early."""

from __future__ import annotations

import copy
import os
import signal
import time
import tracemalloc

import numpy as np
import psutil
import pytest
import torch
from sweeping import X, swept
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import onnxmagic
from onnxmagic.export.process import noticed_interrupts

LABELS = torch.arange(len(X)) % 3


def loader(**options):
    return DataLoader(TensorDataset(X, LABELS), batch_size=32, **options)


def test_a_sound_file_agrees(net):
    found = swept(net, loader())
    sweep = found.sweep
    assert sweep.ok
    assert (sweep.samples, sweep.batches, sweep.wrong, sweep.asked, sweep.stopped) == (100, 4, 0, None, "")
    assert sum(one.count for one in sweep.errors) == 100
    assert 0 < sweep.median <= sweep.p99 <= sweep.max_abs < 1e-5
    assert sweep.agreement == 1.0
    assert sweep.workers == "this kernel"
    assert sweep.left_out == "the last part of every batch was left out, as a label is"
    assert [(dict(c.sizes), c.count, c.inputs) for c in found.cases] == [
        ({"batch": 32}, 3, "data"),
        ({"batch": 4}, 1, "data"),
    ]
    assert not [run for run in found.runs if run.problem]


def test_figures_are_those_of_a_plain_loop(net):
    path, model, _ = net
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    with torch.no_grad():
        expected = model.eval()(X).numpy()
    (got,) = session.run(None, {"x": X.numpy()})
    errors = np.abs(got - expected).max(1)
    sweep = swept(net, [(X,)]).sweep
    assert sweep.max_abs == errors.max()
    assert sweep.worst.index == errors.argmax()
    for one in sweep.errors:
        inside = (errors == 0) if one.high == 0 else (errors >= one.low) & (errors < one.high) & (errors > 0)
        assert one.count == inside.sum()
    assert sweep.median >= np.median(errors)
    assert sweep.p99 >= np.quantile(errors, 0.99, method="inverted_cdf")


@pytest.mark.parametrize(
    ("data", "batches"),
    [
        (X, 4),
        (X.numpy(), 4),
        ({"x": X}, 4),
        ([{"x": X[:50]}, {"x": X[50:].numpy(), "id": [7]}], 2),
        ([(X[:50], 1), (X[50:], 2)], 2),
        (iter([X]), 1),
    ],
    ids=["tensor", "array", "dict", "dicts", "tuples", "iterator"],
)
def test_many_forms_of_data(net, data, batches):
    sweep = swept(net, data).sweep
    assert sweep.ok
    assert (sweep.samples, sweep.batches) == (100, batches)


def test_a_generator_is_read_no_further_than_asked(net):
    read = []

    def batches():
        while True:
            read.append(1)
            yield X[:30]

    sweep = swept(net, batches(), samples=70).sweep
    assert (sweep.samples, sweep.batches, sweep.asked, len(read)) == (70, 3, 70, 3)


def test_a_changed_weight_is_found_with_the_worst_sample(net):
    path, model, graph = net
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.last.weight[0] *= 1.01
    found = swept((path, other, graph), loader())
    with torch.no_grad():
        errors = (other.eval()(X) - model.eval()(X)).abs().amax(1)
    sweep = found.sweep
    index = int(errors.argmax())
    assert not sweep.ok
    assert sweep.wrong > 90
    assert (sweep.worst.index, sweep.worst.batch) == (index, index // 32)
    assert sweep.worst.max_abs == pytest.approx(float(errors.max()), rel=1e-4)
    assert np.array_equal(sweep.worst.inputs["x"], X[index : index + 1].numpy())
    assert np.abs(sweep.worst.expected["output"] - sweep.worst.got["output"]).max() == pytest.approx(sweep.max_abs)
    assert {run.problem for run in found.runs} == {"values"}
    assert found.failing is not None


class OddOnes(nn.Module):
    """Right, but for samples whose first number is large."""

    def __init__(self, inner, by=1e-3):
        super().__init__()
        self.inner, self.by = inner, by

    def forward(self, x):
        return self.inner(x) + torch.where(x[:, :1] > 50, self.by, 0.0)


def test_one_wrong_sample_among_hundreds_is_found(net):
    path, model, graph = net
    data = torch.randn(2048, 8)
    data[1234, 0] = 60.0
    found = swept((path, OddOnes(model, 0.01), graph), [(part,) for part in data.split(512)])
    assert found.sweep.wrong == 1
    assert found.sweep.worst.index == 1234
    assert found.sweep.worst.batch == 2
    (case,) = found.cases
    assert not case.ok
    assert case.count == 4
    assert any(run.problem == "values" for run in found.runs)


def test_samples_that_round_worse_are_no_mistake(net):
    data = torch.randn(600, 8)
    data[::7] *= 1e4
    data[::5] *= 1e-4
    found = swept(net, [(part,) for part in data.split(100)])
    assert found.sweep.ok
    assert all(case.ok for case in found.cases)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_wrong_and_the_worst(net, value):
    path, model, graph = net
    data = X.clone()
    data[40, 0] = 60.0
    found = swept((path, OddOnes(model, value), graph), [(part,) for part in data.split(32)])
    sweep = found.sweep
    assert (sweep.wrong, sweep.worst.index) == (1, 40)
    assert sweep.worst.max_abs == sweep.max_abs == float("inf")
    assert sweep.errors[-1].low == float("inf")


def test_random_state_and_model_are_as_they_were(net):
    _, model, _ = net
    model.train()
    before, weights = torch.get_rng_state(), copy.deepcopy(model.state_dict())
    swept(net, loader(shuffle=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_a_forward_that_writes_into_weights_and_inputs(tmp_path):
    class Writes(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(8))

        def forward(self, x):
            y = x * self.weight.clamp(1, 1)
            if not torch.compiler.is_exporting():
                x.zero_()
                self.weight.data.add_(1)
            return y

    model, path = Writes(), tmp_path / "writes.onnx"
    onnxmagic.export(model, (X[:2].clone(),), output=path, prove=False)
    model.weight.data.fill_(1)
    data = X.clone()
    assert swept((path, model, None), [data[:50], data[50:]]).sweep.ok
    assert torch.equal(data, X)
    assert torch.equal(model.weight, torch.ones(8))


def test_an_interrupt_keeps_what_there_is(net):
    def batches():
        for number in range(50):
            if number == 3:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)
            yield X[:10]

    with noticed_interrupts() as check:
        sweep = swept(net, batches()).sweep
        check()  # the interrupt was taken; it does not come again
    assert sweep.stopped == "interrupted"
    assert (sweep.samples, sweep.batches) == (30, 3)


def test_an_interrupt_before_the_first_batch_is_raised(net):
    def batches():
        raise KeyboardInterrupt
        yield X

    with pytest.raises(KeyboardInterrupt):
        swept(net, batches())


def test_broken_data_end_it_and_the_first_batch_is_the_users_error(net):
    def batches(good):
        for _ in range(good):
            yield X[:32]
        raise ValueError("row 9 is torn")

    sweep = swept(net, batches(10)).sweep
    assert sweep.stopped == "the data failed after 320 samples: ValueError: row 9 is torn"
    assert sweep.samples == 320
    with pytest.raises(ValueError, match="row 9 is torn"):
        swept(net, batches(0))


def test_a_batch_that_does_not_fit_ends_it(net):
    assert swept(net, [X, X[0]]).sweep.stopped.startswith("the data failed after 100 samples: `x` has 1 axes")
    stopped = swept(net, [X, torch.randn(4, 5)]).sweep.stopped
    assert stopped.startswith("the model failed after 100 samples: RuntimeError: mat1 and mat2")


def test_outputs_without_rows_are_one_sample_a_batch(tmp_path):
    class Mean(nn.Module):
        def forward(self, x):
            return x.mean()

    path = tmp_path / "mean.onnx"
    onnxmagic.export(Mean(), (X,), output=path, prove=False)
    sweep = swept((path, Mean(), None), [X[:60], X[60:]], samples=2).sweep
    assert (sweep.samples, sweep.batches, sweep.ok) == (2, 2, True)
    assert sweep.agreement is None
    assert sweep.worst.inputs["x"].shape in ((60, 8), (40, 8))


def test_rows_on_another_axis_of_an_output(tmp_path):
    torch.manual_seed(0)
    model, path = nn.GRU(8, 4, batch_first=True).eval(), tmp_path / "gru.onnx"
    onnxmagic.export(model, (torch.randn(3, 5, 8),), output=path, prove=False)
    sweep = swept((path, model, None), [torch.randn(6, 5, 8), torch.randn(4, 5, 8)]).sweep
    assert (sweep.samples, sweep.ok) == (10, True)
    assert [value.shape for value in sweep.worst.got.values()] == [(1, 5, 4), (1, 1, 4)]


def test_whole_numbers_and_two_inputs(tmp_path):
    class Find(nn.Module):
        def forward(self, x, y):
            return (x + y).argmax(1), x > y

    path, data = tmp_path / "find.onnx", [{"x": X, "y": X.flip(0)}]
    onnxmagic.export(Find(), (X[:3], X[3:6]), output=path, prove=False)
    sweep = swept((path, Find(), None), data).sweep
    assert (sweep.samples, sweep.ok, sweep.max_abs, sweep.agreement) == (100, True, 0.0, None)
    assert [(one.low, one.high, one.count) for one in sweep.errors] == [(0.0, 0.0, 100)]

    class Other(nn.Module):
        def forward(self, x, y):
            return (x - y).argmax(1), x > y

    sweep = swept((path, Other(), None), data).sweep
    assert sweep.wrong == int(((X + X.flip(0)).argmax(1) != (X - X.flip(0)).argmax(1)).sum())


def test_a_static_file_takes_whole_batches(tmp_path, net):
    path = tmp_path / "static.onnx"
    onnxmagic.export(net[1], (X[:10],), output=path, dynamic=False, prove=False)
    sweep = swept((path, net[1], None), X.split(10), samples=25).sweep
    assert (sweep.samples, sweep.ok) == (30, True)


def test_ragged_sizes_share_a_case(tmp_path):
    class Sum(nn.Module):
        def forward(self, x):
            return x.cumsum(1)

    path = tmp_path / "sum.onnx"
    onnxmagic.export(Sum(), (torch.randn(2, 5),), output=path, dynamic={"x": {0: "batch", 1: "length"}}, prove=False)
    found = swept((path, Sum(), None), [torch.randn(2, length) for length in range(2, 102)])
    assert found.sweep.samples == 200
    assert len(found.cases) == 33
    assert sum(case.count for case in found.cases) == 100
    assert found.untried == ("The last case of your data stands for 68 batches of several other sizes.",)


def test_progress_tells_rate_and_time_left(net):
    def slow():
        for _ in range(12):
            time.sleep(0.05)
            yield X[:10]

    said = []
    swept(net, slow(), samples=120, progress=said.append)
    assert 2 <= len(said) <= 5
    assert all(text.startswith("sweep: ") and " of 120 samples, " in text and text.endswith(" s left") for text in said)
    said.clear()
    swept(net, slow(), progress=said.append)
    assert " of " not in said[-1]
    assert said[-1].endswith(" a second")


def test_progress_may_print_and_the_model_may_not(net, capsys):
    class Loud(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net[1]

        def forward(self, x):
            print("forward")
            return self.inner(x)

    swept((net[0], Loud(), net[2]), loader(), progress=print)
    said = capsys.readouterr().out
    assert "sweep: " in said
    assert "forward" not in said


def test_plain_data_hold_no_arrays(net):
    data = swept(net, loader()).sweep.to_dict()
    assert set(data["worst"]) == {"index", "batch", "max_abs"}
    assert data["ok"] is True
    assert data["errors"][0].keys() == {"low", "high", "count"}


def test_a_hundred_thousand_samples_in_constant_memory(net):
    at: dict[int, int] = {}
    resident: dict[int, int] = {}

    def batches():
        generator = torch.Generator().manual_seed(2)
        for number in range(196):
            if number in (40, 195):
                resident.setdefault(number, psutil.Process().memory_info().rss)
                at[number] = tracemalloc.get_traced_memory()[0]
            yield torch.randn(512, 8, generator=generator), number

    start = time.perf_counter()
    sweep = swept(net, batches(), samples=100_000).sweep
    assert time.perf_counter() - start < 10
    assert (sweep.samples, sweep.batches, sweep.ok) == (100_000, 196, True)
    assert sum(one.count for one in sweep.errors) == 100_000
    tracemalloc.start()
    try:
        assert swept(net, batches(), samples=100_000).sweep.ok
    finally:
        tracemalloc.stop()
    assert at[195] - at[40] < 100_000  # bytes that Python and numpy hold
    assert resident[195] - resident[40] < 30_000_000  # and PyTorch
