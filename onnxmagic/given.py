"""What stands on a magic's line, read: each option's text as the value that the verbs take.

Values stay text until the whole line was parsed: then ``$name`` and ``{expression}`` are expanded, and a wrong value is
said in our words, with what to write instead.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from onnxmagic.errors import UsageMistake
from onnxmagic.line import expand, unquote
from onnxmagic.options import CHECK_OPTIONS, EXPORT_OPTIONS, Option, parse_words

__all__ = ["CheckOptions", "ExportOptions"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What stands on the line of ``%onnx_export``; None where an option was not given and a setting may decide."""

    call: tuple[str, ...] = ()
    output: str | None = None
    opset: int | None = None
    dynamic: Any = "auto"
    static: bool | None = None
    input_names: tuple[str, ...] | None = None
    output_names: tuple[str, ...] | None = None
    train: bool = False
    keep_source: bool | None = None
    external_data: bool | None = None
    prove: bool | None = None
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    targets: tuple[str, ...] | None = None
    bind: str | None = None
    quiet: bool | None = None
    fail_on: str | None = None
    show: str | None = None
    traceback: bool = False
    help: bool = False

    @classmethod
    def parse(cls, words: Iterable[str], namespace: Mapping[str, Any]) -> ExportOptions:
        """Read the words of a line; `namespace` holds the variables that option values may name.

        Raises
        ------
        UsageMistake
            An option or its value is wrong; the message says what to write.
        """
        call, given = parse_words(words, EXPORT_OPTIONS)
        if "no_prove" in given:
            given["prove"] = not given.pop("no_prove")
        if "dynamic" in given:
            given["dynamic"] = _dynamic(given["dynamic"], namespace)
        return cls(call=tuple(call), **_values(given, EXPORT_OPTIONS, namespace))


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What stands on the line of ``%onnx_check``; None where an option was not given and a setting may decide.

    ``against`` and ``data`` are expressions, still text: only who runs the user's code can say what they are.
    """

    subject: tuple[str, ...] = ()
    against: str | None = None
    data: str | None = None
    samples: int = 16
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    targets: tuple[str, ...] | None = None
    output: str | None = None
    run: bool = True
    bind: str | None = None
    quiet: bool | None = None
    fail_on: str | None = None
    show: str | None = None
    traceback: bool = False
    explain: str | None = None
    help: bool = False

    @classmethod
    def parse(cls, words: Iterable[str], namespace: Mapping[str, Any]) -> CheckOptions:
        """Read the words of a line; `namespace` holds the variables that option values may name.

        Raises
        ------
        UsageMistake
            An option or its value is wrong; the message says what to write.
        """
        subject, given = parse_words(words, CHECK_OPTIONS)
        expressions = {name: unquote(given.pop(name)) for name in ("against", "data") if name in given}
        if given.pop("no_run", False):
            given["run"] = False
        return cls(subject=tuple(subject), **expressions, **_values(given, CHECK_OPTIONS, namespace))


NAMES = {"as": "bind", "target": "targets"}
"""Options that are called otherwise in Python: one is a keyword, the other takes several."""


def _values(given: dict[str, Any], table: Sequence[Option], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the parser gave, each text read, under its name in Python."""
    values: dict[str, Any] = {}
    for option in table:
        if option.dest not in given:
            continue
        value, name, flag = given[option.dest], NAMES.get(option.dest, option.dest), option.flags[-1]
        if not option.value or option.dest == "dynamic":
            values[name] = value
        elif option.repeatable:
            values[name] = tuple(p for text in value for p in _pieces(expand(flag, unquote(text), namespace)))
        else:
            values[name] = _value(option, expand(flag, unquote(value), namespace))
    return values | {name: value for name, value in given.items() if name in ("prove", "run")}


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.split(",") if piece.strip()]


def _value(option: Option, text: str) -> Any:
    flag = option.flags[-1]
    if flag == "--output":
        return os.path.expanduser(text)  # noqa: PTH111  # text: a Path would drop the final slash that names a folder
    if option.choices and text not in option.choices:
        raise UsageMistake(f"{flag} takes {_listed(option.choices)}, not {text!r}.")
    if flag in ("--opset", "--samples"):
        if not text.isdecimal():
            raise UsageMistake(f"{flag} takes a whole number, for example 20, not {text!r}.")
        return int(text)
    if flag == "--as" and (not text.isidentifier() or iskeyword(text)):
        raise UsageMistake(f"--as takes the name of a variable, not {text!r}.")
    if flag in ("--input-names", "--output-names"):
        return tuple(name.strip() for name in text.split(","))
    return text


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" or {words[-1]}"


AXIS = re.compile(r"(?P<argument>[^:=]+):(?P<axis>-?\d+)(?:=(?P<name>[^=]+))?")
DYNAMIC_HINT = 'Write for example --dynamic x:2=height, or --dynamic {"x": {2: "height"}}.'


def _dynamic(values: Sequence[str], namespace: Mapping[str, Any]) -> Any:
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
