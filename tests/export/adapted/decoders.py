"""Tiny models of transformers that keep keys and values, and caches filled as ``generate`` fills them."""

from __future__ import annotations

import numpy as np
import torch
import transformers as hf
from torch.utils import _pytree as pytree

LAYERS = 2


def llama():
    torch.manual_seed(0)
    config = hf.LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
    )
    return hf.LlamaForCausalLM(config).eval()


def mistral():
    """Attention looks back over a window of five positions."""
    torch.manual_seed(0)
    config = hf.MistralConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=32,
        sliding_window=5,
    )
    return hf.MistralForCausalLM(config).eval()


def gpt2():
    torch.manual_seed(0)
    config = hf.GPT2Config(
        vocab_size=50, n_embd=16, n_layer=LAYERS, n_head=2, n_positions=32, bos_token_id=1, eos_token_id=2
    )
    return hf.GPT2LMHeadModel(config).eval()


def t5():
    torch.manual_seed(0)
    config = hf.T5Config(
        vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=LAYERS, num_heads=2, decoder_start_token_id=0
    )
    return hf.T5ForConditionalGeneration(config).eval()


def tokens(batch, length, seed=0):
    return torch.randint(3, 50, (batch, length), generator=torch.Generator().manual_seed(seed))


def filled(model, batch, length, cache=None, seed=1):
    """Return a cache with `length` positions, of keys and values that the model itself made."""
    cache = hf.DynamicCache() if cache is None else cache
    with torch.no_grad():
        model(tokens(batch, max(length, 1), seed), past_key_values=cache)
    if not length:
        for layer in cache.layers:
            layer.keys, layer.values = layer.keys[:, :, :0], layer.values[:, :, :0]
    return cache


def held(cache):
    """Return a cache's tensors in the order in which a file has them."""
    return [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]


def every_layer(form, **axes):
    """Return `axes` for every key and value of a cache, ``form`` being the path of one layer."""
    wanted = {int(axis.removeprefix("axis")): name for axis, name in axes.items()}
    return {f"{form.format(n)}['{part}']": wanted for n in range(LAYERS) for part in ("key", "value")}


def as_fed(session, tensors):
    names = [value.name for value in session.get_inputs()]
    return dict(zip(names, [t.numpy() for t in tensors], strict=True))


def largest_difference(got, expected):
    assert [g.shape for g in got] == [tuple(e.shape) for e in expected]
    return max(float(np.abs(g - e.numpy()).max()) for g, e in zip(got, expected, strict=True))


def tensors_of(value):
    return [leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, torch.Tensor)]
