"""The text of one option as the value that it stands for.

A wrong value is said in our words, with what to write instead. The command reads its options here, too.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import Any

from onnxmagic.errors import UsageMistake
from onnxmagic.line import expand, unquote
from onnxmagic.options import Option
from onnxmagic.record.budget import parse_budget

__all__ = ["read_dynamic", "read_pin", "read_tolerance", "read_value"]


def read_pin(text: str) -> tuple[str, str]:
    """Return the two nodes that the value of ``--pin`` names.

    Raises
    ------
    UsageMistake
        It names no two.
    """
    one, equals, other = text.partition("=")
    if not (equals and one.strip() and other.strip()):
        raise UsageMistake(f"--pin takes two nodes, one of each model: --pin node_of_a=node_of_b, not {text!r}.")
    return one.strip(), other.strip()


def read_value(option: Option, text: str) -> Any:
    """Return the value of `option`, whose variables are expanded already.

    Raises
    ------
    UsageMistake
        It is none that the option takes.
    """
    flag = option.flags[-1]
    if flag in ("--output", "--markdown"):
        return os.path.expanduser(text)  # noqa: PTH111  # text: a Path would drop the final slash that names a folder
    if option.choices and text not in option.choices:
        raise UsageMistake(f"{flag} takes {_listed(option.choices)}, not {text!r}.")
    if flag in WHOLE:
        return _whole(flag, text)
    if flag == "--budget":
        return _size(text)
    if flag == "--tolerance":
        return read_tolerance(text)
    if flag == "--as" and (not text.isidentifier() or iskeyword(text)):
        raise UsageMistake(f"--as takes the name of a variable, not {text!r}.")
    if flag in ("--input-names", "--output-names"):
        return tuple(name.strip() for name in text.split(","))
    return text


WHOLE = {
    "--opset": "a whole number, for example 20",
    "--keep": "a whole number from 1, for example 16",
    "--samples": "a whole number from 1, for example 1000, or all",
}


def _whole(flag: str, text: str) -> int | str:
    if flag == "--samples" and text == "all":
        return text
    # What a number of the operator set may be is the exporter's to say.
    if not text.isdecimal() or (flag != "--opset" and int(text) < 1):
        raise UsageMistake(f"{flag} takes {WHOLE[flag]}, not {text!r}.")
    return int(text)


def read_tolerance(text: str) -> float:
    """Return the number that is the value of ``--tolerance``.

    Raises
    ------
    UsageMistake
        It is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageMistake(f"--tolerance takes a number from 0 on, for example 1e-4, not {text!r}.")
    return number


def _size(text: str) -> str:
    try:
        parse_budget(text)
    except UsageMistake:
        raise UsageMistake(f"--budget takes a size of memory, for example 500MB or 2GB, not {text!r}.") from None
    return text


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" or {words[-1]}"


AXIS = re.compile(r"(?P<argument>[^:=]+):(?P<axis>-?\d+)(?:=(?P<name>[^=]+))?")
DYNAMIC_HINT = 'Write for example --dynamic x:2=height, or --dynamic {"x": {2: "height"}}.'


def read_dynamic(values: Sequence[str], namespace: Mapping[str, Any]) -> Any:
    """Return the axes that all ``--dynamic`` of a line ask for.

    Raises
    ------
    UsageMistake
        One of them names no axes.
    """
    asked = [_one_dynamic(value, namespace) for value in values]
    if len(asked) == 1:
        return asked[0]
    axes: dict[str, dict[int, str]] = {}
    for one in asked:
        if one == "auto":
            continue
        for argument, wanted in one.items():
            axes.setdefault(str(argument), {}).update(_named(wanted))
    return axes or "auto"


def _one_dynamic(value: str, namespace: Mapping[str, Any]) -> Any:
    text = value if _is_dict(value) else expand("--dynamic", unquote(value), namespace)
    if text == "auto":
        return text
    if match := AXIS.fullmatch(text):
        return {match["argument"]: {int(match["axis"]): match["name"] or ""}}
    try:
        axes = eval(compile(text, "<--dynamic>", "eval"), dict(namespace))  # noqa: S307  # the user's own code
    except Exception as error:  # an expression of the user's may raise anything
        raise UsageMistake(
            f"--dynamic {value} cannot be read: {getattr(error, 'msg', error)}. {DYNAMIC_HINT}"
        ) from error
    if not isinstance(axes, Mapping):
        raise UsageMistake(f"--dynamic {value} is no dict but of type {type(axes).__name__}. {DYNAMIC_HINT}")
    return axes


def _is_dict(text: str) -> bool:
    # `{axes}` is a variable to expand and `{name}:2` is no Python at all; only a dict display is taken as it stands.
    try:
        return isinstance(ast.parse(text, mode="eval").body, ast.Dict)
    except SyntaxError:
        return False


def _named(wanted: Any) -> dict[int, str]:
    if isinstance(wanted, Mapping):
        return dict(wanted)
    if isinstance(wanted, int):
        return {wanted: ""}
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return dict.fromkeys(wanted, "")
    raise UsageMistake(f"--dynamic: {wanted!r} names no axes. {DYNAMIC_HINT}")
