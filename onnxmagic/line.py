"""A magic's line as words, and the notebook's variables in the values of its options.

Neither ``shlex`` nor IPython's own splitter will do: both split inside brackets, so that ``model(x, -1)`` becomes two
words and argparse takes ``-1)`` for an option. And IPython's expansion of ``$name`` and ``{expr}`` would rewrite the
call itself (``f({x})`` becomes ``f(3)``), so it is switched off for the line and done here for option values alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from IPython.utils.text import FullEvalFormatter

from onnxmagic.errors import UsageMistake

__all__ = ["Words", "expand", "split_line", "unquote"]

CLOSING = {"(": ")", "[": "]", "{": "}"}
DOLLAR = re.compile(r"\$\$|\$([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a line; ``silenced`` is whether it ended in ``;``."""

    words: tuple[str, ...]
    silenced: bool = False


def split_line(line: str) -> Words:
    """Split `line` at blanks that are outside brackets and quotes; drop a comment and a final ``;``.

    Raises
    ------
    UsageMistake
        A bracket or quote is never closed.

    Examples
    --------
    >>> split_line('model(x, y="a b") --opset 21').words
    ('model(x, y="a b")', '--opset', '21')
    """
    words = tuple(_words(line))
    if not words or not words[-1].endswith(";"):
        return Words(words)
    last = words[-1].rstrip("; \t")
    return Words(words[:-1] + ((last,) if last else ()), silenced=True)


def _words(line: str) -> Iterator[str]:
    start, at = -1, 0
    awaited: list[str] = []
    while at < len(line):
        char = line[at]
        if char.isspace() and not awaited:
            if start >= 0:
                yield line[start:at]
            start = -1
            at += 1
            continue
        if char == "#" and start < 0:
            return
        start = at if start < 0 else start
        if char in "\"'":
            at = _end_of_quote(line, at)
            continue
        if char in CLOSING:
            awaited.append(CLOSING[char])
        elif char in ")]}":
            _close(awaited, char, line[start : at + 1])
        at += 1
    if awaited:
        raise UsageMistake(
            f"`{line[start:]}`: a `{awaited[-1]}` is missing. A call over several lines needs %%onnx_export."
        )
    if start >= 0:
        yield line[start:]


def _end_of_quote(line: str, at: int) -> int:
    quote = line[at] * 3 if line.startswith(line[at] * 3, at) else line[at]
    end = at + len(quote)
    while end < len(line):
        if line.startswith(quote, end):
            return end + len(quote)
        end += 2 if line[end] == "\\" else 1
    raise UsageMistake(f"The quote that starts at `{line[at:]}` is never closed.")


def _close(awaited: list[str], char: str, word: str) -> None:
    if not awaited:
        raise UsageMistake(f"`{word}`: the `{char}` closes nothing.")
    if awaited.pop() != char:
        raise UsageMistake(f"`{word}`: the `{char}` closes another kind of bracket.")


def unquote(value: str) -> str:
    """Return `value` without the quotes around it; backslashes stay, since a Windows path is full of them."""
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'" and value[0] not in value[1:-1]
    return value[1:-1] if quoted else value


def expand(option: str, value: str, namespace: Mapping[str, Any]) -> str:
    """Put variables into an option's value: ``$name`` (also of the environment) and ``{expression}``.

    ``$$`` is a dollar sign and ``{{`` a brace. A name ends where the object has no such attribute, so ``$run.onnx`` is
    the value of ``run`` and ``.onnx``.

    Raises
    ------
    UsageMistake
        A name is not defined, or the expression fails.

    Examples
    --------
    >>> expand("--output", "net-{width * 2}-$run.onnx", {"width": 8, "run": "a"})
    'net-16-a.onnx'
    """
    try:
        return FullEvalFormatter().vformat(DOLLAR.sub(lambda m: _value_of(m, namespace), value), (), dict(namespace))
    except Exception as error:  # an expression of the user's may raise anything
        raise UsageMistake(f"{option} {value}: {error}. Write $$ for a dollar sign, {{{{ for a brace.") from error


def _value_of(match: re.Match[str], namespace: Mapping[str, Any]) -> str:
    if not match[1]:
        return "$"
    first, *rest = match[1].split(".")
    if first in namespace:
        value = namespace[first]
    elif first in os.environ:
        value = os.environ[first]
    else:
        raise NameError(f"name {first!r} is not defined")
    while rest and hasattr(value, rest[0]):
        value = getattr(value, rest.pop(0))
    # The braces of a value are text: only those the user wrote hold expressions.
    return ".".join([str(value), *rest]).replace("{", "{{").replace("}", "}}")
