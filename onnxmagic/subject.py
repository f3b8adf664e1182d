"""What a magic is asked to look at: the call of a model, a file, or a value that holds one.

A file's name is no Python, yet ``net.onnx`` also reads as an attribute of a variable ``net``. The rule, which the help
tells too: a word in quotes, one that ends in ``.onnx`` and one that names a file is a path, unless it is a call or the
name of a variable. Brackets make it Python: ``(net.onnx)``.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from onnxmagic import refusal
from onnxmagic.call import Call, Evaluate, capture, parse_call, short_name
from onnxmagic.cell import moved
from onnxmagic.errors import UsageMistake
from onnxmagic.line import expand, unquote
from onnxmagic.modules import called_module, is_module

__all__ = [
    "CHECK",
    "SHOW",
    "Verb",
    "evaluated",
    "expression",
    "is_result",
    "of_missing_value",
    "path_of",
    "read_subject",
    "subject_of",
]


@dataclass(frozen=True, slots=True)
class Verb:
    """A magic that looks at something: how it is written, and what it does to what it is given."""

    magic: str
    done: str

    @property
    def hint(self) -> str:
        """What to write."""
        return f'Write the call of a model, model(x), or a file: {self.magic} net.onnx, {self.magic} "my net.onnx".'

    def of(self, path: str) -> str:
        """Return how it is written for the file at `path`."""
        return f"{self.magic} {path}"


CHECK = Verb("%onnx_check", "checked")
SHOW = Verb("%onnx_show", "shown")


def subject_of(
    words: tuple[str, ...], variables: dict[str, Any], evaluate: Evaluate, lineno: int, verb: Verb = CHECK
) -> tuple[tuple[Any, ...], str | None]:
    """Return what the verb is given first, and what the report calls it; a file is called by its own name.

    Raises
    ------
    UsageMistake
        There is nothing that the verb can look at. What the user's own code raises is passed on.
    """
    path = path_of(words, variables, verb)
    if path is not None:
        return (path,), None
    node = moved(parse_call(words), lineno)
    call, value = read_subject(node, variables, evaluate, verb)
    if call is None:
        return (value,), None if isinstance(value, str | os.PathLike) else short_name(node)
    return (call.model, call.args, call.kwargs), call.name


def path_of(words: tuple[str, ...], namespace: Mapping[str, Any], verb: Verb = CHECK) -> str | None:
    """Return the path that `words` name, variables and ``~`` in it expanded; None when they are Python.

    Raises
    ------
    UsageMistake
        There is nothing, or a path with blanks is not in quotes; or a ``$name`` in it is unknown.
    """
    if not words:
        raise UsageMistake(f"What is to be {verb.done}? {verb.hint}")
    if len(words) > 1 and words[-1].lower().endswith(".onnx"):
        joined = " ".join(words)
        if _is_file(joined) or not any(word.lower().endswith(".onnx") for word in words[:-1]):
            raise UsageMistake(f'A path with blanks needs quotes: {verb.magic} "{joined}"')
        raise UsageMistake(f"One file at a time: {verb.magic} {words[0]}")
    if len(words) != 1:
        return None
    word = unquote(words[0])
    quoted = word != words[0]
    if not quoted and (_is_call(word) or word in namespace):
        return None
    if not (quoted or word.lower().endswith(".onnx") or _is_file(word)):
        return None
    return _from_home(expand(verb.magic, word, namespace))


def read_subject(
    expression: ast.expr, namespace: dict[str, Any], evaluate: Evaluate, verb: Verb = CHECK
) -> tuple[Call, None] | tuple[None, Any]:
    """Return the call that `expression` makes of a module, not made, or else its value.

    Raises
    ------
    UsageMistake
        It is a model without a call, or nothing that can be looked at. What the user's own code raises is passed on.
    """
    if isinstance(expression, ast.Call) and not _is_plain(expression, namespace, evaluate):
        return capture(expression, namespace, evaluate), None
    value = evaluated(expression, namespace, evaluate, verb)
    if is_module(value) or not is_checkable(value):
        raise UsageMistake(_refused(expression, value, namespace, verb))
    return None, value


def _is_plain(call: ast.Call, namespace: dict[str, Any], evaluate: Evaluate) -> bool:
    """Return whether `call` calls what is no model, such as ``onnx.load``: then its value is looked at."""
    if refusal.holds_call(call, namespace) or any(
        isinstance(node, ast.Call | ast.NamedExpr) for node in ast.walk(call.func)
    ):
        return False  # evaluating `Net()` only to see what it is would make it twice
    try:
        called = evaluate(call.func, namespace)
    except NameError:
        return False
    return callable(called) and called_module(called) is None and not refusal.is_like_a_model(called)


def evaluated(expression: ast.expr, namespace: dict[str, Any], evaluate: Evaluate, verb: Verb = CHECK) -> Any:
    """Return the value of an expression of the user's.

    Raises
    ------
    UsageMistake
        It uses a name that does not exist.
    """
    try:
        return evaluate(expression, namespace)
    except NameError as error:
        missing = error.name if isinstance(error.name, str) else ""
        if not any(isinstance(node, ast.Name) and node.id == missing for node in ast.walk(expression)):
            raise
        if near := _near_file(ast.unparse(expression)):
            raise UsageMistake(f"There is no `{missing}`. Did you mean the file? {verb.of(near)}") from None
        raise UsageMistake(of_missing_value(missing, namespace, verb)) from None


def expression(option: str, text: str) -> ast.expr:
    """Return the expression that is the value of `option`; ``$name`` and ``{name}`` mean the variable itself.

    Raises
    ------
    UsageMistake
        It is no Python.
    """
    try:
        node = ast.parse(text.removeprefix("$"), mode="eval").body
    except SyntaxError as error:
        raise UsageMistake(
            f"{option} {text} is no Python: {error.msg}. Write for example {option} val_loader."
        ) from None
    # In the values of other options braces hold an expression; a set of one element is never meant.
    return node.elts[0] if isinstance(node, ast.Set) and len(node.elts) == 1 else node


def is_checkable(value: object) -> bool:
    """Return whether `value` is a path, bytes, or what may hold a graph: what ``check`` can say more about."""
    if isinstance(value, str | os.PathLike | bytes | bytearray | memoryview):
        return True
    # torch's ONNXProgram and a ModelProto; by look, since their modules are heavy.
    return is_result(value) or any(hasattr(value, name) for name in ("model_proto", "SerializeToString"))


def is_result(value: object) -> bool:
    """Return whether `value` is what one of our verbs gave back; by look, too."""
    return hasattr(type(value), "choices") and hasattr(type(value), "selected")


def _refused(expression: ast.expr, value: object, namespace: Mapping[str, Any], verb: Verb) -> str:
    source = ast.unparse(expression)
    if is_module(value) or refusal.is_like_a_model(value):
        return refusal.of_no_call(expression, namespace)
    held = f"`{source}` is of type {type(value).__name__}" if value is not None else f"`{source}` is None"
    return f"{held}, and nothing in it can be {verb.done}. {verb.hint}"


def of_missing_value(name: str, namespace: Mapping[str, Any], verb: Verb = CHECK) -> str:
    """Return the message for a name that does not exist, in what is no call of a model."""
    if _is_file(f"{name}.onnx"):
        return f"There is no variable `{name}`, but a file: {verb.of(f'{name}.onnx')}"
    near = get_close_matches(name, [known for known in namespace if not known.startswith("_")], n=1)
    return f"There is no `{name}`. Did you mean `{near[0]}`?" if near else f"There is no `{name}`. {verb.hint}"


def _is_file(text: str) -> bool:
    return os.path.isfile(_from_home(text))  # noqa: PTH113  # pathlib raises for what is too long for a name


def _near_file(text: str) -> str | None:
    """Return the .onnx file here whose name is nearly `text`, as in ``net.onx``, which reads as Python."""
    files = [name for name in os.listdir() if name.lower().endswith(".onnx")]  # noqa: PTH208  # names are compared
    return next(iter(get_close_matches(text, files, n=1, cutoff=0.8)), None) if "." in text else None


def _from_home(text: str) -> str:
    """Return `text` with ``~`` expanded; text, since `check` itself says what is wrong with a path."""
    return text if "\0" in text else os.path.expanduser(text)  # noqa: PTH111  # pathlib raises for `~nobody`


def _is_call(source: str) -> bool:
    try:
        return isinstance(ast.parse(source, mode="eval").body, ast.Call)
    except SyntaxError:
        return False
