"""``python -m onnxmagic check net.onnx``, ``show`` and ``diff``: what the magics do with files, for a shell and for CI.

The status is for programs, so it never means two things: a check that found something (1) is neither a call that was
wrong (2) nor a check that broke (3). Unlike in a notebook the gate is closed by default: who runs a check in a pipeline
wants it to stop there.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from onnxmagic.check import check
from onnxmagic.diff import diff
from onnxmagic.errors import CheckFailed, DiffFound, OnnxMagicError, UsageMistake
from onnxmagic.line import unquote
from onnxmagic.options import COMMAND_OPTIONS, DIFF_COMMAND_OPTIONS, SHOW_COMMAND_OPTIONS, help_of
from onnxmagic.parsing import parse_words
from onnxmagic.printing import choice, print_result, refuse_report, write
from onnxmagic.show import show
from onnxmagic.values import read_pin, read_tolerance

if TYPE_CHECKING:
    from onnxmagic.diff.result import Diff
    from onnxmagic.examine.result import Check

__all__ = ["HELP", "main"]

FINE, FOUND, MISUSE, BROKEN, INTERRUPTED = 0, 1, 2, 3, 130
HELP = f"""Look for mistakes in a .onnx file from anywhere, look into it, or compare two; torch is not needed.

    python -m onnxmagic check FILE [options]
    python -m onnxmagic check --explain CODE
    python -m onnxmagic show FILE [options]
    python -m onnxmagic diff FILE FILE [options]

Examples

    python -m onnxmagic check net.onnx --target onnxruntime==1.17 --target openvino
    python -m onnxmagic check net.onnx --fail-on warning --ignore OM206,OM605
    python -m onnxmagic check net.onnx --format sarif -o net.sarif
    python -m onnxmagic check net.onnx --fix --fixed mended.onnx
    python -m onnxmagic show net.onnx
    python -m onnxmagic show net.onnx --open layer1 -o net.svg
    python -m onnxmagic diff before.onnx after.onnx --fail-on breaking
    python -m onnxmagic diff before.onnx after.onnx --format markdown -o changes.md

Options of check

{help_of(COMMAND_OPTIONS)}

Options of show

{help_of(SHOW_COMMAND_OPTIONS)}

Options of diff

{help_of(DIFF_COMMAND_OPTIONS)}

