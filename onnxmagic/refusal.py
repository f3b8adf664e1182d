"""What to say to a call that cannot be exported: what it is, and what to write instead.

Nothing here runs the user's code but plain look-ups of names, attributes and items.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from onnxmagic.modules import call_of, called_module, is_module, is_module_class, modules_in

__all__ = [
    "holds_call",
    "is_like_a_model",
    "is_magic",
    "is_script",
    "look_up",
    "of_called",
    "of_last_line",
    "of_missing",
    "of_no_call",
    "of_syntax",
]


def of_syntax(source: str, words: tuple[str, ...], error: SyntaxError) -> str:
    """Return the message for a line that is no expression."""
    if assigned := _assigned_call(source):
        return f"Write the call alone: `{assigned}`. To keep the result: e = %onnx_export {assigned}"
    if len(words) > 1 and (_is_call(words[0]) or words[1].lower().endswith(".onnx")):
        rest, of = " ".join(words[1:]), "the call" if _is_call(words[0]) else f"`{words[0]}`"
        return f"`{rest}` is neither part of {of} nor an option. A file is named with -o: -o {words[1]}"
    return f"`{source}` is no Python: {error.msg}."


def of_no_call(node: ast.expr, namespace: Mapping[str, Any]) -> str:
    """Return the message for an expression that is no call, such as a model's name alone."""
    source = ast.unparse(node)
    if isinstance(node, ast.Name) and node.id not in namespace and not hasattr(builtins, node.id):
        return of_missing(node.id, namespace)
    value = look_up(node, namespace)
    if is_module(value) and not is_script(value):
        call = call_of(source, value)
        return f"`{source}` is a model; write the call you would run, with an example: {call}"
    if isinstance(node, ast.Await):
        return "`await` cannot be exported; write the call of the model alone."
    if value is not None:
        return _what(value, source, namespace)
    return f"`{source}` is no call. {_write(node, namespace)}"


def of_missing(name: str, namespace: Mapping[str, Any]) -> str:
    """Return the message for a called name that does not exist."""
    models = modules_in(namespace)
    names = [known for known in namespace if not known.startswith("_")]
    near = get_close_matches(name, models, n=1) or get_close_matches(name, names, n=1)
    if near:
        return f"There is no `{name}`. Did you mean `{near[0]}`?"
    if models:
        return f"There is no `{name}`. The models here are {', '.join(f'`{m}`' for m in models[:5])}."
    return f"There is no `{name}`; run the cell that makes it first."


def of_called(called: object, call: ast.Call, namespace: Mapping[str, Any]) -> str:
    """Return the message for a call of something that is no module."""
    source = ast.unparse(call.func)
    inner = _inner_call(call, namespace)
    if inner:
        return f"`{source}` is no torch.nn.Module. Write the model's call alone: {inner}"
    return _what(called, source, namespace)


def of_last_line(last: ast.stmt, known: Mapping[str, Any]) -> str:
    """Return the message for a cell whose last statement is no call of a model."""
    line = ast.unparse(last).splitlines()[0]
    if isinstance(last, ast.Expr) and is_magic(last.value):
        return "The cell ends with a magic. Write the call to export alone as its last line, for example model(x)."
    inner = _inner_call(last, known) or _innermost_call(last)
    call = inner or "the call you would run, for example model(x),"
    return f"The cell must end with the call to export, and it ends with `{line}`. Write {call} alone as its last line."


def is_magic(node: ast.expr) -> bool:
    """Return whether `node` is what IPython makes of a ``%magic`` or ``!command``."""
    func = node.func if isinstance(node, ast.Call) else None
    return isinstance(func, ast.Attribute) and ast.unparse(func.value) == "get_ipython()"


def holds_call(call: ast.Call, namespace: Mapping[str, Any]) -> bool:
    """Return whether a call of a model stands inside `call`, as in ``print(model(x))``."""
    return any(_inner_call(argument, namespace) for argument in [*call.args, *(k.value for k in call.keywords)])


def is_like_a_model(value: object) -> bool:
    """Return whether `value` is what people take for a model: its class, its weights, a method or script of it."""
    owner = getattr(value, "__self__", None)
    return is_module_class(value) or is_module(owner) or is_script(value) or isinstance(value, Mapping)


