"""One batch of the user's data as the example."""

from __future__ import annotations

import random
import re
from collections import OrderedDict, UserDict

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from onnxmagic.errors import UsageMistake
from onnxmagic.export.like import example_like


class Image(torch.nn.Module):
    def forward(self, x, mask=None):
        return x


class Two(torch.nn.Module):
    def forward(self, ids, attention, *, scale=None):
        return ids


class Text(torch.nn.Module):
    def forward(self, input_ids=None, attention_mask=None, labels=None, **more):
        return input_ids


class Many(torch.nn.Module):
    def forward(self, *parts):
        return parts[0]


class Named(torch.nn.Module):
    def forward(self, **named):
        return named["a"]


IMAGES, LABELS = torch.arange(24.0).reshape(6, 4), torch.arange(6)


def of(model, source):
    args, kwargs, said = example_like(model, source)
    return [shape(a) for a in args], {name: shape(value) for name, value in kwargs.items()}, said


def shape(value):
    return list(value.shape) if isinstance(value, torch.Tensor) else value


# ------------------------------------------------------------------------------------------------ where a batch is from


class Words(Dataset):
    """Items as a tokenizer gives them: lists of numbers, and texts."""

    def __len__(self):
        return 3

    def __getitem__(self, index) -> object:
        return {"input_ids": [1, 2, 3], "attention_mask": np.ones(3, "int64"), "text": "abc", "labels": 1}


class Ragged(Words):
    def __getitem__(self, index) -> object:
        return torch.ones(index + 1), "a label"


class Stream(IterableDataset):
    def __iter__(self):
        yield from IMAGES


