"""The axes the user asked for, checked against the call before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

from onnxmagic.errors import UsageMistake
from onnxmagic.export.example import Example, Leaf, identifier
from onnxmagic.export.request import Request, did_you_mean

__all__ = ["asked_groups"]

Place = tuple[str, int]


def asked_groups(example: Example, request: Request) -> dict[str, tuple[Place, ...]]:
    """Return the asked-for places, (input name, axis), by axis name; places of one name vary together.

    Raises
    ------
    UsageMistake
        No tensor of the call has that name or axis, or one name is given to different sizes.
    """
    groups: dict[str, tuple[Place, ...]] = {}
    for argument, axes in (request.axes or {}).items():
        leaves = _meant(example, argument)
        for axis, name in axes.items():
            for leaf in leaves:
                if not -leaf.value.ndim <= axis < leaf.value.ndim:
                    shape = list(leaf.value.shape)
                    raise UsageMistake(f"dynamic asks for axis {axis} of {leaf.path}, which has shape {shape}.")
                index = axis % leaf.value.ndim
                stem = identifier((len(leaves) == 1 and leaf.name) or argument)
                key = name or ("batch" if index == 0 else f"{stem}_{index}")
                groups[key] = (*groups.get(key, ()), (leaf.name or "", index))
    _check_same_size(example, groups)
    return groups


def _meant(example: Example, argument: str) -> list[Leaf]:
    """Return the tensor of that name, or all those inside the container of that name: every layer of a cache."""
    exact = [leaf for leaf in example.tensors if argument in (leaf.path, leaf.name)][:1]
    inside = [leaf for leaf in example.tensors if leaf.path.startswith(f"{argument}[")]
    if not exact and not inside:
        known = [leaf.path for leaf in example.tensors]
        hint = did_you_mean(argument, known)
        raise UsageMistake(f"dynamic names {argument!r}; the tensors of the call are {', '.join(known)}.{hint}")
    return exact or inside


def _check_same_size(example: Example, groups: Mapping[str, tuple[Place, ...]]) -> None:
    by_name = {leaf.name: leaf.value for leaf in example.tensors}
    for key, places in groups.items():
        sizes = {f"{name}:{axis}": by_name[name].shape[axis] for name, axis in places}
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{place} is {size}" for place, size in sizes.items())
            raise UsageMistake(f"dynamic gives one name, {key!r}, to axes of different sizes ({said}); use two names.")
