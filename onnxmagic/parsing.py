"""The words of a line told apart: which are options, which are their values, and which are neither.

What the values mean is ``given``'s.
"""

from __future__ import annotations

import argparse
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from onnxmagic.errors import UsageMistake
from onnxmagic.options import Option

__all__ = ["fix_words", "parse_words"]


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
    words = list(_with_values(words, table))
    given, unknown = parser.parse_known_intermixed_args(words)
    if unknown:
        raise UsageMistake(f"There is no option {unknown[0]}.{_nearest(unknown[0], table)}")
    values = vars(given)
    return values.pop("words"), values


def _with_values(words: Iterable[str], table: Sequence[Option]) -> Iterator[str]:
    """Yield `words` with each value that may be left out bound to its option, so that no other word is taken for it."""
    lenient = {spelling: option.implied for option in table if option.implied for spelling in option.spellings}
    waiting = ""
    for word in words:
        if waiting:
            is_value = _is_fix(word)
            yield f"{waiting}={word if is_value else lenient[waiting]}"
            waiting = ""
            if is_value:
                continue
        if word in lenient:
            waiting = word
        else:
            yield word
    if waiting:
        yield f"{waiting}={lenient[waiting]}"


LIKE_A_CODE = re.compile(r"OM\d+", re.IGNORECASE)


def _is_fix(word: str) -> bool:
    """Return whether `word` after ``--fix`` says what to mend: else it is the call, a path, or another option.

    What is nearly a rewrite's name is taken for one, so that the mistake is told as what it is.
    """
    if word.startswith("-"):
        return False
    known = fix_words()
    return all(
        piece in known or LIKE_A_CODE.fullmatch(piece) or get_close_matches(piece, known, n=1, cutoff=0.85)
        for piece in word.strip("\"'").split(",")
    )


def fix_words() -> list[str]:
    """Return what may stand after ``--fix``: levels, names of rewrites, codes and names of rules."""
    from onnxmagic.check import catalogue
    from onnxmagic.fix import rewrites

    # A rewrite is called as its file is; importing them would bring onnx_ir.
    named = sorted(found.name.replace("_", "-") for found in pkgutil.iter_modules(rewrites.__path__))
    rules = [word for loaded in catalogue.rules() for word in (loaded.rule.code, loaded.rule.name)]
    return ["safe", "unsafe", *named, *rules]


def _nearest(word: str, table: Sequence[Option]) -> str:
    known = [spelling for option in table for spelling in option.spellings]
    near = get_close_matches(word.partition("=")[0], known, n=1)
    return f" Did you mean {near[0]}?" if near else " --help lists them."
