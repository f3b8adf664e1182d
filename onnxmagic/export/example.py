"""The example call: a module and its arguments, taken apart into leaves and put together again.

Every later stage changes tensors of the example (another batch size, fresh values, float64) and calls the model again.
So the arguments are kept as pytree leaves with the path a person would write, ``batch['mask']``, and the name the graph
input gets, ``batch_mask``.
"""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from onnxmagic.check.evidence import Argument
from onnxmagic.errors import UsageMistake
from onnxmagic.export.request import did_you_mean
from onnxmagic.export.unwrapped import unwrapped

__all__ = ["Example", "Leaf", "call_path", "graph_name", "human_path", "identifier", "unique"]

BAKED = (int, float, complex, bool, str, type(None), torch.dtype, torch.device, torch.memory_format, torch.layout)
"""Leaves that torch.export fixes in the graph; anything else that is no tensor it refuses."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the arguments: a tensor, or a value that is fixed in the graph.

    ``path`` is how a person writes it; ``name`` the graph input's name, None for what is no tensor.
    """

    path: str
    name: str | None
    value: Any


@dataclass(frozen=True)
class Example:
    """A module and the call that shows how it is used.

    ``args`` and ``kwargs`` are in the order of forward's parameters. ``wrappers`` are the classes that were taken off
    around the model; ``asked_names`` are the input names that were asked for, with the path of the tensor each stands
    for in the call as it was written.
    """

    model: torch.nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    leaves: tuple[Leaf, ...]
    structure: pytree.TreeSpec
    wrappers: tuple[str, ...] = ()
    asked_names: tuple[tuple[str, str], ...] = ()

    @classmethod
    def make(cls, model: Any, args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str] = ()) -> Example:
        """Return the example for ``model(*args, **kwargs)``, wrappers around the model removed.

        Raises
        ------
        UsageMistake
            It is no module, its arguments do not fit ``forward``, or one of them cannot go into a graph.
        """
        module, wrappers = unwrapped(model)
        _check_weights(module)
        _check_arguments_type(args)
        signature = inspect.signature(module.forward)
        written = list(kwargs)
        args, kwargs = tuple(args), _in_order_of(signature, kwargs)
        _check_fit(signature, args, kwargs, module)
        keyed, structure = pytree.tree_flatten_with_path((args, kwargs))
        leaves = [_leaf(keys, value, signature) for keys, value in keyed]
        _check_tensors(leaves, names)
        in_call = sorted(range(len(keyed)), key=lambda n: _place_in_call(keyed[n][0], written))
        pairs = _asked_names([leaves[n] for n in in_call], names)
        return cls(module, args, kwargs, _named(leaves, dict(pairs)), structure, wrappers, pairs)

    @property
    def tensors(self) -> tuple[Leaf, ...]:
        """The leaves that are tensors: the graph's inputs, in its order."""
        return tuple(leaf for leaf in self.leaves if leaf.name is not None)

    def with_tensors(self, tensors: Sequence[torch.Tensor]) -> Example:
        """Return this example with other tensors, given in the order of ``tensors``."""
        fresh = iter(tensors)
        leaves = tuple(replace(leaf, value=next(fresh)) if leaf.name is not None else leaf for leaf in self.leaves)
        args, kwargs = self.call_with(tensors)
        return replace(self, args=args, kwargs=kwargs, leaves=leaves)

    def call_with(self, tensors: Sequence[torch.Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of the call with other tensors, given in the order of ``tensors``."""
        fresh = iter(tensors)
        values = [next(fresh) if leaf.name is not None else leaf.value for leaf in self.leaves]
        return pytree.tree_unflatten(values, self.structure)

    def dynamic_shapes(self, places: Mapping[tuple[str, int], Any]) -> dict[str, Any]:
        """Return ``dynamic_shapes`` for torch, by forward's parameters, with the given (input name, axis) places."""
        bound = inspect.signature(self.model.forward).bind(*self.args, **self.kwargs).arguments
        names = iter(self.leaves)
        # Python binds in the order of the signature, pytree flattens args before kwargs: the same order, as
        # kwargs were put in the signature's order when the example was made.
        return {parameter: _spec(value, names, places) for parameter, value in bound.items()}

    def evidence(self) -> tuple[Argument, ...]:
        """Return the leaves for the rules."""
        return tuple(Argument(leaf.path, leaf.name, leaf.value) for leaf in self.leaves)


def identifier(text: str) -> str:
    """Return `text` as a name that every runtime accepts: letters, digits and underscores."""
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")
    return f"_{name}" if not name or name[0].isdigit() else name


def unique(names: Sequence[str], taken: Sequence[str] = ()) -> tuple[str, ...]:
    """Return `names` made unique: ``_out`` where one is among the inputs' names `taken`, numbers among themselves."""
    seen, result = set(taken), list[str]()
    for name in names:
        base = f"{name}_out" if name in taken else name
        fresh, count = base, 1
        while fresh in seen:
            count += 1
            fresh = f"{base}_{count}"
        seen.add(fresh)
        result.append(fresh)
    return tuple(result)


def human_path(root: str, keys: Sequence[Any]) -> str:
    """Return a pytree path as a person writes it: ``batch['mask'][0]``."""
    return root + "".join(str(key) for key in keys)


def call_path(keys: Sequence[Any], signature: inspect.Signature) -> str:
    """Return the path of a leaf of ``(args, kwargs)``, with the name of its parameter."""
    in_kwargs, first = keys[0].idx == 1, keys[1]
    root = str(first.key) if in_kwargs else _positional_name(first.idx, signature)
    return human_path(root, keys[2:])


def graph_name(path: str) -> str:
    """Return the name in the graph for the tensor at `path`.

    A key-value cache has the names that other exporters gave it, ``past_key_values.0.key``: who runs decoders looks for
    these.
    """
    layer = re.fullmatch(r"(.*)\[(\d+)\](?:\['(decoder|encoder)'\])?\['(key|value)'\]", path)
    if layer is None:
        return identifier(path)
    return ".".join(part for part in (identifier(layer[1]), *layer.groups()[1:]) if part)


def _check_weights(model: torch.nn.Module) -> None:
    for name, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise UsageMistake(
                f"`{name}` is a ScriptModule; put the module it was scripted or traced from in its place."
            )
    for name, parameter in model.named_parameters():
        if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
            raise UsageMistake(f"`{name}` has no weights yet, as the model never ran; call it once before the export.")
        if parameter.is_meta:
            raise UsageMistake(f"`{name}` is on the meta device, where weights have no values; load them first.")


def _check_arguments_type(args: Any) -> None:
    if isinstance(args, (torch.Tensor, str)) or not isinstance(args, Sequence):
        raise UsageMistake(f"args is a {type(args).__name__}; it must be a tuple of the arguments, for example (x,).")


def _in_order_of(signature: inspect.Signature, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    order = {name: position for position, name in enumerate(signature.parameters)}
    return dict(sorted(kwargs.items(), key=lambda item: order.get(item[0], len(order))))


def _check_fit(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any], model: torch.nn.Module
) -> None:
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        unknown = next((k for k in kwargs if k not in signature.parameters), "")
        hint = did_you_mean(unknown, list(signature.parameters)) if unknown else ""
        call = f"{type(model).__name__}.forward{signature}"
        raise UsageMistake(f"The arguments do not fit {call}: {error}.{hint}") from None


def _leaf(keys: Sequence[Any], value: Any, signature: inspect.Signature) -> Leaf:
    path = call_path(keys, signature)
    _check_leaf(path, value)
    return Leaf(path, graph_name(path) if isinstance(value, torch.Tensor) else None, value)


def _positional_name(position: int, signature: inspect.Signature) -> str:
    parameters = list(signature.parameters.values())
    for index, parameter in enumerate(parameters):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            return f"{parameter.name}[{position - index}]"
        if index == position:
            return parameter.name
    return f"arg{position}"


def _check_leaf(path: str, value: Any) -> None:
    if isinstance(value, torch.Tensor):
        if value.layout is not torch.strided:
            raise UsageMistake(f"`{path}` is a sparse tensor, which a graph cannot take; pass `{path}.to_dense()`.")
        return
    if type(value).__module__ == "numpy":
        raise UsageMistake(f"`{path}` is a numpy {type(value).__name__}; pass torch.as_tensor({path}).")
    if not isinstance(value, BAKED):
        kind = type(value).__name__
        raise UsageMistake(
            f"`{path}` is a {kind}, which torch cannot take apart into tensors. For a dataclass call "
            f"torch.export.register_dataclass({kind}) once; otherwise pass its tensors as a tuple or dict."
        )


def _check_tensors(leaves: Sequence[Leaf], names: Sequence[str]) -> None:
    tensors = [leaf for leaf in leaves if leaf.name is not None]
    if not tensors:
        raise UsageMistake("The call has no tensor among its arguments, so the graph would have no input.")
    if all(leaf.value.numel() == 0 for leaf in tensors):
        shapes = ", ".join(f"{leaf.path} {list(leaf.value.shape)}" for leaf in tensors)
        raise UsageMistake(f"The example is empty ({shapes}); an export needs at least one row to compare.")
    if names and len(names) != len(tensors):
        paths = ", ".join(leaf.path for leaf in tensors)
        raise UsageMistake(f"{len(names)} input names for {len(tensors)} tensors ({paths}); give one name for each.")


def _place_in_call(keys: Sequence[Any], written: Sequence[str]) -> int:
    """Return a number that sorts leaves into the order of the call as it was written: args, then each keyword."""
    return 1 + written.index(keys[1].key) if keys[0].idx == 1 else 0


def _asked_names(leaves: Sequence[Leaf], names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip((leaf.path for leaf in leaves if leaf.name is not None), names, strict=False))


def _named(leaves: Sequence[Leaf], asked: Mapping[str, str]) -> tuple[Leaf, ...]:
    """Name the tensors as asked; by their parameters where those very names were asked for in another order."""
    own = [leaf.name for leaf in leaves if leaf.name is not None]
    permuted = sorted(own) == sorted(asked.values())
    names = own if permuted else [asked.get(leaf.path, leaf.name) for leaf in leaves if leaf.name is not None]
    final = iter(names if asked and not permuted else unique(own))
    return tuple(replace(leaf, name=next(final)) if leaf.name is not None else leaf for leaf in leaves)


def _spec(value: Any, leaves: Any, places: Mapping[tuple[str, int], Any]) -> Any:
    """Mirror `value` with each tensor's dynamic axes; torch wants other classes as the list of their children."""
    if pytree.tree_is_leaf(value):
        leaf: Leaf = next(leaves)
        if leaf.name is None:
            return None
        return {axis: dim for (name, axis), dim in places.items() if name == leaf.name}
    children, context = pytree.SUPPORTED_NODES[pytree._get_node_type(value)].flatten_fn(value)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # torch has no public way to take one level apart
    specs = [_spec(child, leaves, places) for child in children]
    if isinstance(value, dict):
        own = type(value) not in (dict, OrderedDict, defaultdict)  # a ModelOutput of transformers, a dataclass too
        return specs if own or hasattr(context, "keys") else dict(zip(value, specs, strict=True))
    if isinstance(value, tuple):
        return type(value)(*specs) if hasattr(value, "_fields") else tuple(specs)
    return specs
