"""Caches of transformers taken apart, and put together again."""

from __future__ import annotations

import pytest
import torch
from decoders import filled, held, llama, mistral
from transformers import DynamicCache, EncoderDecoderCache, StaticCache

from onnxmagic.errors import UsageMistake
from onnxmagic.export.adapted.kinds import take_apart


def some(length=3):
    return torch.randn(2, 4, length, 8)


def test_what_is_no_cache_is_left_alone():
    for value in (torch.ones(1), [{"key": torch.ones(1)}], None, "past", {}):
        assert take_apart(value) is None


def test_a_cache_is_a_dict_of_its_own_tensors_for_each_layer():
    cache = filled(llama(), 2, 3)
    parts = take_apart(cache)
    assert [list(layer) for layer in parts.plain] == [["key", "value"], ["key", "value"]]
    assert all(a is b for a, b in zip(held(cache), [t for layer in parts.plain for t in layer.values()], strict=True))


def test_it_is_built_anew_at_any_length():
    parts = take_apart(filled(llama(), 2, 3))
    for length in (0, 5):
        plain = [{"key": some(length), "value": some(length)} for _ in range(2)]
        cache = parts.build(plain)
        assert type(cache) is DynamicCache
        assert cache.get_seq_length() == length
        cache.update(some(1), some(1), 0)
        assert cache.get_seq_length() == length + 1
        assert plain[0]["key"].shape[2] == length


def test_layers_that_hold_nothing_yet_are_kept_as_such():
    empty = take_apart(DynamicCache(config=llama().config))
    assert empty.plain == [{}, {}]
    built = empty.build(empty.plain)
    assert [layer.is_initialized for layer in built.layers] == [False, False]
    none = take_apart(DynamicCache())
    assert none.plain == []
    built = none.build([])
    built.update(some(), some(), 1)
    assert len(built) == 2


def test_encoder_and_decoder_are_told_apart():
    own, cross = DynamicCache([(some(), some())] * 2), DynamicCache([(some(6), some(6))] * 2)
    parts = take_apart(EncoderDecoderCache(own, cross))
    assert [{side: list(tensors) for side, tensors in layer.items()} for layer in parts.plain] == [
        {"decoder": ["key", "value"], "encoder": ["key", "value"]}
    ] * 2
    built = parts.build(parts.plain)
    assert built.is_updated == {0: True, 1: True}
    assert built.get_seq_length() == 3
    assert built.cross_attention_cache.get_seq_length() == 6


def test_before_the_first_step_the_encoders_keys_count_as_missing():
    parts = take_apart(EncoderDecoderCache(DynamicCache(config=llama().config), DynamicCache()))
    assert parts.plain == [{"decoder": {}, "encoder": {}}] * 2
    assert not any(parts.build(parts.plain).is_updated.values())


def test_a_window_that_forgot_nothing_yet_becomes_one_that_keeps_everything():
    model = mistral()
    parts = take_apart(filled(model, 1, 4, DynamicCache(config=model.config)))
    assert parts.build(parts.plain).is_sliding == [False, False]


def test_a_window_that_has_forgotten_is_refused():
    model = mistral()
    cut = filled(model, 1, 9, DynamicCache(config=model.config))
    with pytest.raises(UsageMistake, match=r"`past.layers\[0\]` has dropped all but the last 4 .*DynamicCache\(\)"):
        take_apart(cut, "past")
    assert len(take_apart(cut, "past", whole=False).plain) == 2


def test_other_caches_are_refused_with_what_to_pass_instead():
    static = StaticCache(config=llama().config, max_cache_len=8)
    with pytest.raises(UsageMistake, match=r"`cache` is a StaticCache.*past_key_values=DynamicCache\(\)"):
        take_apart(static, "cache")
    with pytest.raises(UsageMistake, match="is a StaticCache"):
        take_apart(EncoderDecoderCache(DynamicCache(), static))

    class Own(DynamicCache):
        pass

    with pytest.raises(UsageMistake, match="is a Own"):
        take_apart(Own())
