"""Calls that lack a tensor of the file: told with something in its place where PyTorch gives the same so."""

from __future__ import annotations

import torch
from observing import call, calls_of, observed, shapes
from torch import nn


class Masked(nn.Module):
    """Adds up rows where the mask says so; without a mask, all of them."""

    def forward(self, x, mask=None):
        return (x if mask is None else x * mask[..., None]).sum(1)


class Judging(Masked):
    """Without a mask it does something that no mask says."""

    def forward(self, x, mask=None):
        return x.mean(1) + 7 if mask is None else super().forward(x, mask)


class Decoder(nn.Module):
    """Attention with a cache of keys, in the form that a cache has when it is taken apart."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)

    def forward(self, input_ids, attention_mask=None, past_key_values=None):
        new = self.embed(input_ids)[:, None]
        caches = []
        for layer in past_key_values or [{}]:
            key = torch.cat([layer["key"], new], 2) if layer else new
            weights = new @ key.mT
            if attention_mask is not None:
                weights = weights + (1.0 - attention_mask[:, None, None].float()) * -1e4
            new = weights.softmax(-1) @ key
            caches.append({"key": key})
        return new, caches


class Encoded(nn.Module):
    """Keeps what it computed of the context, as an encoder and decoder do."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(4, 4)

    def forward(self, x, context, cache):
        layer = cache[0]
        known = layer and layer["key"].shape[1]
        key = layer["key"] if known else self.project(context)
        return x @ key.mT, [{"key": key}]


def decoding(model, *, masked=True, steps=3):
    """A greedy loop: five tokens, then one at a time."""
    cache, length, calls = [{}, {}], 0, []
    for n in range(steps):
        ids = torch.randint(0, 20, (2, 1 if n else 5))
        length += ids.shape[1]
        given = {"input_ids": ids, "past_key_values": cache}
        if masked:
            given["attention_mask"] = torch.ones(2, length, dtype=torch.long)
        calls.append(call(model, number=n + 1, **given))
        cache = calls[-1].output[1]
    return calls


def x_and_mask(rows, length):
    return torch.randn(rows, length, 4), torch.ones(rows, length).tril()


def test_mask_that_was_absent_is_ones_where_ones_give_the_same():
    model = Masked()
    found = observed(model, calls_of(model, x_and_mask(3, 5), (torch.randn(2, 7, 4),), x_and_mask(4, 6)))
    assert [replay.number for replay in found.replays] == [1, 2, 3]
    assert shapes(found.replays[1].example) == {"x": (2, 7, 4), "mask": (2, 7)}
    assert found.said == ("Call 2 had no `mask`; all ones gives the same (run in PyTorch), so it is replayed so.",)
    assert found.left_out == ()
    assert found.groups == {"batch": (("x", 0), ("mask", 0)), "x_1": (("x", 1), ("mask", 1))}


def test_mask_of_a_single_call_shows_how_long_it_is_in_another():
    model = Masked()
    found = observed(model, calls_of(model, x_and_mask(3, 5), (torch.randn(2, 7, 4), None)))
    assert shapes(found.replays[1].example)["mask"] == (2, 7)
    assert found.groups["x_1"] == (("x", 1), ("mask", 1))


def test_mask_that_nothing_stands_for_leaves_the_call_out():
    model = Judging()
    found = observed(model, calls_of(model, x_and_mask(3, 5), (torch.randn(2, 7, 4),), (torch.randn(2, 8, 4), None)))
    assert [replay.number for replay in found.replays] == [1]
    assert found.groups == {}
    assert list(found.left_out) == [
        (
            "Calls 2 and 3 had no `mask`, which the file always takes, and neither ones nor zeros give the same, "
            "so they are left out."
        )
    ]


def test_call_without_values_is_taken_as_kept_ones_like_it():
    model = Masked()
    calls = [
        *calls_of(model, x_and_mask(3, 5), (torch.randn(2, 7, 4),)),
        call(model, torch.randn(6, 9, 4), number=3, kept=False, count=20),
    ]
    found = observed(model, calls)
    assert found.sizes == {"batch": (2, 3, 6), "x_1": (5, 7, 9)}
    assert found.groups["x_1"] == (("x", 1), ("mask", 1))
    assert found.left_out == ()


