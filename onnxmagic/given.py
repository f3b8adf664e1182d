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
from typing import Any, ClassVar, Literal, TypeVar

from onnxmagic.errors import UsageMistake
from onnxmagic.line import expand, unquote
from onnxmagic.options import CHECK_OPTIONS, EXPORT_OPTIONS, SHOW_OPTIONS, Option
from onnxmagic.parsing import parse_words
from onnxmagic.record.budget import parse_budget

__all__ = ["CheckOptions", "ExportOptions", "ShowOptions"]

_Options = TypeVar("_Options", bound="_LineOptions")


@dataclass(frozen=True, slots=True)
class _LineOptions:
    """What may stand on either line; None where an option was not given and a setting may decide.

    A subclass names its ``TABLE`` of options, and the field that takes the ``WORDS`` that are no options.
    """

    TABLE: ClassVar[Sequence[Option]]
    WORDS: ClassVar[str]

    output: str | None = None
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
    def parse(  # noqa: PYI019  # typing.Self came with Python 3.11
        cls: type[_Options], words: Iterable[str], namespace: Mapping[str, Any]
    ) -> _Options:
        """Read the words of a line; `namespace` holds the variables that option values may name.

        Raises
        ------
        UsageMistake
            An option or its value is wrong; the message says what to write.
        """
        others, given = parse_words(words, cls.TABLE)
        values = _values(given, cls.TABLE, namespace)
        values[cls.WORDS] = tuple(others)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ExportOptions(_LineOptions):
    """What stands on the line of ``%onnx_export``; None where an option was not given and a setting may decide.

    ``like``, ``data`` and ``executor`` are expressions, still text: only who runs the user's code can say what
    they are.
    """

    TABLE = EXPORT_OPTIONS
    WORDS = "call"

    call: tuple[str, ...] = ()
    opset: int | None = None
    dynamic: Any = "auto"
    static: bool | None = None
    input_names: tuple[str, ...] | None = None
    output_names: tuple[str, ...] | None = None
    train: bool = False
    keep_source: bool | None = None
    external_data: bool | None = None
    prove: bool | None = None
    keep: int | None = None
    budget: str | None = None
    like: str | None = None
    data: str | None = None
    samples: int | Literal["all"] | None = None
    executor: str | None = None


@dataclass(frozen=True, slots=True)
class CheckOptions(_LineOptions):
    """What stands on the line of ``%onnx_check``; None where an option was not given and a setting may decide.

    ``against``, ``data`` and ``executor`` are expressions, still text, as in ``ExportOptions``.
    """

    TABLE = CHECK_OPTIONS
    WORDS = "subject"

    subject: tuple[str, ...] = ()
    against: str | None = None
    data: str | None = None
    samples: int | Literal["all"] | None = None
    executor: str | None = None
    run: bool = True
    explain: str | None = None


@dataclass(frozen=True, slots=True)
class ShowOptions(_LineOptions):
    """What stands on the line of ``%onnx_show``; None where an option was not given and a setting may decide."""

    TABLE = SHOW_OPTIONS
    WORDS = "subject"

    subject: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()


NAMES = {"as": "bind", "open": "opened", "target": "targets", "no_prove": "prove", "no_run": "run"}
"""Options that are called otherwise in Python: keywords and built-ins, what takes several, what is not to be done."""

EXPRESSIONS = ("against", "like", "data", "executor")


def _values(given: dict[str, Any], table: Sequence[Option], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the parser gave, each text read, under its name in Python."""
    # The user's own code runs before a mistake in another option is told.
    values = {"dynamic": _dynamic(given.pop("dynamic"), namespace)} if "dynamic" in given else {}
    for option in table:
        if option.dest in given:
            values[NAMES.get(option.dest, option.dest)] = _read(option, given[option.dest], namespace)
    return values


def _read(option: Option, given: Any, namespace: Mapping[str, Any]) -> Any:
    if not option.value:
        return not given if option.dest.startswith("no_") else given
    if option.dest in EXPRESSIONS:
        return unquote(given)
    flag = option.flags[-1]
    if option.repeatable:
        return tuple(piece for text in given for piece in _pieces(expand(flag, unquote(text), namespace)))
    return _value(option, expand(flag, unquote(given), namespace))


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.split(",") if piece.strip()]


def _value(option: Option, text: str) -> Any:
    flag = option.flags[-1]
    if flag == "--output":
        return os.path.expanduser(text)  # noqa: PTH111  # text: a Path would drop the final slash that names a folder
    if option.choices and text not in option.choices:
        raise UsageMistake(f"{flag} takes {_listed(option.choices)}, not {text!r}.")
    if flag in WHOLE:
        return _whole(flag, text)
    if flag == "--budget":
        return _size(text)
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
