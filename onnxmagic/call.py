"""A call as it is written, turned into a model and its arguments without being made.

The arguments are evaluated by Python itself: in the syntax tree the called expression is replaced by a grabber that
returns what it is given, so ``model(*batch, **kw)`` and ``Net()(x)`` work, in Python's own order of evaluation. All of
it happens in one copy of the namespace: one, because a lambda or comprehension among the arguments sees only globals;
a copy, so that nothing leaks into the notebook.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from onnxmagic import refusal
from onnxmagic.errors import UsageMistake
from onnxmagic.modules import called_module

if TYPE_CHECKING:
    import torch

__all__ = ["Call", "Evaluate", "capture", "last_call", "parse_call", "short_name"]

GRABBER = "__onnxmagic_grabber__"
Evaluate = Callable[[ast.expr, dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was not made: ``model(*args, **kwargs)``; ``name`` is what the user wrote for the model.

    ``given`` holds the keywords of ``export`` that say what the inputs are, where nobody wrote a call.
    """

    model: torch.nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    name: str | None
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])


def parse_call(words: tuple[str, ...]) -> ast.expr:
    """Return the expression that `words`, the words of the line that are no options, spell.

    Raises
    ------
    UsageMistake
        There is none, or it is no expression.
    """
    if not words:
        raise UsageMistake("Write the call to export, as you would run it: %onnx_export model(x). --help says more.")
    source = " ".join(words)
    try:
        return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise UsageMistake(refusal.of_syntax(source, words, error)) from None


def last_call(tree: ast.Module, known: dict[str, Any]) -> ast.Call:
    """Return the call that is the last statement of a cell; `known` are the variables before the cell runs.

    Raises
    ------
    UsageMistake
        The last statement is anything else: said before the cell runs, since a cell may run for long.
    """
    if not tree.body:
        raise UsageMistake("The cell is empty. Write the code that makes the example, and the call as its last line.")
    last = tree.body[-1]
    call = last.value if isinstance(last, ast.Expr) else None
    if not isinstance(call, ast.Call) or refusal.is_magic(call):
        raise UsageMistake(refusal.of_last_line(last, known))
    if isinstance(call.func, ast.Name) and hasattr(builtins, call.func.id) and call.func.id not in known:
        raise UsageMistake(refusal.of_last_line(last, known))
    return call


def capture(expression: ast.expr, namespace: dict[str, Any], evaluate: Evaluate) -> Call:
    """Evaluate a call up to, and not including, the call itself.

    Parameters
    ----------
    expression : ast.expr
    namespace : dict
        A copy of the user's variables; the expression may write to it.
    evaluate : callable
        Runs an expression in a namespace as the user's own code.

    Raises
    ------
    UsageMistake
        It is no call of a module. What the user's own code raises is passed on.
    """
    if not isinstance(expression, ast.Call):
        raise UsageMistake(refusal.of_no_call(expression, namespace))
    try:
        called = evaluate(expression.func, namespace)
    except NameError as error:
        missing = error.name if isinstance(error.name, str) else ""
        if not any(isinstance(node, ast.Name) and node.id == missing for node in ast.walk(expression.func)):
            raise
        raise UsageMistake(refusal.of_missing(missing, namespace)) from None
    model = called_module(called)
    if model is None:
        raise UsageMistake(refusal.of_called(called, expression, namespace))
    args, kwargs = _grab(expression, namespace, evaluate)
    return Call(model, args, kwargs, _name(expression.func, called is not model))


def _grab(call: ast.Call, namespace: dict[str, Any], evaluate: Evaluate) -> tuple[tuple[Any, ...], dict[str, Any]]:
    def grab(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs

    # Python names the called function in its own errors (`model() argument after * must be an iterable`).
    grab.__qualname__ = ast.unparse(call.func)
    grab.__module__ = "builtins"
    namespace[GRABBER] = grab
    name = ast.copy_location(ast.Name(GRABBER, ast.Load()), call.func)
    grabbing = ast.copy_location(ast.Call(name, call.args, call.keywords), call)
    try:
        return evaluate(grabbing, namespace)
    finally:
        namespace.pop(GRABBER, None)


def _name(func: ast.expr, is_method: bool) -> str | None:
    return short_name(func.value if is_method and isinstance(func, ast.Attribute) else func)


def short_name(expression: ast.expr) -> str | None:
    """Return `expression` as a report calls its value; None for a long one, which names nothing: a class does."""
    name = ast.unparse(expression)
    return name if len(name) <= 60 else None
