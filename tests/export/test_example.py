"""What a call may hold, and the names its tensors get."""

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest
import torch
from models import Keywords, Lambda
from torch import nn
from torch.utils import _pytree as pytree

import onnxmagic

X = torch.randn(1, 4)


@dataclasses.dataclass
class Pair:
    left: torch.Tensor
    right: torch.Tensor


torch.export.register_dataclass(Pair)


@dataclasses.dataclass
class Unknown:
    left: torch.Tensor


class Cache:
    """A container of its own, as key-value caches are, that torch was told how to take apart."""

    def __init__(self, keys, values) -> None:
        self.keys, self.values = keys, values


pytree.register_pytree_node(
    Cache,
    lambda cache: ([cache.keys, cache.values], None),
    lambda parts, context: Cache(*parts),
    serialized_type_name="tests.Cache",
    flatten_with_keys_fn=lambda cache: (
        [(pytree.GetAttrKey("keys"), cache.keys), (pytree.GetAttrKey("values"), cache.values)],
        None,
    ),
)


class Named(NamedTuple):
    mean: torch.Tensor
    spread: torch.Tensor


class Nested(nn.Module):
    def forward(self, batch, sizes, flag=True, extra=None):
        first, (second, third) = batch["pair"]
        return {"sum": first + second * sizes[0], "others": [third, None], "left": batch["state"].left}


def names(values):
    return [value.name for value in values]


def test_nested_arguments_are_named_by_their_path():
    batch = {"pair": [X, (X.clone(), torch.ones(2))], "state": Pair(X.clone(), X.clone())}
    result = onnxmagic.export(Nested(), (batch, (3, 4)), {"flag": True, "extra": None})
    assert names(result.graph.inputs) == [
        "batch_pair_0",
        "batch_pair_1_0",
        "batch_pair_1_1",
        "batch_state_left",
        "batch_state_right",
    ]
    assert names(result.graph.outputs) == ["sum", "others_0", "left"]
    assert result.parity.ok


def test_a_cache_goes_in_and_comes_out():
    class Step(nn.Module):
        def forward(self, x, cache):
            return x, Cache(torch.cat([cache.keys, x[:, None]], 1), torch.cat([cache.values, x[:, None]], 1))

    cache = Cache(torch.randn(1, 3, 4), torch.randn(1, 3, 4))
    result = onnxmagic.export(Step(), (X, cache), dynamic={"cache.keys": {1: "past"}})
    assert names(result.graph.outputs) == ["output_0", "output_1_keys", "output_1_values"]
    assert result.graph.outputs[1].shape == ("batch", "past + 1", 4)
    assert {a.status for a in result.axes} == {"proved"}


def test_numbers_and_flags_are_baked_and_said_so():
    batch = {"pair": [X, (X.clone(), torch.ones(2))], "state": Pair(X.clone(), X.clone())}
    result = onnxmagic.export(Nested(), (batch, (3, 4)))
    assert "sizes[0]" in next(f.message for f in result.findings if f.code == "OM207")


def test_star_arguments_vary_with_the_batch():
    result = onnxmagic.export(Keywords(), (X, X.clone()), {"bias": X.clone(), "scale": X.clone()})
    assert {v.shape for v in result.graph.inputs} == {("batch", 4)}
    assert result.parity.ok


def test_keywords_may_come_in_any_order():
    class Two(nn.Module):
        def forward(self, a, b):
            return a - b

    result = onnxmagic.export(Two(), (), {"b": X, "a": X * 2})
    assert names(result.graph.inputs) == ["a", "b"]
    assert result.parity.ok


def test_a_dict_as_last_argument_stays_an_argument():
    class Last(nn.Module):
        def forward(self, x, options):
            return x * options["scale"]

    assert onnxmagic.export(Last(), (X, {"scale": X.clone()})).parity.ok


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda s, x: x * 2, ["output"]),
        (lambda s, x: (x * 2, x + 1), ["output_0", "output_1"]),
        (lambda s, x: Named(x * 2, x + 1), ["mean", "spread"]),
        (lambda s, x: {"logits": x * 2, "hidden": [x + 1, x + 2]}, ["logits", "hidden_0", "hidden_1"]),
        (lambda s, x: {"x": x * 2}, ["x_out"]),
        (lambda s, x: {"a b": x * 2, "a_b": x + 1}, ["a_b", "a_b_2"]),
        (lambda s, x: (x, x), ["output_0", "output_1"]),
    ],
)
def test_outputs_are_named_by_what_forward_returns(function, expected):
    assert names(onnxmagic.export(Lambda(function), (X,)).graph.outputs) == expected


