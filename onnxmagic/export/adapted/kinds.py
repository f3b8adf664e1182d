"""The key-value caches of transformers, taken apart into lists of dicts of tensors, and put together again.

torch's exporter has no way to take them apart: the call fails, or the cache becomes a constant. The plain form is what
other exporters have made the custom of the field: a layer is ``{"key": tensor, "value": tensor}``.

transformers is not a dependency. Whoever holds such a cache has loaded it, so its classes are looked up among the
modules that are loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from onnxmagic.errors import UsageMistake

__all__ = ["Parts", "is_cache", "looks_plain", "take_apart"]

_INSTEAD = "pass past_key_values=DynamicCache(), and to generate() no cache_implementation"


@dataclass(frozen=True, slots=True)
class Parts:
    """A cache without its class.

    Attributes
    ----------
    plain : list of dict
        Its tensors, a dict for each layer; a layer that holds nothing yet is ``{}``.
    build : callable
        Makes a new cache of the same class from such a list, of any sizes; layers without tensors are empty again.
    """

    plain: list[Any]
    build: Callable[[Any], Any]


def take_apart(value: Any, path: str = "past_key_values", *, whole: bool = True) -> Parts | None:
    """Return the parts of a key-value cache; None for anything else.

    Parameters
    ----------
    value : object
    path : str
        How a person writes the argument, for the message.
    whole : bool
        Refuse a layer that has forgotten positions before its sliding window: what it holds no longer says how many.

    Raises
    ------
    UsageMistake
        It is a cache of another kind; with what to pass instead.
    """
    if not is_cache(value):
        return None
    kind = type(value).__name__ if _is_own(value) else ""
    if kind == "DynamicCache":
        return Parts(_layers(value, path, whole=whole), _dynamic)
    if kind == "EncoderDecoderCache":
        own = take_apart(value.self_attention_cache, path, whole=whole)
        cross = take_apart(value.cross_attention_cache, path, whole=whole)
        if own is not None and cross is not None:
            return Parts(_joined(own.plain, cross.plain), _encoder_decoder)
    raise UsageMistake(
        f"`{path}` is a {type(value).__name__}, whose state a graph cannot take as inputs; a DynamicCache is what it "
        f"can take: {_INSTEAD}."
    )


def is_cache(value: Any) -> bool:
    """Return whether `value` is any cache of transformers."""
    return isinstance(value, getattr(_classes(), "Cache", ()))


def looks_plain(value: Any) -> bool:
    """Return whether `value` has the form of ``Parts.plain``."""
    return isinstance(value, list) and all(_is_layer(item) for item in value)  # pyright: ignore[reportUnknownVariableType]  # a list of anything


def _is_layer(item: Any) -> bool:
    return isinstance(item, dict) and all(name in ("key", "value", "decoder", "encoder") for name in item)  # pyright: ignore[reportUnknownVariableType]  # a dict of anything


def _is_own(value: Any) -> bool:
    return type(value).__module__ == "transformers.cache_utils"


def _classes() -> Any:
    return sys.modules.get("transformers.cache_utils")


def _layers(cache: Any, path: str, *, whole: bool) -> list[dict[str, torch.Tensor]]:
    if getattr(cache, "offloading", False):
        raise UsageMistake(f"`{path}` is a cache that moves its layers between devices; pass one without offloading.")
    return [_layer(layer, f"{path}.layers[{n}]", whole=whole) for n, layer in enumerate(cache.layers)]


def _layer(layer: Any, path: str, *, whole: bool) -> dict[str, torch.Tensor]:
    kind = type(layer).__name__
    if kind not in ("DynamicLayer", "DynamicSlidingWindowLayer") or not _is_own(layer):
        raise UsageMistake(
            f"`{path}` is a {kind}, which keeps more than keys and values, or keeps them in another form; layers of a "
            f"DynamicCache() are what a graph can take. Where the model works with that, {_INSTEAD}."
        )
    if not layer.is_initialized:
        return {}
    if whole and kind == "DynamicSlidingWindowLayer" and layer.keys.shape[-2] != layer.cumulative_length:
        raise UsageMistake(
            f"`{path}` has dropped all but the last {layer.sliding_window - 1} positions, the model's sliding window, "
            "and a graph cannot tell how many there were. Pass past_key_values=DynamicCache(), without a config: it "
            "keeps every position, and the model looks at those of its window."
        )
    return {"key": layer.keys, "value": layer.values}


def _joined(own: list[Any], cross: list[Any]) -> list[dict[str, Any]]:
    """Pair the layers of two caches; before the first run one of them may have none yet."""
    count = max(len(own), len(cross))
    own, cross = [[*layers, *({} for _ in range(count - len(layers)))] for layers in (own, cross)]
    return [{"decoder": a, "encoder": b} for a, b in zip(own, cross, strict=True)]


def _dynamic(plain: list[dict[str, torch.Tensor]]) -> Any:
    """Return a cache that keeps every position; a mask, not the cache, is what limits a window of attention then."""
    cache = _classes().DynamicCache()
    cache.layers = [_filled(layer) for layer in plain]
    return cache


def _filled(tensors: dict[str, torch.Tensor]) -> Any:
    layer = _classes().DynamicLayer()
    if tensors:
        layer.keys, layer.values = tensors["key"], tensors["value"]
        layer.dtype, layer.device = layer.keys.dtype, layer.keys.device
        layer.is_initialized = True
    return layer


def _encoder_decoder(plain: list[dict[str, dict[str, torch.Tensor]]]) -> Any:
    own = _dynamic([layer.get("decoder", {}) for layer in plain])
    return _classes().EncoderDecoderCache(own, _dynamic([layer.get("encoder", {}) for layer in plain]))
