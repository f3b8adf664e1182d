"""Other tensors of the same kind: another size along an axis, fresh values.

Fresh values stay inside the example's own range, because outside it the model may have no meaning: an id beyond the
vocabulary, a negative length, a pixel of 1000. Two-valued tensors are masks more often than data, so they keep their
values; a random mask would hide whole rows, which is another question.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from onnxmagic.export.example import Example

__all__ = ["fresh_values", "resize", "resized"]

Places = Mapping[tuple[str, int], int]
"""(input name, axis) to size."""


def resize(tensor: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """Return `tensor` cut or repeated along `axis` to `size`."""
    now = tensor.shape[axis]
    if now in (size, 0):
        return tensor
    copies = -(-size // now)
    return torch.cat([tensor] * copies, axis).narrow(axis, 0, size).contiguous()


def resized(example: Example, places: Places) -> Example:
    """Return `example` with its tensors at other sizes."""
    tensors: list[torch.Tensor] = []
    for leaf in example.tensors:
        tensor = leaf.value
        for (name, axis), size in places.items():
            if name == leaf.name:
                tensor = resize(tensor, axis, size)
        tensors.append(tensor)
    return example.with_tensors(tensors)


def fresh_values(example: Example, seed: int) -> Example:
    """Return `example` with fresh values of the same dtype, in the range of the example's own.

    The generator is its own, so nobody's random state moves.
    """
    generator = torch.Generator().manual_seed(seed)
    return example.with_tensors([_fresh(leaf.value, generator) for leaf in example.tensors])


def _fresh(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    values = tensor.detach().reshape(-1)
    if values.numel() == 0 or tensor.dtype is torch.bool or tensor.is_complex() or tensor.is_quantized:
        return tensor
    values = values.cpu()
    low, high = values.min(), values.max()
    if low != high and bool(((values == low) | (values == high)).all()):
        return tensor
    if not tensor.is_floating_point():
        return _draw(values, tensor.numel(), generator).reshape(tensor.shape).to(tensor.device)
    finite = values[values.isfinite()].float()
    if finite.numel() == 0:
        return tensor
    if finite.min() == finite.max():
        # A constant example has no range; unit normal values around it are what its author most likely stands in for.
        fresh = torch.randn(tensor.numel(), generator=generator)
    else:
        a, b = _draw(finite, tensor.numel(), generator), _draw(finite, tensor.numel(), generator)
        # Between two of the example's values: in its range, and without ties, which top-k and argmax may break anyhow.
        fresh = a + (b - a) * torch.rand(tensor.numel(), generator=generator) * 0.5
    return fresh.to(tensor.dtype).reshape(tensor.shape).to(tensor.device)


def _draw(values: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    return values[torch.randint(0, values.numel(), (count,), generator=generator)]
