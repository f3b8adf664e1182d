"""The code in the block runs as it would without, and nothing of the recorder is left anywhere."""

from __future__ import annotations

import copy
import io
import pickle
import random
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import onnxmagic
from onnxmagic.record import doorway


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor, fail: type[BaseException] | None = None) -> torch.Tensor:
        if fail is not None:
            raise fail("from forward")
        return self.inner(x).relu()


class OwnCall(Net):
    def __call__(self, x: torch.Tensor, *, twice: bool = False) -> torch.Tensor:
        """Call it once or twice."""
        first = super().__call__(x)
        return super().__call__(first) if twice else first


@pytest.fixture(autouse=True)
def classes_stay_as_they_are() -> Iterator[None]:
    kinds = (Net, OwnCall, nn.Module, nn.Linear, nn.Sequential, nn.DataParallel)
    before = [kind.__dict__.get("__call__") for kind in kinds]
    yield
    assert [kind.__dict__.get("__call__") for kind in kinds] == before
    assert doorway._doors == []
    assert doorway._inside.__dict__.get("watchers", set()) == set()


X = torch.ones(2, 4)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, RuntimeError])
def test_an_error_from_forward_ends_the_block_as_it_is(error: type[BaseException]) -> None:
    model, calls = Net(), None

    def cell() -> None:
        nonlocal calls
        with onnxmagic.record(model) as calls:
            model(X)
            model(X, fail=error)

    with pytest.raises(error, match="from forward") as raised:
        cell()
    assert (calls.recording().total, calls.recording().failed) == (1, 1)
    frames = traceback.extract_tb(raised.value.__traceback__)
    assert frames[-1].name == "forward"
    assert doorway.__file__ not in {frame.filename for frame in frames}


def test_the_frames_are_gone_from_causes_too() -> None:
    model = Net()

    def call() -> None:
        try:
            model(X, fail=ValueError)
        except ValueError as error:
            raise RuntimeError from error

    with pytest.raises(RuntimeError) as raised, onnxmagic.record(model):
        call()
    assert doorway.__file__ not in "".join(traceback.format_exception(raised.value))


def test_an_error_between_calls() -> None:
    model, calls = Net(), None

    def cell() -> None:
        nonlocal calls
        with onnxmagic.record(model) as calls:
            model(X)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cell()
    assert calls.recording().total == 1


def test_an_error_that_is_caught_goes_on() -> None:
    model = Net()
    with onnxmagic.record(model) as calls:
        with pytest.raises(ValueError):
            model(X, fail=ValueError)
        with pytest.raises(TypeError):
            model(X, no_such=1)
        model(X)
    assert (calls.recording().total, calls.recording().failed) == (1, 2)