def test_an_output_may_have_the_name_of_an_inner_value_or_a_weight():
    model = Lambda(lambda s, x: {"relu": x.relu() + 1, "scale": x * s.scale, "linear": s.fc(x) * 2})
    model.scale, model.fc = nn.Parameter(torch.rand(4)), nn.Linear(4, 2)
    result = onnxmagic.export(model, (X,))
    assert names(result.graph.outputs) == ["relu", "scale", "linear"]
    assert result.parity.ok


def test_names_on_request():
    result = onnxmagic.export(Lambda(lambda s, x: x * 2), (X,), input_names=["image"], output_names=["score"])
    assert names(result.graph.inputs) + names(result.graph.outputs) == ["image", "score"]


def test_wrappers_are_taken_off():
    inner = nn.Linear(4, 2)
    assert onnxmagic.export(nn.DataParallel(inner), (X,)).parity.ok
    assert onnxmagic.export(torch.compile(inner), (X,)).parity.ok


@pytest.mark.parametrize(
    ("model", "args", "kwargs", "message"),
    [
        (nn.Linear, (X,), {}, "is a class"),
        (torch.relu, (X,), {}, "is a function"),
        (nn.Linear(4, 2).state_dict(), (X,), {}, "state_dict"),
        (torch.jit.trace(nn.Linear(4, 2), X), (X,), {}, "ScriptModule"),
        (nn.Sequential(torch.jit.trace(nn.Linear(4, 2), X)), (X,), {}, "`0` is a ScriptModule"),
        (3, (X,), {}, "is of type int"),
        (nn.Linear(4, 2), X, {}, r"must be a tuple of the arguments, for example \(x,\)"),
        (nn.Linear(4, 2), (), {}, "missing a required argument: 'input'"),
        (nn.Linear(4, 2), (), {"inputs": X}, "Did you mean 'input'"),
        (nn.Linear(4, 2), (X.numpy(),), {}, r"numpy ndarray; pass torch.as_tensor\(input\)"),
        (Lambda(lambda s, x: x), (Unknown(X),), {}, r"register_dataclass\(Unknown\)"),
        (Lambda(lambda s, x: x), (X.to_sparse(),), {}, "to_dense"),
        (Lambda(lambda s, x: torch.ones(2)), (3,), {}, "no tensor among its arguments"),
        (Lambda(lambda s, x: x), (np.float32(1.0),), {}, "numpy float32"),
        (nn.LazyLinear(2), (X,), {}, "never ran; call it once"),
        (nn.Linear(4, 2, device="meta"), (X,), {}, "meta device"),
        (nn.Linear(4, 2), (torch.randn(0, 4),), {}, r"The example is empty \(input \[0, 4\]\)"),
    ],
)
def test_what_cannot_be_called_is_said_before_anything_runs(model, args, kwargs, message):
    with pytest.raises(onnxmagic.UsageMistake, match=message):
        onnxmagic.export(model, args, kwargs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opset": 99}, "opset 99 does not exist"),
        ({"opset": "20"}, "must be a whole number"),
        ({"fail_on": "sometimes"}, "fail_on is 'sometimes'"),
        ({"input_names": ["a", "b"]}, r"2 input names for 1 tensors \(x\)"),
        ({"input_names": "image"}, r"for example \['image'\]"),
        ({"input_names": ["a"], "output_names": ["a"]}, "also an input's"),
        ({"output_names": [""]}, "which is no name"),
        ({"input_names": ["a", "a"]}, "twice"),
    ],
)
def test_wrong_options_are_said(options, message):
    with pytest.raises(onnxmagic.UsageMistake, match=message):
        onnxmagic.export(Lambda(lambda s, x: x * 2), (X,), **options)
