"""The options of the magics and of the command: tables, read by the parser, the help, the completion and the docs.

So none of these can drift from the others. What their values mean is ``given``'s.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

__all__ = [
    "CHECK_OPTIONS",
    "COMMAND_OPTIONS",
    "DIFF_COMMAND_OPTIONS",
    "DIFF_OPTIONS",
    "EXPORT_OPTIONS",
    "SHOW_COMMAND_OPTIONS",
    "SHOW_OPTIONS",
    "Option",
    "help_of",
]


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
KEEP = Option(("--keep",), "N", "with %%onnx_export MODEL: how many calls are kept with their values; default: 16")
BUDGET = Option(("--budget",), "SIZE", "with %%onnx_export MODEL: the most memory that they take; default: 1GB")
LIKE = Option(
    ("--like",),
    "EXPR",
    "with %onnx_export MODEL: where the inputs come from, one batch of a DataLoader, a dataset, any iterable, or a "
    "batch itself",
)
DATA = Option(("--data",), "EXPR", "batches to run it on: a DataLoader, a list of tuples or dicts, an array")
SAMPLES = Option(("--samples",), "N|all", "how many samples (rows) are taken from --data; default: 1000")
EXECUTOR = Option(
    ("--executor",),
    "EXPR",
    "who runs --data: any concurrent.futures.Executor, a process pool or a cluster; default: this kernel",
)
OPEN = Option(
    ("--open",),
    "MODULE",
    "a module that is open at first, for example layer1.0; repeat it, or put commas between",
    repeatable=True,
)
PIN = Option(
    ("--pin",),
    "A=B",
    "a node of the first and the one of the second that it is, by name; the rest is matched around it; repeat it",
    repeatable=True,
)
TOLERANCE = Option(("--tolerance",), "X", "relative difference from which on a value counts; default: 1e-4")
TIME = Option(("--time",), "", "measure how long both take, in turns on the same inputs")
MARKDOWN = Option(("--markdown",), "FILE", "write the report there as Markdown, for a pull request")
FAIL_ON_DIFF = Option(
    ("--fail-on",),
    "LEVEL",
    "raise when there is such a difference: a signature that breaks callers, another structure, other weights, other "
    "outputs, or any of them",
    choices=("breaking", "structure", "weights", "outputs", "any", "never"),
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
    KEEP,
    BUDGET,
    LIKE,
    replace(DATA, help="more batches for the proof: a DataLoader, a list of tuples or dicts, an array"),
    SAMPLES,
    EXECUTOR,
    Option(("--no-prove",), "", "do not run the file and compare it with PyTorch", negatable=True),
    Option(("--no-changes",), "", "do not compare the new file with the one that it replaces", negatable=True),
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
    DATA,
    SAMPLES,
    EXECUTOR,
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
SHOW_OPTIONS = (
    OPEN,
    AS,
    QUIET,
    SHOW,
    Option(("--traceback",), "", "when a model cannot be exported, show the whole stack, not the short report"),
    HELP,
)
DIFF_OPTIONS = (
    replace(DATA, help="batches that both run on: a DataLoader, a list of tuples or dicts, an array"),
    SAMPLES,
    PIN,
    TOLERANCE,
    TIME,
    replace(NO_RUN, help="read both only; do not run them in ONNX Runtime"),
    FAIL_ON_DIFF,
    MARKDOWN,
    AS,
    QUIET,
    SHOW,
    Option(("--traceback",), "", "when it fails, show the whole stack, not the short report"),
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
SHOW_COMMAND_OPTIONS = (
    OPEN,
    Option(("-o", "--output"), "FILE", "write a picture of the graph there, an .svg; default: a tree to the terminal"),
    HELP,
)
DIFF_COMMAND_OPTIONS = (
    PIN,
    TOLERANCE,
    TIME,
    replace(NO_RUN, help="read both only; do not run them in ONNX Runtime"),
    replace(
        FAIL_ON_DIFF,
        help="end with status 1 when there is such a difference: a signature that breaks callers, another structure, "
        "other weights, other outputs, or any of them; default: never",
    ),
    Option(("--format",), "FORMAT", "of the report; default: text", choices=("text", "markdown", "json")),
    Option(("-o", "--output"), "FILE", "where the report goes; default: to the terminal"),
    HELP,
)


def help_of(table: Sequence[Option]) -> str:
    """Return the options of `table` as text, a line or two each."""
    lines: list[str] = []
    for option in table:
        text = option.help + (f" (undo a setting: {option.negative})" if option.negatable else "")
        body = textwrap.wrap(text, 76, break_on_hyphens=False)
        lines += [f"  {option.usage}", *(f"      {line}" for line in body)]
    return "\n".join(lines)
