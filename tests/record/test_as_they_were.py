"""What was recorded is what went in and came out at the moment of the call, whatever happened to it later."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import onnxmagic
from onnxmagic.record.copies import Uncopied


class Anything(nn.Module):
    """Returns what `then` makes of its arguments."""

    def __init__(self, then: Any = lambda *args, **kwargs: (args, kwargs)) -> None:
        super().__init__()
        self.then = then

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.then(*args, **kwargs)


def only_call(model: nn.Module, *args: Any, **kwargs: Any) -> onnxmagic.Recording:
    with onnxmagic.record(model) as calls:
        model(*args, **kwargs)
    return calls.recording()


def test_inputs_are_those_before_forward_changed_them() -> None:
    model, x = Anything(lambda x: x.add_(1)), torch.zeros(3)
    (call,) = only_call(model, x).calls
    assert torch.equal(call.args[0], torch.zeros(3))
    assert torch.equal(call.output, torch.ones(3))


def test_a_later_change_in_place_alters_nothing() -> None:
    model, x, table = Anything(lambda x, table: {"y": x * 2, "x": x}), torch.ones(3), {"rows": [torch.ones(2)]}
    with onnxmagic.record(model) as calls:
        out = model(x, table)
        out["y"].zero_()
        x.zero_()
        table["rows"][0].zero_()
        table["rows"].append(torch.zeros(1))
        out["more"] = 1
    (call,) = calls.recording().calls
    assert torch.equal(call.args[0], torch.ones(3))
    assert [torch.equal(row, torch.ones(2)) for row in call.args[1]["rows"]] == [True]
    assert list(call.output) == ["y", "x"]
    assert torch.equal(call.output["y"], torch.full((3,), 2.0))


def test_a_cache_is_as_large_as_it_was() -> None:
    from transformers import DynamicCache

    def grow(x: torch.Tensor, past: DynamicCache) -> tuple[torch.Tensor, DynamicCache]:
        keys, _ = past.update(x, x * 2, 0)
        return keys.sum(), past

    weight = nn.Parameter(torch.ones(1))  # what is cached then belongs to autograd, and cannot be deep-copied as it is
    model, past = Anything(grow), DynamicCache()
    with onnxmagic.record(model) as calls:
        for _ in range(3):
            model(torch.ones(1, 1, 1, 2) * weight, past)
    recorded = calls.recording().calls
    assert [call.args[1].get_seq_length() for call in recorded] == [0, 1, 2]
    assert [call.output[1].get_seq_length() for call in recorded] == [1, 2, 3]
    assert all(type(call.args[1]) is DynamicCache for call in recorded)
    assert not any(layer.keys.requires_grad for call in recorded[1:] for layer in call.args[1].layers)
    assert past.get_seq_length() == 3
    assert past.layers[0].keys.requires_grad


def test_a_cache_that_is_not_kept_has_its_shapes() -> None:
    from transformers import DynamicCache

    model, past = Anything(lambda x, past: past.update(x, x, 0)[0]), DynamicCache()
    with onnxmagic.record(model, keep=1) as calls:
        for _ in range(3):
            model(torch.ones(1, 1, 1, 2), past)
    last = calls.recording().calls[-1]
    assert not last.kept
    assert last.args[1].layers[0].keys.shape == (1, 1, 2, 2)
    assert last.args[1].layers[0].keys.is_meta


class Point(NamedTuple):
    x: torch.Tensor
    y: None


@dataclass
class Batch:
    image: torch.Tensor
    size: int


def test_containers_and_plain_values_stay_what_they_are() -> None:
    x = torch.arange(3)
    point, batch, ordered = Point(x, None), Batch(x, 3), OrderedDict(b=[x], a=(True, 1.5, "s", torch.float16))
    (call,) = only_call(Anything(), point, batch, 7, flag=False, none=None, table=ordered).calls
    first, second, number = call.args
    assert type(first) is Point
    assert type(second) is Batch
    assert (first.y, second.size, number) == (None, 3, 7)
    assert type(call.kwargs["table"]) is OrderedDict
    assert list(call.kwargs) == ["flag", "none", "table"]
    assert call.kwargs["table"]["a"] == (True, 1.5, "s", torch.float16)
    assert (call.kwargs["flag"], call.kwargs["none"]) == (False, None)


def test_what_was_one_object_is_one_object() -> None:
    x, inner = torch.ones(2), [torch.zeros(1)]
    (call,) = only_call(Anything(), x, {"again": x}, inner, inner, cache=Batch(x, 1)).calls
    args = call.args
    assert args[0] is args[1]["again"]
    assert args[0] is call.kwargs["cache"].image
    assert args[2] is args[3]
    assert args[0] is not x


def test_a_list_that_holds_itself() -> None:
    knot: list[Any] = [torch.ones(1)]
    knot.append(knot)
    (call,) = only_call(Anything(), knot).calls
    assert call.args[0][1] is call.args[0]


def test_numpy_arrays_are_copied() -> None:
    array = np.zeros(3)
    with onnxmagic.record(model := Anything()) as calls:
        model(array, np.float32(2))
        array += 1
    (call,) = calls.recording().calls
    assert call.args[0].tolist() == [0, 0, 0]
    assert call.args[1] == np.float32(2)


def test_layout_and_dtype_stay() -> None:
    x = torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last).to(torch.bfloat16)
    (call,) = only_call(Anything(), x, torch.ones(3).to_sparse()).calls
    assert call.args[0].stride() == x.stride()
    assert call.args[0].dtype == torch.bfloat16
    assert call.args[1].is_sparse


def test_an_expanded_tensor_counts_what_its_copy_takes() -> None:
    (call,) = only_call(Anything(lambda x: None), torch.ones(1).expand(1000)).calls
    assert call.nbytes == 4000


def test_modules_and_functions_are_the_same_ones() -> None:
    part = nn.Linear(2, 2)
    (call,) = only_call(Anything(lambda *args, **kwargs: None), part, len, Batch(torch.ones(1), part)).calls
    assert call.args[0] is part
    assert call.args[1] is len
    assert call.args[2].size is part
    assert call.nbytes == 4


class Stubborn:
    def __deepcopy__(self, memo: Any) -> Any:
        raise ValueError("not me")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Stubborn(), "Stubborn"),
        (threading.Lock(), "lock"),
        ((n for n in range(3)), "generator"),
        (iter([1]), "list_iterator"),
    ],
)
def test_what_cannot_be_copied_is_named_and_costs_only_itself(value: Any, kind: str) -> None:
    x = torch.ones(2)
    recording = only_call(model := Anything(lambda *args, **kwargs: x), x, [value, 3], key=value)
    (call,) = recording.calls
    assert recording.unkept == ()
    assert call.args[1] == [Uncopied(kind), 3]
    assert call.kwargs["key"] == Uncopied(kind)
    assert torch.equal(call.args[0], x)
    assert model(x) is x


def test_an_iterator_is_not_used_up() -> None:
    numbers = iter([1, 2])
    only_call(Anything(lambda n: None), numbers)
    assert list(numbers) == [1, 2]


def test_an_object_too_large_to_look_through_is_left_out() -> None:
    class Tokenizer:
        def __init__(self) -> None:
            self.words = {f"word{n}": n for n in range(20_000)}

    (call,) = only_call(Anything(lambda *args: None), Tokenizer(), torch.ones(1)).calls
    assert call.args[0] == Uncopied("Tokenizer")
    assert call.nbytes == 4


def test_mode_and_autocast_of_each_call() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    x = torch.ones(1, 2)
    with onnxmagic.record(model) as calls:
        model(x)
        model.eval()
        model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            model(x)
        model[1].train()
        model(x)
    assert [call.training for call in calls.recording().calls] == [True, False, False, True]
    assert [call.autocast for call in calls.recording().calls] == ["", "", "bfloat16", ""]
    assert calls.recording().calls[2].output.dtype == torch.bfloat16


def test_copies_made_in_inference_mode_are_ordinary_tensors() -> None:
    model = nn.Linear(2, 2)
    with onnxmagic.record(model) as calls, torch.inference_mode():
        out = model(torch.ones(1, 2))
    (call,) = calls.recording().calls
    assert out.is_inference()
    assert not call.output.is_inference()
    model(call.args[0]).sum().backward()
    assert model.weight.grad is not None
