"""The same sweep on an executor gives the same result, and an executor that fails costs no more than what was left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from sweeping import Net, X, swept
from torch import nn

import onnxmagic
from onnxmagic.export.sweep import remote
from onnxmagic.export.sweep.bind import Binder
from onnxmagic.graph.read import read

BATCHES = [({"x": part}) for part in X.repeat(4, 1).split(17)]


@pytest.fixture(scope="module")
def forked() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        yield pool


@pytest.fixture(scope="module")
def spawned() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


@pytest.fixture(scope="module")
def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    )
    with cluster, distributed.Client(cluster) as client:
        yield client.get_executor()


def same(one: Any, other: Any) -> bool:
    """Tell whether two sweeps are equal, but for who ran them and for how long."""
    if isinstance(one, dict):
        skipped = {"seconds", "workers"}
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one if key not in skipped)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return one == other


@pytest.mark.parametrize(
    ("kind", "workers"),
    [("threads", "3 threads"), ("forked", "2 processes"), ("spawned", "2 processes"), ("dask", "ClientExecutor")],
)
def test_the_same_as_without(net, kind, workers, request):
    executor = request.getfixturevalue(kind)
    alone, found = swept(net, BATCHES), swept(net, BATCHES, executor=executor)
    assert found.sweep.workers == workers
    assert found.sweep.samples == 400
    assert same(asdict(found.sweep), asdict(alone.sweep))
    assert found.cases == alone.cases
    assert found.runs == alone.runs
    assert executor.submit(len, "the executor is still there").result() == 27


@pytest.mark.parametrize("kind", ["threads", "forked", "spawned"])
def test_a_wrong_file_is_the_same_too(net, kind, request):
    path, model, graph = net
    other = Net()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.last.weight[0] *= 1.0001
    alone, found = (swept((path, other, graph), BATCHES, executor=e) for e in (None, request.getfixturevalue(kind)))
    assert alone.sweep.wrong
    assert same(asdict(found.sweep), asdict(alone.sweep))
    assert found.cases == alone.cases


def test_a_model_of_the_notebook_and_weights_beside_the_file(spawned, tmp_path):
    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 400)

        def forward(self, x):
            return self.layer(x).to(torch.float16)

    path = tmp_path / "local.onnx"
    model = Local()
    onnxmagic.export(model, (X[:2],), output=path, external_data=True, prove=False)
    assert len(list(tmp_path.iterdir())) == 2
    assert swept((path, model, None), BATCHES, executor=spawned).sweep.ok


def test_a_model_that_remembers_is_put_back_in_a_worker_too(forked, tmp_path):
    from onnxmagic.export.guard import Guard
    from onnxmagic.export.sweep.run import sweep
    from onnxmagic.runtime.ort import OnnxRuntime

    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("seen", torch.zeros(()))

        def forward(self, x):
            self.seen += 1
            return x * self.seen

    model, path = Counts().eval(), tmp_path / "counts.onnx"
    onnxmagic.export(nn.Identity(), (X[:2],), output=path, prove=False)
    for executor in (None, forked):
        with Guard(model) as guard:
            guard.always_rewinds = True
            runtime = OnnxRuntime()
            found = sweep(path, read(path), model, X, samples=None, guard=guard, runtime=runtime, executor=executor)
        assert found.sweep.ok
        assert model.seen == 0


def test_every_dtype_travels(net):
    graph = net[2]

    class Takes(nn.Module):
        def forward(self, x, **other):
            return x

    bound = Binder(graph, Takes()).bind({"x": X})
    for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64):
        value = torch.tensor([[1, 0], [2, 3]]).to(dtype)
        sent = remote._Tensor(remote.to_numpy(value), dtype).tensor(torch.device("cpu"))
        assert sent.dtype is dtype
        assert torch.equal(sent, value)
    again = remote._bound(remote.packed_batch(bound), Takes())
    assert torch.equal(again.example.tensors[0].value, X)
    assert again.sizes == bound.sizes


def test_a_worker_gets_the_file_only_when_it_has_not_got_it(net):
    class Counting(ThreadPoolExecutor):
        sent = 0

        def submit(self, fn, /, *args, **kwargs):
            self.sent += args[2] is not None
            return super().submit(fn, *args, **kwargs)

    with Counting(1) as pool:
        assert swept(net, BATCHES, executor=pool).sweep.ok
        assert pool.sent == 0  # threads of this process have it

    class Elsewhere(Executor):
        """Runs at once, as another process would: nothing is known here but what was sent."""

        sent = 0

        def submit(self, fn, /, *args, **kwargs):
            self.sent += args[2] is not None
            future: Future[Any] = Future()
            here = dict(remote._HERE)
            remote._HERE.clear()
            future.set_result(fn(*args))
            remote._HERE.update(here)
            return future

    pool = Elsewhere()
    assert swept(net, BATCHES, executor=pool).sweep.ok
    assert 1 <= pool.sent < len(BATCHES) / 2
    assert len(remote._KNOWN) == 1
    remote._KNOWN.clear()


def test_batches_in_flight_are_few(net):
    read = []

    def batches():
        for number in range(60):
            read.append(number)
            yield X[:5]

    ahead = []

    class Slow(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            ahead.append(len(read))
            return super().submit(fn, *args, **kwargs)

    with Slow(1) as pool:
        assert swept(net, batches(), samples=50, executor=pool).sweep.samples == 50
    assert len(read) == 10
    assert ahead[1] <= 3


def test_an_interrupt_keeps_what_there_is(net, threads):
    def batches():
        for number in range(1000):
            if number == 20:
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            if number > 20:
                time.sleep(0.01)
            yield X[:10]

    sweep = swept(net, batches(), executor=threads).sweep
    assert sweep.stopped == "interrupted"
    assert 10 <= sweep.samples < 1000
    assert threads.submit(len, "alive").result() == 5


class Dies(nn.Module):
    def forward(self, x):
        if x.shape[0] == 3 and multiprocessing.parent_process() is not None:
            os._exit(1)
        return x + 1


def test_a_worker_that_dies_ends_it(tmp_path):
    path = tmp_path / "plus.onnx"

    class Plus(nn.Module):
        def forward(self, x):
            return x + 1

    onnxmagic.export(Plus(), (X[:2],), output=path, prove=False)
    data = [X[:10]] * 6 + [X[:3]] + [X[:10]] * 20
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        sweep = swept((path, Dies(), None), data, executor=pool).sweep
    assert sweep.stopped.startswith(f"ProcessPoolExecutor failed after {sweep.samples} samples: BrokenProcessPool: ")
    assert 10 <= sweep.samples <= 60
    assert sweep.ok


def test_broken_data_and_models_end_it(net, forked):
    def batches():
        yield from BATCHES[:5]
        raise ValueError("torn")

    assert swept(net, batches(), executor=forked).sweep.stopped == "the data failed after 85 samples: ValueError: torn"
    data = [*BATCHES[:5], {"x": X[:, :4]}, *BATCHES[:5]]
    sweep = swept(net, data, executor=forked).sweep
    assert sweep.stopped.startswith("the model failed after 85 samples: RuntimeError: mat1 and mat2")
    assert sweep.samples == 85


def test_what_cannot_be_sent_and_what_is_no_executor(net, forked):
    path, model, graph = net

    class Locked(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.lock = model, threading.Lock()

        def forward(self, x):
            return self.inner(x)

    with pytest.raises(onnxmagic.UsageMistake, match="cannot be sent to the executor's workers: TypeError"):
        swept((path, Locked(), graph), BATCHES, executor=forked)
    with pytest.raises(onnxmagic.UsageMistake, match=r"executor is a int; it must be a concurrent\.futures"):
        swept(net, BATCHES, executor=4)
    with pytest.raises(onnxmagic.UsageMistake, match="executor is the class ProcessPoolExecutor"):
        swept(net, BATCHES, executor=ProcessPoolExecutor)


def test_without_cloudpickle_the_extra_is_named(net, forked, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cloudpickle", None)

    class Local(nn.Module):
        def forward(self, x):
            return x

    path, _, graph = net
    with pytest.raises(onnxmagic.UsageMistake, match=r"pip install onnxmagic\[executor\]"):
        swept((path, Local(), graph), BATCHES, executor=forked)


def test_threads_of_this_process_keep_their_number(net, threads):
    before = torch.get_num_threads()
    swept(net, BATCHES, executor=threads)
    assert torch.get_num_threads() == before
    assert not remote._HERE