def train(model: Net) -> tuple[list[torch.Tensor], list[float]]:
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), list[float]()
    for _ in range(5):
        x = torch.randn(3, 4, requires_grad=True)
        loss = (torch.nn.functional.dropout(model(x * 2)) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += [loss.item(), float(x.grad.sum()), random.random(), float(np.random.rand())]
    return [p.detach().clone() for p in model.parameters()], losses


def test_training_gives_the_same_numbers() -> None:
    results: list[Any] = []
    for recorded in (False, True):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        model = Net()
        if recorded:
            with onnxmagic.record(model, keep=3) as calls:
                results.append(train(model))
            assert calls.recording().total == 5
            assert not any(call.args[0].requires_grad or call.output.requires_grad for call in calls.recording().kept)
        else:
            results.append(train(model))
    assert all(torch.equal(a, b) for a, b in zip(results[0][0], results[1][0], strict=True))
    assert results[0][1] == results[1][1]


def test_what_comes_back_is_the_very_object() -> None:
    class Same(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    model, value = Same(), [torch.ones(1)]
    with onnxmagic.record(model):
        assert model(value) is value


def test_hooks_run_as_before_and_none_is_added() -> None:
    model, seen = Net(), list[str]()
    model.register_forward_pre_hook(lambda module, args: seen.append("before"))
    model.register_forward_hook(lambda module, args, out: torch.zeros_like(out))
    with onnxmagic.record(model) as calls:
        assert len(model._forward_hooks) == len(model._forward_pre_hooks) == 1
        assert "__call__" not in vars(model)
        model(X)
    assert seen == ["before"]
    assert torch.equal(calls.recording().calls[0].output, torch.zeros(2, 4))


def test_a_class_with_its_own_call() -> None:
    own, model = OwnCall.__call__, OwnCall()
    with onnxmagic.record(model) as calls:
        assert OwnCall.__call__.__doc__ == "Call it once or twice."
        model(X, twice=True)
    assert OwnCall.__dict__["__call__"] is own
    (call,) = calls.recording().calls
    assert call.kwargs == {"twice": True}
    assert torch.equal(call.output, model(X, twice=True))


def test_a_subclass_and_its_base_at_once() -> None:
    base, derived = Net(), OwnCall()
    with onnxmagic.record(base) as of_base, onnxmagic.record(derived) as of_derived:
        base(X)
        derived(X)
        derived(X, twice=True)
    assert (of_base.recording().total, of_derived.recording().total) == (1, 2)


def test_a_submodule_of_a_class_that_many_have() -> None:
    model = Net()
    with onnxmagic.record(model.inner) as calls:
        model(X)
        nn.Linear(4, 4)(X)
        nn.Linear(2, 2)(X[:, :2])
    assert calls.recording().total == 1


def test_inner_calls_belong_to_the_outer_one() -> None:
    class Recursive(nn.Module):
        def forward(self, x: torch.Tensor, depth: int) -> torch.Tensor:
            return self(x + 1, depth - 1) if depth else x

    model = Recursive()
    with onnxmagic.record(model) as calls:
        model(torch.zeros(1), 3)
        model(torch.zeros(1), 2)
    recorded = calls.recording().calls
    assert [(call.args[1], float(call.output)) for call in recorded] == [(3, 3.0), (2, 2.0)]


def test_recorders_of_one_module_see_the_same_and_leave_in_any_order() -> None:
    model, other = Net(), Net()
    first, second, third = onnxmagic.record(model), onnxmagic.record(model, keep=1), onnxmagic.record(other)
    first.__enter__()
    second.__enter__()
    model(X)
    third.__enter__()
    first.__exit__(None, None, None)
    model(X)
    other(X)
    second.__exit__(None, None, None)
    model(X)
    other(X)
    third.__exit__(None, None, None)
    assert [calls.recording().total for calls in (first, second, third)] == [1, 2, 2]
    assert "__call__" not in Net.__dict__


def test_a_recorder_is_used_once() -> None:
    calls = onnxmagic.record(Net())
    assert calls.recording().calls == ()
    with calls:
        pass
    with pytest.raises(onnxmagic.UsageMistake, match="used already"), calls:
        pass


def test_the_recording_is_frozen() -> None:
    model = Net()
    with onnxmagic.record(model) as calls:
        model(X)
        early = calls.recording()
        model(X)
    model(X)
    assert (len(early.calls), len(calls.recording().calls)) == (1, 2)
    assert early.model is model


def test_only_modules_are_recorded() -> None:
    with pytest.raises(onnxmagic.UsageMistake, match="this is a builtin_function_or_method"):
        onnxmagic.record(len)


def test_a_class_changed_in_the_block_keeps_the_change() -> None:
    class Mine(Net):
        pass

    model = Mine()
    ours: Callable[..., Any]
    with onnxmagic.record(model) as calls:
        ours = Mine.__call__
        Mine.__call__ = lambda self, x: ours(self, x) + 1
        model(X)
        with onnxmagic.record(model) as again:
            model(X)
    assert torch.equal(model(X), ours(model, X) + 1)
    assert (calls.recording().total, again.recording().total) == (2, 1)


def test_copies_and_pickles_in_the_block_are_clean() -> None:
    model = Net()
    with onnxmagic.record(model) as calls:
        twin = copy.deepcopy(model)
        twin(X)
        file = io.BytesIO()
        torch.save(model, file)
        file.seek(0)
        torch.load(file, weights_only=False)(X)
        pickle.loads(pickle.dumps(model))(X)
        out = model(X)
    assert calls.recording().total == 1
    assert torch.equal(twin(X), out)
    assert vars(twin).keys() == vars(model).keys()


READS_IT = """
import pickle, sys
model = pickle.load(sys.stdin.buffer)
import torch
print(model(torch.ones(2, 4)).sum().item(), "onnxmagic" in sys.modules)
"""


def of_the_notebook(*, own: bool) -> nn.Module:
    class Here(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 -- torch's own name for it
            return super().forward(input) + 7

    class HereToo(Here):
        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return super().__call__(x) + 1

    return HereToo(4, 2) if own else Here(4, 2)


@pytest.mark.parametrize("own", [False, True])
def test_a_class_of_the_notebook_goes_to_another_process_whole(own: bool) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    model = of_the_notebook(own=own)
    with onnxmagic.record(model):
        written = cloudpickle.dumps(model)
    done = subprocess.run([sys.executable, "-c", READS_IT], input=written, capture_output=True, check=True)
    total, ours = done.stdout.decode().split()
    assert float(total) == pytest.approx(model(X).sum().item())
    assert ours == "False"


@pytest.mark.parametrize("own", [False, True])
def test_a_class_of_the_notebook_that_is_read_back_here_is_clean(own: bool) -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    model = of_the_notebook(own=own)
    before = vars(type(model)).get("__call__")
    with onnxmagic.record(model):
        there = pickle.loads(cloudpickle.dumps(model))
        assert torch.equal(there(X), model(X))
    assert vars(type(model)).get("__call__") is before
    assert torch.equal(there(X), model(X))


def test_threads_all_count_and_a_copy_in_a_thread_does_not() -> None:
    model = Net()
    twin = copy.deepcopy(model)
    xs = [torch.full((1 + n % 4, 4), float(n)) for n in range(40)]
    with onnxmagic.record(model, keep=100) as calls, ThreadPoolExecutor(4) as pool:
        outs = list(pool.map(model, xs))
        list(pool.map(twin, xs))
    recording = calls.recording()
    assert recording.total == 40
    assert sorted(call.number for call in recording.calls) == list(range(1, 41))
    for call in recording.calls:
        n = int(call.args[0][0, 0])
        assert torch.equal(call.output, outs[n])


def test_a_call_that_outlives_the_block_is_in_no_recording() -> None:
    begun, go = threading.Event(), threading.Event()

    class Slow(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            begun.set()
            go.wait(10)
            return x

    model, outs = Slow(), list[torch.Tensor]()
    thread = threading.Thread(target=lambda: outs.append(model(X)))
    with onnxmagic.record(model) as calls:
        thread.start()
        begun.wait(10)
    go.set()
    thread.join()
    assert len(outs) == 1
    assert calls.recording().total == 0
    assert calls.recording().calls == ()


def test_a_value_that_breaks_the_look_at_it_breaks_nothing_else() -> None:
    class Hostile:
        @property
        def __dict__(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride] -- hostile on purpose
            raise OSError("no such disk")

    class Takes(nn.Module):
        def forward(self, x: torch.Tensor, y: Any) -> torch.Tensor:
            return x

    model = Takes()
    with onnxmagic.record(model) as calls:
        assert model(X, Hostile()) is X
        model(X, 1)
    recording = calls.recording()
    assert (recording.total, len(recording.calls)) == (2, 1)
    assert recording.unkept == ("1 call could not be copied: OSError: no such disk.",)


def test_tracing_and_transforms_go_through_unrecorded() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
    with onnxmagic.record(model) as calls, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = torch.fx.symbolic_trace(nn.Sequential(model))
        batched = torch.func.vmap(model)(X)
        traced = torch.jit.trace(nn.Sequential(model), X, check_trace=False)
        program = torch.export.export(nn.Sequential(model), (X,))
        fresh = model(X)
    recording = calls.recording()
    assert recording.total == 1
    assert recording.unkept[0].startswith("3 calls were not recorded: PyTorch was tracing or transforming")
    for out in (graph(X), batched, traced(X), program.module()(X)):
        assert torch.allclose(out, fresh)
    assert "clone" not in str(traced.graph)


def test_default_device_and_no_grad_do_not_matter() -> None:
    model = Net()
    with onnxmagic.record(model, keep=1) as calls, torch.no_grad(), torch.device("meta"):
        model(X)
        model(X)
    assert calls.recording().calls[0].args[0].device.type == "cpu"


def test_a_data_parallel_module_is_the_one_that_was_named() -> None:
    model = nn.DataParallel(Net())
    with onnxmagic.record(model) as outer, onnxmagic.record(model.module) as inner:
        model(X)
    assert (outer.recording().total, inner.recording().total) == (1, 1)


class TestCompiled:
    def test_a_compiled_module(self) -> None:
        model = Net()
        compiled: Any = torch.compile(model, backend="eager")
        compiled(X)
        with onnxmagic.record(compiled) as of_compiled, onnxmagic.record(model) as of_model:
            out = compiled(X)
            compiled(X[:1])
        assert of_compiled.recording().total == of_model.recording().total == 2
        assert torch.equal(of_model.recording().calls[0].output, out)

    def test_compiled_in_the_block_and_used_after_it(self) -> None:
        model = Net()
        with onnxmagic.record(model) as calls:
            compiled: Any = torch.compile(model, backend="eager", fullgraph=True)
            inside = compiled(X)
        assert calls.recording().total == 1
        assert torch.equal(compiled(X), inside)
        torch.testing.assert_close(compiled(X[:1]), inside[:1])

    def test_compiled_in_place(self) -> None:
        model = Net()
        model.compile(backend="eager", fullgraph=True)
        with onnxmagic.record(model) as calls:
            model(X)
        assert calls.recording().total == 1

    def test_a_part_of_a_compiled_whole_does_not_break_its_graph(self) -> None:
        model = Net()
        whole: Any = torch.compile(model, backend="eager", fullgraph=True)
        with onnxmagic.record(model.inner) as calls:
            inside = whole(X)
        assert torch.equal(whole(X), inside)
        assert torch.equal(model(X), inside)
        assert calls.recording().total == 0  # what is compiled calls no module
