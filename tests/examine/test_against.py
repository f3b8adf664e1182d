"""A file against a PyTorch model, on the user's own data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import onnxmagic
from onnxmagic.examine.against import compare
from onnxmagic.graph.read import read
from onnxmagic.runtime.apart import Apart
from onnxmagic.runtime.isolated import Isolated
from onnxmagic.runtime.ort import OnnxRuntime


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(8, 16), nn.Dropout(0.5), nn.Linear(16, 3)

    def forward(self, x, labels=None):
        y = self.last(self.drop(self.first(x).relu()))
        return y if labels is None else (nn.functional.cross_entropy(y, labels), y)


class Two(nn.Module):
    def forward(self, a, b):
        return a * 2 + b


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Classifier().train()


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    file = tmp_path_factory.mktemp("against") / "net.onnx"
    onnxmagic.export(model, (torch.randn(2, 8),), output=file, prove=False)
    return file


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    file = tmp_path_factory.mktemp("against") / "two.onnx"
    onnxmagic.export(Two(), (torch.randn(2, 4), torch.randn(2, 4)), output=file, prove=False)
    return file


def against(path, model, data, samples=1000, progress=None):
    return compare(path, read(path), model, data, samples, OnnxRuntime(), progress)


def codes(compared):
    return [finding.code for finding in compared.findings]


X = torch.randn(7, 8, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


def test_a_loader_is_compared_batch_by_batch(path, model):
    compared = against(path, model, DataLoader(TensorDataset(X, LABELS), batch_size=2))
    assert compared.parity.ok
    assert [dict(case.sizes) for case in compared.parity.cases] == [{"batch": 2}, {"batch": 1}]
    assert {case.inputs for case in compared.parity.cases} == {"data"}
    assert [case.count for case in compared.parity.cases] == [3, 1]
    assert compared.parity.sweep.samples == 7
    assert compared.parity.sweep.agreement == 1.0
    assert compared.parity.cases[0].agreement == 1.0
    assert codes(compared) == []


def test_the_label_is_left_out_and_that_is_said(path, model):
    compared = against(path, model, [(X, LABELS)])
    assert compared.parity.ok
    assert compared.parity.sweep.left_out == "the last part of every batch was left out, as a label is"


@pytest.mark.parametrize(
    "data",
    [X, X.numpy(), X.double().numpy(), [X], [(X,)], [[X]], {"x": X}, [{"x": X.numpy()}]],
    ids=["tensor", "array", "float64", "list", "tuple", "list of lists", "dict", "dicts"],
)
def test_many_forms_of_data_mean_the_same(path, model, data):
    compared = against(path, model, data)
    assert compared.parity.ok
    assert compared.untried == ()
    assert compared.parity.sweep.left_out == ""


def test_a_dict_with_labels_that_the_file_does_not_take(path, model):
    compared = against(path, model, [{"x": X, "labels": LABELS, "id": [1]}])
    assert compared.parity.ok
    assert compared.parity.sweep.left_out == "`labels` and `id` of every batch were left out"


def test_names_of_the_files_inputs_will_do_too(tmp_path, model):
    path = tmp_path / "net.onnx"
    onnxmagic.export(model, (X,), output=path, input_names=["pixels"], prove=False)
    assert against(path, model, [{"pixels": X}]).parity.ok
    assert against(path, model, [{"x": X}]).parity.ok


def test_several_inputs_go_by_position_or_name(two):
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    assert against(two, Two(), [(a, b)]).parity.ok
    assert against(two, Two(), [{"b": b, "a": a}]).parity.ok
    assert against(two, Two(), [(a, b, LABELS)]).parity.sweep.left_out


def test_in_a_process_of_its_own(path, model):
    with Apart() as apart:
        assert compare(path, read(path), model, [X, X], None, Isolated(apart)).parity.ok


def test_as_many_samples_as_asked_for(path, model):
    taken = []

    def batches():
        while True:
            taken.append(1)
            yield X

    seen = []
    compared = against(path, model, batches(), samples=33, progress=seen.append)
    assert compared.parity.ok
    assert len(taken) == 5
    assert [(dict(case.sizes), case.count) for case in compared.parity.cases] == [({"batch": 7}, 4), ({"batch": 5}, 1)]
    assert compared.parity.sweep.samples == compared.parity.sweep.asked == 33
    assert seen[0].startswith("sweep: 14 of 33 samples, ")


def test_another_model_differs(path):
    torch.manual_seed(3)
    compared = against(path, Classifier(), [X, X[:2]])
    assert not compared.parity.ok
    assert codes(compared) == ["OM401"]
    assert "at batch 2 and 7" in compared.findings[0].message


def test_one_bad_batch_among_good_ones_speaks(path, model):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x):
            return self.inner(x) + (x[0, 0] > 100)

    bad = X.clone()
    bad[0, 0] = 101
    compared = against(path, Odd(), [X, X * 2, bad, X])
    assert not compared.parity.ok
    assert compared.parity.cases[0].count == 4
    assert compared.parity.cases[0].reason.startswith("`output` differs by 1")
    assert compared.parity.worst.batch == 2


def test_a_small_difference_is_found(path, model):
    other = Classifier()
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.last.weight[0] *= 1.0001
    compared = against(path, other, [X])
    assert codes(compared) == ["OM401"]
    assert "It begins in `last`" in compared.findings[0].message
    assert compared.findings[0].where.module == "last"
    assert list(path.parent.iterdir()) == [path]


def test_nan_in_the_data_is_in_both(path, model):
    compared = against(path, model, [X.clone().fill_(float("nan"))])
    assert codes(compared) == ["OM402"]
    assert "and so has PyTorch" in compared.findings[0].message


def test_another_number_of_outputs(path, model):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x):
            return self.inner(x), x

    assert codes(against(path, Twice(), [X])) == ["OM404"]


def test_a_random_model_is_not_compared(path):
    class Noisy(nn.Module):
        def forward(self, x):
            return torch.randn(x.shape[0], 3)

    compared = against(path, Noisy(), [X])
    assert codes(compared) == ["OM407"]
    assert "two answers" in compared.findings[0].message


def test_a_file_that_draws_is_not_compared(tmp_path):
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.randn_like(x)

    class Plain(nn.Module):
        def forward(self, x):
            return x

    path = tmp_path / "noisy.onnx"
    onnxmagic.export(Noisy(), (X,), output=path, prove=False)
    assert codes(against(path, Plain(), [X])) == ["OM405", "OM407"]


def test_a_size_that_the_file_refuses(tmp_path, model):
    path = tmp_path / "static.onnx"
    onnxmagic.export(model, (X,), output=path, dynamic=False, prove=False)
    compared = against(path, model, [X, X[:2]])
    assert codes(compared) == ["OM406"]
    assert not compared.parity.ok


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "data is empty"),
        ([{"y": X}], "does not fit the model"),
        ([X[0]], "1 axes in data and 2 in the file"),
        ([("a",)], "0 tensors; the file has 1 inputs, `x`"),
        ([3], "is a int; pass a tensor"),
        ([torch.randn(2, 5)], "The model fails on the first batch of data"),
        (3, "data is a int"),
    ],
)
def test_data_that_does_not_fit_is_said_in_a_sentence(path, model, data, words):
    with pytest.raises(onnxmagic.UsageMistake, match=words):
        against(path, model, data)


def test_a_model_that_is_none(path):
    with pytest.raises(onnxmagic.UsageMistake, match=r"against is a dict; it must be the torch\.nn\.Module"):
        against(path, {}, [X])


def test_the_notebook_is_as_it_was(path, model):
    state = torch.get_rng_state(), np.random.get_state()[1].tolist()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    against(path, model, DataLoader(TensorDataset(X, LABELS), batch_size=2, shuffle=True))
    assert model.training
    assert model.drop.training
    assert torch.equal(torch.get_rng_state(), state[0])
    assert np.random.get_state()[1].tolist() == state[1]
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
