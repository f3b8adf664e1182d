"""Dynamic axes whose names say nothing get names that do.

Names that exporters make up (``s77``, ``unk__3``, ``dim_0``, ``?``) and axes without any are renamed: the first axis of
the inputs is ``batch`` where one name serves, and any other is named after its input and place, ``x_axis2``. Two axes
with one name stay two axes with one name, and axes without a name, of which nothing says that they are equal, get names
of their own. Runtimes read only which axes have the same name, so no number changes; but users who look for the old
names do not find them, so this is only done when it is asked for. It mends no OM205 (one name for different sizes):
which of the axes should keep the name is for a person to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from onnxmagic.check.wording import listed
from onnxmagic.fix.parts import values
from onnxmagic.fix.rewrite import Rewrite

if TYPE_CHECKING:
    import onnx_ir as ir

__all__ = ["REWRITE", "apply"]

REWRITE = Rewrite("rename-axes", "axes called s77 or nothing get names", (), asked=True)

_MADE_UP: Final = re.compile(r"s\d+|u\d+|unk__\d+|dim_?\d+|d\d+|N\d+|\?|unknown\w*|\w*dynamic_axes_\d+", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Za-z_]\w*")


def apply(model: ir.Model) -> list[str]:
    """Return a sentence that lists the new names."""
    inputs = [value for value in model.graph.inputs if not value.is_initializer() and value.shape is not None]
    names = _new_names(inputs, _names(model))
    bare = _name_bare(inputs, _names(model) | set(names.values()))
    if names:
        _rename(model, names)
    pairs = [f"{old} → {new}" for old, new in names.items()] + [f"{place} → {new}" for place, new in bare.items()]
    if not pairs:
        return []
    return [f"{len(pairs)} dynamic {'axis has' if len(pairs) == 1 else 'axes have'} names now: {listed(pairs, 6)}."]


def _new_names(inputs: list[ir.Value], taken: set[str]) -> dict[str, str]:
    """Return the new name for every made-up one among the inputs' axes."""
    first: dict[str, tuple[ir.Value, int]] = {}
    for value in inputs:
        for index, name in _axes(value):
            if name and _MADE_UP.fullmatch(name):
                first.setdefault(name, (value, index))
    leading = [name for name, (_, index) in first.items() if index == 0]
    names: dict[str, str] = {}
    for name, (value, index) in first.items():
        names[name] = _free("batch" if leading == [name] else f"{value.name}_axis{index}", taken)
        taken.add(names[name])
    return names


def _name_bare(inputs: list[ir.Value], taken: set[str]) -> dict[str, str]:
    """Name the axes that have no name, and return the names by place."""
    import onnx_ir as ir

    places = [(value, index) for value in inputs for index, name in _axes(value) if not name]
    leading = [place for place in places if place[1] == 0]
    named: dict[str, str] = {}
    for value, index in places:
        new = _free("batch" if leading == [(value, index)] else f"{value.name}_axis{index}", taken)
        taken.add(new)
        named[f"{value.name}[{index}]"] = new
        sizes = list(value.shape or ())
        sizes[index] = ir.SymbolicDim(new)
        value.shape = ir.Shape(sizes)
    return named


def _axes(value: ir.Value) -> list[tuple[int, str]]:
    """Return index and name of the dynamic axes; ``""`` for one without a name."""
    return [(index, _name(dim)) for index, dim in enumerate(value.shape or ()) if not isinstance(dim, int)]


def _name(dim: object) -> str:
    return str(getattr(dim, "value", None) or "")


def _names(model: ir.Model) -> set[str]:
    """Return every word in the names of axes anywhere in the model."""
    dims = (dim for value in values(model) for dim in value.shape or () if not isinstance(dim, int))
    return {word for dim in dims for word in _WORD.findall(_name(dim))}


def _free(wanted: str, taken: set[str]) -> str:
    plain = re.sub(r"\W+", "_", wanted)
    new, number = plain, 2
    while new in taken:
        new, number = f"{plain}_{number}", number + 1
    return new


def _rename(model: ir.Model, names: dict[str, str]) -> None:
    """Rename everywhere, within expressions like ``2*s77`` too, and in the exporter's note on ranges."""
    import onnx_ir as ir

    def renamed(text: str) -> str:
        return names.get(text) or _WORD.sub(lambda word: names.get(word[0], word[0]), text)

    for value in values(model):
        if value.shape is not None and any(not isinstance(dim, int) for dim in value.shape):
            value.shape = ir.Shape([d if isinstance(d, int) else _renamed(d, renamed) for d in value.shape])
    for key, text in model.graph.metadata_props.items():
        if key.endswith("range_constraints"):
            model.graph.metadata_props[key] = renamed(text)


def _renamed(dim: ir.SymbolicDim, rename: Callable[[str], str]) -> ir.SymbolicDim:
    import onnx_ir as ir

    return ir.SymbolicDim(rename(_name(dim)) or None)