def test_call_without_values_and_without_a_mask_is_left_out():
    model = Masked()
    calls = [
        *calls_of(model, x_and_mask(3, 5)),
        call(model, torch.randn(6, 9, 4), number=2, kept=False, count=20),
    ]
    found = observed(model, calls)
    assert found.groups == {}
    assert list(found.left_out) == [
        (
            "20 calls that were not kept had no `mask`; without their values nothing could be tried for it, "
            "so they are left out."
        )
    ]


def test_cache_grows_from_empty_under_a_mask_of_the_whole_length():
    model = Decoder()
    found = observed(model, decoding(model))
    assert found.said == (
        "Call 1 had no `past_key_values`; length 0 gives the same (run in PyTorch), so it is replayed so.",
    )
    assert found.left_out == ()
    assert found.groups == {
        "sequence": (("input_ids", 1),),
        "total_sequence": (("attention_mask", 1),),
        "past_sequence": (("past_key_values.0.key", 2), ("past_key_values.1.key", 2)),
    }
    assert found.sums == {"total_sequence": ("past_sequence", "sequence")}
    assert found.sizes["past_sequence"] == (0, 5, 6)
    assert shapes(found.example)["past_key_values.0.key"] == (2, 1, 6, 8)
    assert [shapes(r.example)["past_key_values.1.key"][2] for r in found.replays] == [0, 5, 6]


def test_one_step_after_the_first_call_is_enough_to_see_the_cache_grow():
    model = Decoder()
    found = observed(model, decoding(model, steps=2))
    assert found.sizes == {"sequence": (1, 5), "total_sequence": (5, 6), "past_sequence": (0, 5)}
    assert found.sums == {"total_sequence": ("past_sequence", "sequence")}


def test_cache_without_a_mask():
    model = Decoder()
    found = observed(model, decoding(model, masked=False))
    assert list(found.groups) == ["sequence", "past_sequence"]
    assert len(found.replays) == 3


def test_first_call_alone_has_no_cache_as_an_input():
    model = Decoder()
    found = observed(model, decoding(model, steps=1))
    assert shapes(found.example) == {"input_ids": (2, 5), "attention_mask": (2, 5)}
    assert found.groups == {}
    assert found.said == found.left_out == ()


def test_call_that_computes_what_others_were_given_is_left_out():
    model, context, calls, cache = Encoded(), torch.randn(2, 5, 4), [], [{}]
    for n in range(3):
        calls.append(call(model, torch.randn(2, n + 1, 4), context, cache, number=n + 1))
        cache = calls[-1].output[1]
    found = observed(model, calls)
    assert [replay.number for replay in found.replays] == [2, 3]
    assert list(found.left_out) == [
        (
            "Call 1 had no `cache`, for which the model then computes something with weights that other calls do not "
            "use, so it is left out."
        )
    ]


def test_two_arguments_absent_at_once():
    class Both(Masked):
        def forward(self, x, mask=None, bias=None):
            y = super().forward(x, mask)
            return y if bias is None else y + bias

    model = Both()
    x, mask = x_and_mask(3, 5)
    found = observed(model, calls_of(model, (x, mask, torch.randn(3, 4)), (torch.randn(2, 6, 4),)))
    assert found.said == (
        "Call 2 had no `mask` and `bias`; all ones and all zeros give the same (run in PyTorch), so it is replayed so.",
    )
    assert shapes(found.replays[1].example) == {"x": (2, 6, 4), "mask": (2, 6), "bias": (2, 4)}


def test_none_and_nothing_are_the_same_where_the_default_is_none():
    model = Masked()
    found = observed(model, calls_of(model, (torch.randn(3, 5, 4),), (torch.randn(2, 5, 4), None)))
    assert len(found.replays) == 2
    assert found.said == found.left_out == ()
    assert list(found.groups) == ["batch"]
