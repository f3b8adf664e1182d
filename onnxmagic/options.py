"""The options of the magics and of the command: tables, read by the parser, the help, the completion and the docs.

So none of these can drift from the others. Here words are only told apart; what their values mean is ``given``'s.
"""

from __future__ import annotations

import argparse
import pkgutil
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NoReturn

from onnxmagic.errors import UsageMistake

__all__ = ["CHECK_OPTIONS", "COMMAND_OPTIONS", "EXPORT_OPTIONS", "Option", "fix_words", "help_of", "parse_words"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its spellings, the name of its value (empty for a switch), its choices and its help.

    A ``negatable`` switch can be set by ``%config`` too, so it has a ``--no-`` form that wins over the setting.
    ``implied`` is what stands for a value that is left out; empty where it must be given.
    """

    flags: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()
    negatable: bool = False
    repeatable: bool = False
    implied: str = ""

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

    @property
    def usage(self) -> str:
        """How it is written, with its value: ``-o, --output FILE``."""
        value = "|".join(self.choices) or self.value
        return ", ".join(self.flags) + (f" {value}" if value else "")


HELP = Option(("-h", "--help"), "", "print this text")
AS = Option(("--as",), "NAME", "bind the result to this variable")
QUIET = Option(("-q", "--quiet"), "", "show nothing; a `;` at the end does the same", negatable=True)
SHOW = Option(("--show",), "HOW", "how the report is shown", choices=("auto", "html", "widget", "text"))
TARGET = Option(
    ("--target",),
    "NAME[==VERSION]",
    "a stack that the file is meant for, for example onnxruntime==1.17; repeat it, or put commas between",
    repeatable=True,
)
SELECT = Option(
    ("--select",),
    "CODES",
    "only these findings count: codes, their starts or names, for example OM4,train-mode; repeatable",
    repeatable=True,
)
IGNORE = Option(("--ignore",), "CODES", "these findings do not count, written as for --select", repeatable=True)
FIX = Option(
    ("--fix",),
    "[safe|unsafe|NAMES]",
    "mend the graph and prove it again: what changes no number (safe, the default), all that can be mended (unsafe), "
    "or what is named, codes or rewrites with commas between",
    repeatable=True,
    implied="safe",
)
FAIL_ON = Option(
    ("--fail-on",),
    "LEVEL",
    "raise when there is such a finding or a worse one",
    choices=("error", "warning", "never"),
)
EXPLAIN = Option(
    ("--explain",),
    "CODE",
    "print what a rule finds, why it hurts and how to mend it; or what an error text, in quotes, means",
)
NO_RUN = Option(("--no-run",), "", "read the file only; do not run it in ONNX Runtime")

EXPORT_OPTIONS = (
    Option(("-o", "--output"), "FILE", "the .onnx file, replaced whole or not touched; without it, in memory only"),
    Option(("--opset",), "N", "version of the ONNX operator set, for example 20"),
    replace(TARGET, help=f"{TARGET.help}; opset and IR version are chosen to fit"),
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
    SELECT,
    IGNORE,
    FIX,
    AS,
    QUIET,
    replace(FAIL_ON, help="raise, and keep the old file, when there is such a finding or a worse one"),
    SHOW,
    Option(("--traceback",), "", "when the export fails, show the whole stack, not the short report"),
    HELP,
)
CHECK_OPTIONS = (
    Option(("--against",), "MODEL", "the PyTorch model that the file is compared with"),
    Option(("--data",), "EXPR", "batches to run it on: a DataLoader, a list of tuples or dicts, an array"),
    Option(("--samples",), "N", "how many batches are taken from --data; default: 16"),
    TARGET,
    SELECT,
    IGNORE,
    FIX,
    Option(("-o", "--output"), "FILE", "where --fix writes the mended file"),
    NO_RUN,
    AS,
    QUIET,
    FAIL_ON,
    SHOW,
    Option(("--traceback",), "", "when the check fails, show the whole stack, not the short report"),
    EXPLAIN,
    HELP,
)
COMMAND_OPTIONS = (
    TARGET,
    SELECT,
    IGNORE,
    replace(FAIL_ON, help="end with status 1 when there is such a finding or a worse one; default: error"),
    Option(("--format",), "FORMAT", "of the report; default: text", choices=("text", "json", "sarif")),
    Option(("-o", "--output"), "FILE", "where the report goes; default: to the terminal"),
    FIX,
    Option(("--fixed",), "FILE", "where --fix writes the mended model"),
    NO_RUN,
    EXPLAIN,
    HELP,
)


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


def help_of(table: Sequence[Option]) -> str:
    """Return the options of `table` as text, a line or two each."""
    lines: list[str] = []
    for option in table:
        text = option.help + (f" (undo a setting: {option.negative})" if option.negatable else "")
        body = textwrap.wrap(text, 76, break_on_hyphens=False)
        lines += [f"  {option.usage}", *(f"      {line}" for line in body)]
    return "\n".join(lines)
