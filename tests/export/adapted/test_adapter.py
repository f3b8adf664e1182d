"""A model whose caches are plain containers for a while."""

from __future__ import annotations

import contextlib
import copy
import inspect

import pytest
import torch
from decoders import filled, held, llama, mistral, tensors_of, tokens
from models import Tiny
from transformers import DynamicCache, StaticCache

from onnxmagic.errors import UsageMistake
from onnxmagic.export.adapted.adapter import adapted


def call_of(model, batch=2, past=3, length=2):
    return (), {"input_ids": tokens(batch, length), "past_key_values": filled(model, batch, past)}


def test_a_model_without_caches_is_not_touched():
    model, args = Tiny(), (torch.ones(1, 1, 8, 8),)
    before = dict(vars(model))
    with adapted(model, [(args, {})]) as adapter:
        assert vars(model) == before
        assert adapter.plain_call(args, {}) == (args, {})


def test_the_plain_call_gives_what_the_models_own_gives():
    model = llama()
    args, kwargs = call_of(model)
    with torch.no_grad():
        expected = model(**{**kwargs, "past_key_values": copy.deepcopy(kwargs["past_key_values"])})
        with adapted(model, [(args, kwargs)]) as adapter:
            plain_args, plain = adapter.plain_call(args, kwargs)
            output = model(*plain_args, **plain)
            again = adapter.plain_output(expected)
    assert [list(layer) for layer in output["past_key_values"]] == [["key", "value"]] * 2
    assert all(torch.equal(a, b) for a, b in zip(tensors_of(output), tensors_of(again), strict=True))
    assert output["past_key_values"][0]["key"].shape[2] == 5


def test_other_sizes_and_a_past_of_nothing_are_taken_too():
    model = llama()
    args, kwargs = call_of(model)
    ids = tokens(1, 4, seed=3)
    with torch.no_grad():
        alone = model(ids, use_cache=False).logits
        with adapted(model, [(args, kwargs)]):
            nothing = [{"key": torch.zeros(1, 2, 0, 4), "value": torch.zeros(1, 2, 0, 4)} for _ in range(2)]
            for past in (nothing, [{}, {}], []):
                assert torch.allclose(model(ids, past_key_values=past).logits, alone, atol=1e-6)


def test_a_cache_given_by_position_is_found_by_name():
    model = llama()
    cache = filled(model, 1, 3)
    with adapted(model, [((tokens(1, 1), None, None, cache), {})]) as adapter, torch.no_grad():
        by_position, _ = adapter.plain_call((tokens(1, 1), None, None, cache), {})
        assert model(*by_position).past_key_values[0]["key"].shape[2] == 4
        assert model(tokens(1, 1), past_key_values=by_position[3]).past_key_values[0]["key"].shape[2] == 4


def test_the_users_cache_never_grows():
    model = llama()
    args, kwargs = call_of(model)
    before = held(kwargs["past_key_values"])
    values = [tensor.clone() for tensor in before]
    with adapted(model, [(args, kwargs)]) as adapter, torch.no_grad():
        _, plain = adapter.plain_call(args, kwargs)
        model(**plain)
    after = held(kwargs["past_key_values"])
    assert all(a is b and torch.equal(a, value) for a, b, value in zip(after, before, values, strict=True))


def test_the_signature_stays_the_models_own():
    model = llama()
    before = inspect.signature(model.forward)
    with adapted(model, [call_of(model)]):
        assert "forward" in vars(model)
        assert inspect.signature(model.forward) == before


def test_a_copy_made_meanwhile_runs_on_its_own_weights():
    model = llama()
    args, kwargs = call_of(model)
    with adapted(model, [(args, kwargs)]) as adapter, torch.no_grad():
        _, plain = adapter.plain_call(args, kwargs)
        twin = copy.deepcopy(model)
        for parameter in twin.parameters():
            parameter.zero_()
        assert not model(**plain).logits.eq(0).all()
        assert twin(**plain).logits.eq(0).all()


@pytest.mark.parametrize("own", [False, True])
def test_the_model_is_as_before_after_an_error_too(own):
    model = llama()
    if own:
        model.forward = model.forward
    before = dict(vars(model))
    with contextlib.suppress(KeyboardInterrupt), adapted(model, [call_of(model)]):
        assert vars(model) != before
        raise KeyboardInterrupt
    assert vars(model) == before
    assert list(vars(model)) == list(before)


def test_a_forward_that_the_user_put_there_is_the_one_that_runs():
    model = llama()
    args, kwargs = call_of(model)
    own = model.forward

    def doubled(input_ids, past_key_values):
        return torch.add(own(input_ids, past_key_values=past_key_values).logits, 1)

    model.forward = doubled
    with torch.no_grad():
        expected = model(kwargs["input_ids"], copy.deepcopy(kwargs["past_key_values"]))
        with adapted(model, [(args, kwargs)]) as adapter:
            assert torch.equal(model(**adapter.plain_call(args, kwargs)[1]), expected)
    assert model.forward is doubled


def test_another_kind_of_cache_is_named_by_its_argument():
    model = llama()
    kwargs = {"input_ids": tokens(1, 1), "past_key_values": StaticCache(config=model.config, max_cache_len=8)}
    with pytest.raises(UsageMistake, match="`past_key_values` is a StaticCache"), adapted(model, [((), kwargs)]):
        pass
    assert "forward" not in vars(model)


def test_a_recorded_cache_that_was_cut_to_its_window_is_no_reference():
    model = mistral()
    empty = DynamicCache(config=model.config)
    with adapted(model, [((tokens(1, 7),), {"past_key_values": empty})]) as adapter:
        pass
    with torch.no_grad():
        recorded = model(tokens(1, 7), past_key_values=empty)
    with pytest.raises(UsageMistake, match="has dropped all but the last 4 positions"):
        adapter.plain_output(recorded)