class Plain:
    """A dataset of another library."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return IMAGES[index].numpy()


SOURCES = {
    "a loader": (DataLoader(TensorDataset(IMAGES), 3), "one batch of the DataLoader", 3),
    "a shuffling loader": (
        DataLoader(TensorDataset(IMAGES, LABELS), 3, shuffle=True),
        "one batch of the DataLoader",
        3,
    ),
    "a list of batches": ([(IMAGES, LABELS), (IMAGES[:2], LABELS[:2])], "the first batch of the list", 6),
    "a generator": ((each for each in [IMAGES]), "the first batch of the generator", 6),
    "a map": (map(torch.clone, [IMAGES]), "the first batch of the map", 6),
    "a tensor": (IMAGES, "the batch that was given", 6),
    "an array": (IMAGES.numpy(), "the batch that was given", 6),
    "a tuple": ((IMAGES, LABELS), "the batch that was given", 6),
    "a list of tensors": ([IMAGES, LABELS], "the batch that was given", 6),
    "a dict": ({"x": IMAGES, "y": LABELS}, "the batch that was given", 6),
    "a dataset": (TensorDataset(IMAGES, LABELS), "the first 2 items of the TensorDataset, stacked to a batch", 2),
    "a stream": (Stream(), "the first 2 items of the Stream, stacked to a batch", 2),
    "a strange dataset": (Plain(), "the first item of the Plain as a batch of 1", 1),
}


@pytest.mark.parametrize("name", SOURCES)
def test_where_a_batch_comes_from(name):
    source, origin, rows = SOURCES[name]
    args, kwargs, said = of(Image(), source)
    assert (args, kwargs) == ([[rows, 4]], {})
    assert said[0] == f"The example is {origin}: `x` float32[{rows}, 4]."


def test_values_are_those_of_the_data():
    (x,), _, _ = example_like(Image(), IMAGES.numpy())
    assert torch.equal(x, IMAGES)
    (x,), _, _ = example_like(Image(), TensorDataset(IMAGES, LABELS))
    assert torch.equal(x, IMAGES[:2])


def test_an_array_is_copied():
    array = np.ones((2, 4), "float32")
    (x,), _, _ = example_like(Image(), array)
    x += 1
    assert array.sum() == 8
    array.flags.writeable = False
    example_like(Image(), array)


def test_items_of_a_dataset_are_stacked_without_what_the_model_does_not_take():
    args, kwargs, said = of(Text(), Words())
    assert (args, kwargs) == ([[2, 3], [2, 3]], {})
    assert said[0].startswith(
        "The example is the first 2 items of the Words, stacked to a batch: `input_ids` int64[2, 3]"
    )


def test_items_of_different_sizes_give_a_batch_of_one():
    args, _, said = of(Image(), Ragged())
    assert args == [[1, 1]]
    assert "the first item of the Ragged as a batch of 1" in said[0]
    assert said[1] == "Part 2 of the batch (str) was left out, as a label is; if it is `mask`, write the call."


def test_no_more_is_taken_than_one_batch():
    batches = iter([IMAGES, IMAGES[:1], IMAGES[:2]])
    example_like(Image(), batches)
    assert [len(batch) for batch in batches] == [1, 2]


@pytest.mark.parametrize("workers", [0, 1])
def test_no_random_number_is_drawn(workers):
    generator = torch.Generator().manual_seed(1)
    loaders = [
        DataLoader(TensorDataset(IMAGES), 2, shuffle=True, generator=generator, num_workers=workers),
        DataLoader(TensorDataset(IMAGES), 2, shuffle=True, num_workers=workers),
    ]

    class Drawing(Dataset):
        def __len__(self):
            return 9

        def __getitem__(self, index):
            return torch.rand(4) + random.random() + np.random.rand()

    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state()), generator.get_state()
    for source in (*loaders, Drawing()):
        example_like(Image(), source)
    after = torch.get_rng_state(), random.getstate(), str(np.random.get_state()), generator.get_state()
    assert torch.equal(before[0], after[0])
    assert before[1:3] == after[1:3]
    assert torch.equal(before[3], after[3])


# ----------------------------------------------------------------------------------------- which part is which argument


@pytest.mark.parametrize(
    ("model", "batch", "args", "kwargs"),
    [
        (Two(), (IMAGES, LABELS), [[6, 4], [6]], {}),
        (Two(), (IMAGES, LABELS, LABELS, "more"), [[6, 4], [6]], {}),
        (Two(), {"scale": LABELS, "attention": LABELS, "ids": IMAGES}, [[6, 4], [6]], {"scale": [6]}),
        (Two(), {"attention": LABELS, "ids": IMAGES, "idx": LABELS}, [[6, 4], [6]], {}),
        (Image(), (IMAGES, LABELS), [[6, 4]], {}),
        (Image(), {"x": IMAGES, "mask": LABELS}, [[6, 4], [6]], {}),
        (Text(), UserDict(input_ids=LABELS, labels=LABELS), [[6]], {}),
        (Text(), OrderedDict(attention_mask=LABELS), [], {"attention_mask": [6]}),
        (Text(), (LABELS, LABELS), [[6]], {}),
        (Many(), (IMAGES, LABELS), [[6, 4], [6]], {}),
        (Named(), {"a": IMAGES, "labels": LABELS}, [], {"a": [6, 4]}),
        (torch.nn.Linear(4, 2), {"input": IMAGES}, [[6, 4]], {}),
        (torch.nn.DataParallel(Image()), {"x": IMAGES}, [[6, 4]], {}),
    ],
)
def test_which_part_is_which_argument(model, batch, args, kwargs):
    assert of(model, batch)[:2] == (args, kwargs)


def test_the_batch_of_a_tokenizer():
    from transformers import BatchEncoding

    batch = BatchEncoding({"input_ids": LABELS, "token_type_ids": LABELS, "labels": LABELS})
    args, kwargs, said = of(Text(), [batch])
    assert (args, kwargs) == ([[6]], {})
    assert said[0] == "The example is the first batch of the list: `input_ids` int64[6]."


def test_nested_containers_and_plain_values_stay():
    class Cached(torch.nn.Module):
        def forward(self, x, cache, flag=True):
            return x

    batch = {"x": np.ones((1, 4)), "cache": [(IMAGES, IMAGES.numpy())], "flag": False}
    (x, cache, flag), _, _ = example_like(Cached(), batch)
    assert isinstance(x, torch.Tensor)
    assert all(isinstance(each, torch.Tensor) for each in cache[0])
    assert flag is False


@pytest.mark.parametrize(
    ("model", "batch", "sentence"),
    [
        (Two(), (IMAGES, LABELS, "a"), "Part 3 of the batch (str) was left out, as a label is."),
        (
            Image(),
            (IMAGES, LABELS),
            "Part 2 of the batch (int64[6]) was left out, as a label is; if it is `mask`, write the call.",
        ),
        (
            Image(),
            {"x": IMAGES, "label": LABELS},
            "`label` of the batch was left out: the model has no parameter for it.",
        ),
        (
            Image(),
            {"x": IMAGES, "y": LABELS, "id": 3},
            "`y` and `id` of the batch were left out: the model has no parameters for them.",
        ),
        (
            Text(),
            {"input_ids": LABELS, "labels": LABELS},
            "`labels` of the batch was left out: it is for the training; to keep it, write the call.",
        ),
    ],
)
def test_what_is_left_out_is_said(model, batch, sentence):
    assert example_like(model, batch)[2][1:] == (sentence,)


# ------------------------------------------------------------------------------------------------------------- mistakes


class Texts(Words):
    def __getitem__(self, index) -> object:
        return {"input_ids": object()}


SPENT = iter([IMAGES])
next(SPENT)


@pytest.mark.parametrize(
    ("model", "source", "message"),
    [
        (Image(), [], "like is a list that is empty: there is no batch in it."),
        (Image(), SPENT, "like is a list_iterator that is empty or has been used up; make it anew"),
        (Image(), TensorDataset(IMAGES[:0]), "like is a TensorDataset that is empty: there is no item in it."),
        (Image(), DataLoader(TensorDataset(IMAGES[:0])), "like is a DataLoader that is empty"),
        (Image(), 3, "like is a int; pass a DataLoader, a dataset, any iterable of batches, or one batch."),
        (Image(), None, "like is a NoneType"),
        (Image(), "val_loader", "like is a str"),
        (Image(), Image(), "like is a Image"),
        (Image(), ["a", "b"], "A batch of like is a str without tensors"),
        (
            Image(),
            {"train": [IMAGES]},
            "like is a dict of `train`, and the model takes `x` and `mask`: name its tensors so",
        ),
        (
            Image(),
            [{"image": IMAGES}],
            "A batch of like has `image`, and Image needs `x`. Name them as forward's parameters",
        ),
        (Text(), [{"x": "a"}], "Text has a parameter for none of them"),
        (Two(), IMAGES, "A batch of like has one part, and Two needs `ids` and `attention`: `attention` is missing."),
        (Two(), [{"ids": IMAGES}], "A batch of like has `ids`, and Two needs `attention`."),
        (Text(), Texts(), "An item of the Texts cannot be made a batch: default_collate: batch must contain"),
        (Image(), np.array(["a"]), "cannot be made a tensor"),
    ],
)
def test_what_is_no_batch(model, source, message):
    with pytest.raises(UsageMistake, match=re.escape(message)):
        example_like(model, source)


def test_an_error_of_the_data_set_is_its_own():
    class Broken(Words):
        def __getitem__(self, index):
            raise KeyError("no such file")

    with pytest.raises(KeyError, match="no such file"):
        example_like(Image(), Broken())
    with pytest.raises(KeyError, match="no such file"):
        example_like(Image(), DataLoader(Broken()))