def _what(value: object, source: str, namespace: Mapping[str, Any]) -> str:
    if is_module_class(value):
        made = [name for name in modules_in(namespace) if namespace[name].__class__ is value]
        instance = f", or call the one you have: {call_of(made[0], namespace[made[0]])}" if made else ""
        return f"`{source}` is a class; call a model made from it: {source}()(x){instance}."
    if is_script(value) or is_script(getattr(value, "__self__", None)):
        return f"`{source}` is a ScriptModule; export the torch.nn.Module that it was made from."
    if isinstance(value, Mapping):
        return _what_mapping(value, source)
    if _type_path(value) == "torch.export.exported_program.ExportedProgram":
        return f"`{source}` is an ExportedProgram; export its module: {source}.module()(x)."
    owner = getattr(value, "__self__", None)
    if inspect.ismethod(value) and is_module(owner):
        return (
            f"`{source}` is a method, and only a model's forward is exported. Put the call of the method into the "
            "forward of a small torch.nn.Module, and export that."
        )
    if callable(value) and (inspect.isroutine(value) or inspect.isclass(value)):
        kind = "class" if inspect.isclass(value) else "function"
        return (
            f"`{source}` is a {kind}, and only a torch.nn.Module is exported. Put what it does into the forward of a "
            "module, and export that; if it makes a model, call the model: "
            f"{source}(...)(x)."
        )
    inside = modules_in(getattr(value, "__dict__", {}))
    hint = f" It holds one: {call_of(f'{source}.{inside[0]}', value.__dict__[inside[0]])}" if inside else ""
    return f"`{source}` is no torch.nn.Module but of type {type(value).__name__}.{hint}"


def _what_mapping(value: Mapping[Any, Any], source: str) -> str:
    models = [str(key) for key, item in value.items() if is_module(item)]
    if models:
        return f"`{source}` is a dict of models; call one of them: {source}[{models[0]!r}](x)."
    return (
        f"`{source}` is of type {type(value).__name__}, like a state_dict: weights without the code that uses them. "
        f"Make the model, give it the weights with model.load_state_dict({source}), and export the call of the model."
    )


def is_script(value: object) -> bool:
    """Return whether `value` is a ScriptModule: code of TorchScript, which is exported by nobody any more."""
    script = getattr(getattr(sys.modules.get("torch"), "jit", None), "ScriptModule", None)
    return isinstance(script, type) and isinstance(value, script)


def _type_path(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _write(node: ast.AST, namespace: Mapping[str, Any]) -> str:
    inner = _inner_call(node, namespace) or _innermost_call(node)
    return f"Write the call alone: {inner}" if inner else "Write the call you would run, for example model(x)."


def _inner_call(node: ast.AST, namespace: Mapping[str, Any]) -> str:
    for child in ast.walk(node):
        if isinstance(child, ast.Call) and called_module(look_up(child.func, namespace)) is not None:
            return ast.unparse(child)
    return ""


def _innermost_call(node: ast.AST) -> str:
    # ast.walk goes level by level, so the last one is the deepest; a call without arguments is rarely a model's.
    calls = [child for child in ast.walk(node) if isinstance(child, ast.Call) and (child.args or child.keywords)]
    return ast.unparse(calls[-1]) if calls and not _is_builtin(calls[-1].func) else ""


def _is_builtin(func: ast.expr) -> bool:
    return isinstance(func, ast.Name) and hasattr(builtins, func.id)


def look_up(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """Return what a name, attribute or item with a constant key is, None for all else."""
    if isinstance(node, ast.Name):
        return namespace.get(node.id, getattr(builtins, node.id, None))
    try:
        if isinstance(node, ast.Attribute):
            return getattr(look_up(node.value, namespace), node.attr, None)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return look_up(node.value, namespace)[node.slice.value]
    except Exception:  # noqa: BLE001  # an object of the user's may raise anything; then nothing is known of it
        return None
    return None


def _assigned_call(source: str) -> str:
    try:
        statement = ast.parse(source).body[-1]
    except SyntaxError:
        return ""
    value = getattr(statement, "value", None)
    is_assignment = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    return ast.unparse(value) if is_assignment and isinstance(value, ast.Call) else ""


def _is_call(source: str) -> bool:
    try:
        return isinstance(ast.parse(source, mode="eval").body, ast.Call)
    except SyntaxError:
        return False
