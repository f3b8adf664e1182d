"""Decoders with a cache, exported from one call: the file steps on from any past."""

from __future__ import annotations

import copy
from functools import cache

import onnxruntime as ort
import pytest
import torch
from decoders import as_fed, every_layer, filled, gpt2, held, largest_difference, llama, mistral, t5, tensors_of, tokens
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

import onnxmagic

MODELS = {"llama": llama, "gpt2": gpt2, "mistral": mistral}


@cache
def exported(name):
    """Return the model, its export and a session; a window that forgot nothing is exported as Mistral's own cache."""
    model = MODELS[name]()
    past = filled(model, 2, 3, DynamicCache(config=model.config))
    before = held(past)
    values = [tensor.clone() for tensor in before]
    dynamic = {"input_ids": {1: "sequence"}, "past_key_values": {2: "past"}}
    export = onnxmagic.export(model, (), {"input_ids": tokens(2, 2), "past_key_values": past}, dynamic=dynamic)
    unchanged = all(a is b and torch.equal(a, v) for a, b, v in zip(held(past), before, values, strict=True))
    return model, export, ort.InferenceSession(export.model_proto().SerializeToString()), unchanged


@pytest.mark.parametrize("name", MODELS)
def test_the_export_is_proved_and_harmless(name):
    model, export, _, unchanged = exported(name)
    assert export.ok
    assert {(axis.name, axis.status) for axis in export.axes} == {
        (each, "proved") for each in ("batch", "past", "sequence")
    }
    assert unchanged
    assert "forward" not in vars(model)


@pytest.mark.parametrize("name", MODELS)
def test_inputs_and_outputs_have_the_names_of_the_field(name):
    _, export, _, _ = exported(name)
    layers = [f"{n}.{part}" for n in range(2) for part in ("key", "value")]
    assert [value.name for value in export.graph.inputs] == [
        "input_ids",
        *(f"past_key_values.{each}" for each in layers),
    ]
    assert [value.name for value in export.graph.outputs] == ["logits", *(f"present.{each}" for each in layers)]


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("past", [0, 4, 7])
@pytest.mark.parametrize("name", MODELS)
def test_the_file_goes_on_from_any_past(name, past, batch):
    model, _, session, _ = exported(name)
    ids, kept = tokens(batch, 3, seed=5), filled(model, batch, past)
    got = session.run(None, as_fed(session, [ids, *held(kept)]))
    with torch.no_grad():
        output = model(ids, past_key_values=kept)
    assert largest_difference(got, [output.logits, *held(output.past_key_values)]) < 1e-5


def test_beyond_its_window_the_file_answers_as_the_models_own_cache():
    model, _, session, _ = exported("mistral")
    ids = tokens(1, 9, seed=1)
    own = filled(model, 1, 9, DynamicCache(config=model.config), seed=1)
    with torch.no_grad():
        expected = model(ids[:, :1], past_key_values=own).logits
    got = session.run(["logits"], as_fed(session, [ids[:, :1], *held(filled(model, 1, 9, seed=1))]))
    assert largest_difference(got, [expected]) < 1e-5


def test_a_cache_that_holds_nothing_yet_exports_the_first_step():
    model = llama()
    empty = DynamicCache(config=model.config)
    export = onnxmagic.export(model, (tokens(2, 3),), {"past_key_values": empty})
    assert [value.name for value in export.graph.inputs] == ["input_ids"]
    assert [value.name for value in export.graph.outputs][:2] == ["logits", "present.0.key"]
    assert export.ok
    assert not any(layer.is_initialized for layer in empty.layers)


def test_a_model_that_only_returns_a_cache_gives_it_as_outputs():
    model = gpt2()
    export = onnxmagic.export(model, (tokens(2, 3),), dynamic={"input_ids": {1: "sequence"}})
    assert [value.name for value in export.graph.outputs][1:3] == ["present.0.key", "present.0.value"]
    assert export.ok
    session = ort.InferenceSession(export.model_proto().SerializeToString())
    with torch.no_grad():
        output = model(tokens(1, 6))
    got = session.run(None, {"input_ids": tokens(1, 6).numpy()})
    assert largest_difference(got, [output.logits, *held(output.past_key_values)]) < 1e-5


def step_of(model, batch, source, past):
    """Return the call of a decoder's step: the encoder's answer, its keys in the cache, and a token."""
    kept = EncoderDecoderCache(DynamicCache(), DynamicCache())
    with torch.no_grad():
        encoded = BaseModelOutput(model.encoder(tokens(batch, source)).last_hidden_state)
        model(encoder_outputs=encoded, decoder_input_ids=tokens(batch, past, seed=2), past_key_values=kept)
    return {"encoder_outputs": encoded, "decoder_input_ids": tokens(batch, 1, seed=3), "past_key_values": kept}


def test_a_step_of_an_encoder_decoder():
    model = t5()
    dynamic = {
        "encoder_outputs['last_hidden_state']": {1: "source"},
        **every_layer("past_key_values[{}]['decoder']", axis2="past"),
        **every_layer("past_key_values[{}]['encoder']", axis2="source"),
    }
    export = onnxmagic.export(model, (), step_of(model, 2, 6, 4), dynamic=dynamic)
    assert export.ok
    assert {axis.status for axis in export.axes} == {"proved"}
    names = [value.name for value in export.graph.inputs]
    assert "past_key_values.0.decoder.key" in names
    assert "past_key_values.1.encoder.value" in names
    session = ort.InferenceSession(export.model_proto().SerializeToString())
    call = step_of(model, 1, 9, 7)
    kept = call["past_key_values"]
    pairs = zip(kept.self_attention_cache.layers, kept.cross_attention_cache.layers, strict=True)
    layers = [t for own, cross in pairs for t in (own.keys, own.values, cross.keys, cross.values)]
    tensors = [call["decoder_input_ids"], call["encoder_outputs"].last_hidden_state, *layers]
    got = session.run(["logits"], as_fed(session, tensors))
    with torch.no_grad():
        expected = model(**copy.deepcopy(call)).logits
    assert largest_difference(got, [expected]) < 1e-5
    assert len(tensors_of(tensors)) == len(names)
