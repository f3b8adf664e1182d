"""The options of the magics: one table, read by the parser, the help and the tab completion, which cannot drift apart.

Values stay text until all of them are known: ``$name`` and ``{expr}`` are expanded after the line was parsed, and a
wrong value is said in our words, with what to write instead.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from keyword import iskeyword
from typing import Any, NoReturn

from onnxmagic.errors import UsageMistake
from onnxmagic.line import expand, unquote

__all__ = ["CHECK_OPTIONS", "EXPORT_OPTIONS", "ExportOptions", "Option", "help_of", "parse_words"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, the name of its value (empty for a switch), its choices and its help.

    A ``negatable`` switch can be set by ``%config`` too, so it has a ``--no-`` form that wins over the setting.
    """

    flags: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()
    negatable: bool = False
    repeatable: bool = False

    @property
    def dest(self) -> str:
        """Name of the attribute the parser fills."""
        return self.flags[-1].lstrip("-").replace("-", "_")

    @property
    def negative(self) -> str:
        """The ``--no-`` spelling of a negatable switch."""
        long = self.flags[-1].removeprefix("--")
        return f"--{long[3:]}" if long.startswith("no-") else f"--no-{long}"

    @property
    def spellings(self) -> tuple[str, ...]:
        """All ways to write it."""
        return (*self.flags, self.negative) if self.negatable else self.flags


HELP = Option(("-h", "--help"), "", "print this text")
EXPORT_OPTIONS = (
    Option(("-o", "--output"), "FILE", "the .onnx file, replaced whole or not touched; without it, in memory only"),
    Option(("--opset",), "N", "version of the ONNX operator set, for example 20"),
    Option(
        ("--dynamic",),
        "ARG:AXIS[=NAME]",
        'an axis that may vary besides the batch, for example x:2=height; repeat it, or write {"x": {2: "height"}}',
        repeatable=True,
    ),
    Option(("--static",), "", "keep every axis at the example's size, those of --dynamic excepted", negatable=True),
    Option(("--input-names",), "A,B", "names of the graph's inputs; default: the parameters of forward"),
    Option(("--output-names",), "A,B", "names of the graph's outputs; default: the keys or fields of what it returns"),
    Option(("--train",), "", "export in the mode the model is in; default: eval for the export, then as it was"),
    Option(("--keep-source",), "", "keep source lines and local paths in the file", negatable=True),
    Option(("--external-data",), "", "weights in a second file; default: only from 1.5 GB on"),
    Option(("--no-prove",), "", "do not run the file and compare it with PyTorch", negatable=True),
    Option(("--as",), "NAME", "bind the result to this variable"),
    Option(("-q", "--quiet"), "", "show nothing; a `;` at the end does the same", negatable=True),
    Option(
        ("--fail-on",),
        "LEVEL",
        "raise, and keep the old file, when there is such a finding or a worse one",
        choices=("error", "warning", "never"),
    ),
    Option(("--show",), "HOW", "how the report is shown", choices=("auto", "html", "widget", "text")),
    Option(("--traceback",), "", "when the export fails, show the whole stack, not the short report"),
    HELP,
)
CHECK_OPTIONS = (Option(("--explain",), "CODE", "print what a rule finds, why it hurts and how to mend it"), HELP)


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        option, _, problem = message.removeprefix("argument ").partition(": ")
        raise UsageMistake(f"{option} needs a value." if problem == "expected one argument" else f"{message}.")


def parse_words(words: Iterable[str], table: Sequence[Option]) -> tuple[list[str], dict[str, Any]]:
    """Return the words that are no options, and the options given, by ``Option.dest``.

    Raises
    ------
    UsageMistake
        An unknown option, or one without its value.
    """
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", default=[])
    for option in table:
        if option.value:
            parser.add_argument(*option.flags, dest=option.dest, action="append" if option.repeatable else "store")
        else:
            parser.add_argument(*option.flags, dest=option.dest, action="store_true")
        if option.negatable:
            parser.add_argument(option.negative, dest=option.dest, action="store_false")
    given, unknown = parser.parse_known_intermixed_args(list(words))
    if unknown:
        raise UsageMistake(f"There is no option {unknown[0]}.{_nearest(unknown[0], table)}")
    values = vars(given)
    return values.pop("words"), values


def _nearest(word: str, table: Sequence[Option]) -> str:
    known = [spelling for option in table for spelling in option.spellings]
    near = get_close_matches(word.partition("=")[0], known, n=1)
    return f" Did you mean {near[0]}?" if near else " --help lists them."


def help_of(table: Sequence[Option]) -> str:
    """Return the options of `table` as text, a line or two each."""
    lines: list[str] = []
    for option in table:
        value = "|".join(option.choices) or option.value
        spelling = ", ".join(option.flags) + (f" {value}" if value else "")
        text = option.help + (f" (undo a setting: {option.negative})" if option.negatable else "")
        body = textwrap.wrap(text, 76, break_on_hyphens=False)
        lines += [f"  {spelling}", *(f"      {line}" for line in body)]
    return "\n".join(lines)


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
        for option in EXPORT_OPTIONS:
            if option.value and not option.repeatable and option.dest in given:
                text = expand(option.flags[-1], unquote(given.pop(option.dest)), namespace)
                given["bind" if option.dest == "as" else option.dest] = _value(option, text)
        return cls(call=tuple(call), **given)


def _value(option: Option, text: str) -> Any:
    flag = option.flags[-1]
    if flag == "--output":
        return os.path.expanduser(text)  # noqa: PTH111  # text: a Path would drop the final slash that names a folder
    if option.choices and text not in option.choices:
        raise UsageMistake(f"{flag} takes {_listed(option.choices)}, not {text!r}.")
    if flag == "--opset":
        if not text.isdecimal():
            raise UsageMistake(f"--opset takes a whole number, for example 20, not {text!r}.")
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
