"""A model that is named and not called: ``model``, ``pipe.unet``, ``models["a"]``, or any expression that gives one.

Its calls are somewhere else, in the cell below or nowhere, so it must be there already. A name that is wrong is told at
once: the cell may run for hours.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from onnxmagic import refusal
from onnxmagic.call import Evaluate
from onnxmagic.errors import UsageMistake
from onnxmagic.modules import called_module, is_module, is_module_class, modules_in
from onnxmagic.subject import expression, of_missing_value

if TYPE_CHECKING:
    import torch

__all__ = ["named_model", "names_model", "refuse_missing"]


def named_model(
    node: ast.expr, namespace: dict[str, Any], evaluate: Evaluate, body: ast.Module | None = None
) -> torch.nn.Module:
    """Return the module that `node` gives; a ``forward`` stands for the module it belongs to.

    Parameters
    ----------
    node : ast.expr
    namespace : dict
        A copy of the user's variables; the expression may write to it.
    evaluate : callable
        Runs an expression in a namespace as the user's own code.
    body : ast.Module, optional
        The cell below, which has not run.

    Raises
    ------
    UsageMistake
        There is no such thing, or it is no module. What the user's own code raises is passed on.
    """
    source = ast.unparse(node)
    if missing := next(iter(_missing_names(node, namespace)), None):
        made_below = body is not None and missing in _bound_names(body)
        raise UsageMistake(_made_below(missing) if made_below else _missing(missing, namespace, in_cell=bool(body)))
    if isinstance(node, ast.Call) and called_module(refusal.look_up(node.func, namespace)) is not None:
        raise UsageMistake(_called(node))
    try:
        value = evaluate(node, namespace)
    except (AttributeError, LookupError) as error:
        if not isinstance(node, ast.Attribute | ast.Subscript):
            raise
        owner = refusal.look_up(node.value, namespace)
        raise UsageMistake(_no_part(source, owner, ast.unparse(node.value), error)) from None
    model = called_module(value)
    if model is None or refusal.is_script(model):
        raise UsageMistake(_no_model(value, source, namespace))
    return model


def names_model(node: ast.expr, namespace: Mapping[str, Any]) -> bool:
    """Return whether `node`, on a line of its own, may be a model that is named: no call, and not known as else."""
    names = ast.Name | ast.Attribute | ast.Subscript
    if not isinstance(node, names) or any(isinstance(each, ast.Call | ast.Await) for each in ast.walk(node)):
        return False
    value = refusal.look_up(node, namespace)
    return value is None or (called_module(value) is not None and not refusal.is_script(value))


def refuse_missing(option: str, text: str | None, namespace: Mapping[str, Any], body: ast.Module) -> None:
    """Say which name in the value of `option` will not be there after the cell `body`; it is evaluated then.

    Raises
    ------
    UsageMistake
        There is one, or the value is no Python.
    """
    if text is None or any(
        isinstance(node, ast.Name) and node.id in ("exec", "get_ipython") for node in ast.walk(body)
    ):
        return  # a magic may make any name
    made = _bound_names(body)
    for name in _missing_names(expression(f"--{option}", text), namespace):
        if name not in made and "*" not in made:
            raise UsageMistake(of_missing_value(name, namespace))


def _missing_names(node: ast.expr, namespace: Mapping[str, Any]) -> list[str]:
    """Return the names that `node` reads and that neither `namespace`, nor Python, nor itself has."""
    import builtins

    own = _bound_names(node) | {arg.arg for arg in ast.walk(node) if isinstance(arg, ast.arg)}
    read = [each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)]
    return [name for name in read if name not in namespace and name not in own and not hasattr(builtins, name)]


def _bound_names(tree: ast.AST) -> set[str]:
    """Return the names that the code of `tree` may bind, wherever in it."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names


def _missing(name: str, namespace: Mapping[str, Any], *, in_cell: bool) -> str:
    said = refusal.of_missing(name, namespace)
    return f"{said} It must be there before the cell runs: make it in a cell above." if in_cell else said


def _made_below(name: str) -> str:
    return (
        f"`{name}` is made in this cell, and must be there before it runs, so that its calls can be recorded: make it "
        "in a cell above. Or write %%onnx_export without it, and the call as the last line of the cell."
    )


def _called(call: ast.Call) -> str:
    model = ast.unparse(call.func)
    return (
        f"`{ast.unparse(call)}` is a call. Write %%onnx_export {model} to export the calls of `{model}` that the cell "
        "makes, or %%onnx_export alone and write the call as the last line of the cell."
    )


def _no_part(source: str, owner: Any, owner_source: str, error: Exception) -> str:
    said = f"There is no `{source}`: {type(error).__name__}: {error}."
    parts = _parts(owner, owner_source)
    # Without what they all begin with, which would make any two alike.
    tails = {part[len(owner_source) :]: part for part in parts}
    if near := get_close_matches(source[len(owner_source) :], tails, n=1):
        return f"There is no `{source}`. Did you mean `{tails[near[0]]}`?"
    return f"{said} {_these(owner_source, parts)}" if parts else said


def _no_model(value: Any, source: str, namespace: Mapping[str, Any]) -> str:
    if is_module_class(value):
        made = [name for name in modules_in(namespace) if namespace[name].__class__ is value]
        here = f", for example {made[0]}" if made else f": model = {source}(...)"
        return f"`{source}` is a class; name a model that was made from it{here}."
    if refusal.is_script(value):
        return f"`{source}` is a ScriptModule; name the torch.nn.Module that it was made from."
    said = f"`{source}` is no torch.nn.Module but of type {type(value).__name__}."
    if parts := _parts(value, source):
        return f"{said} {_these(source, parts)}"
    models = modules_in(namespace)
    return f"{said} The models here are {_listed(models)}." if models else said


def _these(source: str, parts: list[str]) -> str:
    return f"The models in `{source}` are {_listed(parts)}."


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"`{name}`" for name in names[:5]) + more


def _parts(owner: Any, source: str) -> list[str]:
    """Return how the modules right inside `owner`, which `source` gives, are written."""
    if is_module(owner):
        children = [name for name, _ in owner.named_children()]
        return [f"{source}.{name}" if name.isidentifier() else f"{source}[{name}]" for name in children]
    if isinstance(owner, Mapping):
        return [f"{source}[{key!r}]" for key, item in owner.items() if is_module(item)]
    if isinstance(owner, list | tuple):
        return [f"{source}[{index}]" for index, item in enumerate(owner) if is_module(item)]
    return [f"{source}.{name}" for name in modules_in(getattr(owner, "__dict__", {}))]
