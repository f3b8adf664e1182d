"""What stands on a magic's line, read: each option's text as the value that the verbs take.

Values stay text until the whole line was parsed: then ``$name`` and ``{expression}`` are expanded, and ``values`` reads
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

from onnxmagic.line import expand, unquote
from onnxmagic.options import CHECK_OPTIONS, DIFF_OPTIONS, EXPORT_OPTIONS, SHOW_OPTIONS, Option
from onnxmagic.parsing import parse_words
from onnxmagic.values import read_dynamic, read_pin, read_value

__all__ = ["CheckOptions", "DiffOptions", "ExportOptions", "ShowOptions"]

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
    changes: bool | None = None
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


@dataclass(frozen=True, slots=True)
class DiffOptions(_LineOptions):
    """What stands on the line of ``%onnx_diff``; None where an option was not given and a setting may decide.

    ``data`` is an expression, still text, as in ``ExportOptions``.
    """

    TABLE = DIFF_OPTIONS
    WORDS = "subjects"

    subjects: tuple[str, ...] = ()
    data: str | None = None
    samples: int | Literal["all"] | None = None
    pins: tuple[tuple[str, str], ...] = ()
    tolerance: float | None = None
    time: bool = False
    run: bool = True
    markdown: str | None = None


NAMES = {
    "as": "bind",
    "open": "opened",
    "pin": "pins",
    "target": "targets",
    "no_prove": "prove",
    "no_changes": "changes",
    "no_run": "run",
}
"""Options that are called otherwise in Python: keywords and built-ins, what takes several, what is not to be done."""

EXPRESSIONS = ("against", "like", "data", "executor")


def _values(given: dict[str, Any], table: Sequence[Option], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the parser gave, each text read, under its name in Python."""
    # The user's own code runs before a mistake in another option is told.
    values = {"dynamic": read_dynamic(given.pop("dynamic"), namespace)} if "dynamic" in given else {}
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
    if option.dest == "pin":
        return tuple(read_pin(expand(flag, unquote(text), namespace)) for text in given)
    if option.repeatable:
        return tuple(piece for text in given for piece in _pieces(expand(flag, unquote(text), namespace)))
    return read_value(option, expand(flag, unquote(given), namespace))


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in text.split(",") if piece.strip()]