Status: 0 nothing at the gate (--fail-on), 1 findings or differences at the gate, 2 the call is wrong, 3 the check
itself broke.
The report goes to standard output, all else to standard error.
"""


def main(words: Sequence[str]) -> int:
    """Run the command that `words` spell, and return its exit status."""
    try:
        return _main(words)
    except UsageMistake as mistake:
        sys.stderr.write(f"onnxmagic: {mistake}\n")
        return MISUSE
    except OnnxMagicError as error:  # the mended model could not be written, or is not what it was
        sys.stderr.write(f"onnxmagic: {error}\n")
        return BROKEN
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # noqa: BLE001  # Python's own status for it is 1, which means findings here
        traceback.print_exc()
        return BROKEN


def _main(words: Sequence[str]) -> int:
    command, *rest = words or ("",)
    if command in ("-h", "--help"):
        sys.stdout.write(HELP)
        return FINE
    if command == "--version":
        from onnxmagic import __version__

        sys.stdout.write(f"onnxmagic {__version__}\n")
        return FINE
    if command not in COMMANDS:
        said = f"There is no command `{command}`" if command else "A command is missing"
        raise UsageMistake(f"{said}; write: python -m onnxmagic check net.onnx. --help says more.")
    return COMMANDS[command](rest)


def _check(words: Sequence[str]) -> int:
    files, given = parse_words(words, COMMAND_OPTIONS)
    if given.get("help"):
        sys.stdout.write(HELP)
        return FINE
    if "explain" in given:
        from onnxmagic.check.known_errors import explain

        write(explain(given["explain"]), None)
        return FINE
    kind, report = choice(COMMAND_OPTIONS, given, "format", "text"), given.get("output")
    # Whatever can be wrong in the call is said before the check, which may take minutes.
    file, options = _one(files), _options(given)
    refuse_report(report, "; a mended model goes to --fixed {}")
    result, status = _checked(file, options)
    write(_rendered(result, kind, to_file=report is not None), report)
    return status


def _show(words: Sequence[str]) -> int:
    files, given = parse_words(words, SHOW_COMMAND_OPTIONS)
    if given.get("help"):
        sys.stdout.write(HELP)
        return FINE
    file, picture = _one(files, "show"), given.get("output")
    if picture is not None:
        _refuse_picture(picture)
    opened = [path.strip() for text in given.get("open", ()) for path in unquote(text).split(",") if path.strip()]
    shown = show(file, opened=opened)
    if picture is None:
        print_result(shown)
    else:
        shown.graph.to_svg(picture, open=shown.opened)
    return FINE


def _diff(words: Sequence[str]) -> int:
    files, given = parse_words(words, DIFF_COMMAND_OPTIONS)
    if given.get("help"):
        sys.stdout.write(HELP)
        return FINE
    kind, report = choice(DIFF_COMMAND_OPTIONS, given, "format", "text"), given.get("output")
    (before, after), options = _two(files), _options_of_diff(given)
    refuse_report(report)
    result, status = _compared(before, after, options)
    write(_told(result, kind, to_file=report is not None), report)
    return status


COMMANDS = {"check": _check, "show": _show, "diff": _diff}


def _refuse_picture(picture: str) -> None:
    if not picture.lower().endswith(".svg"):
        raise UsageMistake(f"-o takes the name of an .svg file, not {picture!r}.")
    from onnxmagic.export.request import check_target

    check_target(picture)


def _one(files: Sequence[str], command: str = "check") -> str:
    if len(files) == 1:
        return files[0]
    if not files:
        raise UsageMistake(f"Which file? Write: python -m onnxmagic {command} net.onnx. --help says more.")
    raise UsageMistake(f"One file at a time, not {len(files)}: {', '.join(files[:3])}.")


def _two(files: Sequence[str]) -> Sequence[str]:
    if len(files) == 2:
        return files
    said = f"Two files are compared, not {len(files)}." if files else "Which files?"
    raise UsageMistake(f"{said} Write: python -m onnxmagic diff before.onnx after.onnx. --help says more.")


def _options_of_diff(given: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of ``diff``."""
    options: dict[str, Any] = {
        "pins": [read_pin(unquote(text)) for text in given.get("pin", ())],
        "time": given.get("time", False),
        "run": not given.get("no_run", False),
        "fail_on": choice(DIFF_COMMAND_OPTIONS, given, "fail_on", "never"),
    }
    return {**options, **({"tolerance": read_tolerance(given["tolerance"])} if "tolerance" in given else {})}


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of ``check``."""
    several = {name: ",".join(unquote(text) for text in given.get(name, ())) for name in ("select", "ignore", "fix")}
    if bool(several["fix"]) != ("fixed" in given):
        missing = "--fix is missing" if "fixed" in given else "--fixed FILE is missing: where does the mended model go"
        raise UsageMistake(f"{missing}? Write: --fix --fixed mended.onnx.")
    return {
        **several,
        "fix": several["fix"] or False,
        "output": given.get("fixed"),
        "targets": ",".join(given.get("target", ())),
        "run": not given.get("no_run", False),
        "fail_on": choice(COMMAND_OPTIONS, given, "fail_on", "error"),
    }


def _checked(file: str, options: dict[str, Any]) -> tuple[Check, int]:
    try:
        return check(file, **options), FINE
    except CheckFailed as failed:
        return failed.check, FOUND


def _rendered(result: Check, kind: str, *, to_file: bool) -> str | None:
    """Return the report; None for one that the terminal gets in its own width and colours."""
    if kind == "text":
        return str(result) + "\n" if to_file else print_result(result)
    data = result.to_sarif() if kind == "sarif" else result.to_dict()
    return _json(data)


def _compared(before: str, after: str, options: dict[str, Any]) -> tuple[Diff, int]:
    try:
        return diff(before, after, **options), FINE
    except DiffFound as found:
        # The report says what differs; what of it is forbidden is said here.
        sys.stderr.write(f"onnxmagic: {found}\n")
        return found.diff, FOUND


def _told(result: Diff, kind: str, *, to_file: bool) -> str | None:
    """Return the report; None for one that the terminal gets in its own width and colours."""
    if kind == "text":
        return str(result) + "\n" if to_file else print_result(result)
    return result.to_markdown() if kind == "markdown" else _json(result.to_dict())


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
