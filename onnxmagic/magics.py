"""The magics: parse, call, show. Nothing else happens here.

A mistake in the line is IPython's ``UsageError`` itself, which is shown as one line (IPython compares types: a subclass
would print a stack through our files). A failed export is our own exception, which shows itself as a short report.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from onnxmagic.call import Call, capture, last_call, parse_call, short_name
from onnxmagic.cell import (
    calling_line,
    evaluator,
    moved,
    notebook_cell,
    parse_body,
    run_body,
    value_is_dropped,
)
from onnxmagic.check import check
from onnxmagic.chosen import chosen_for_export, first, given_of_diff, manner, rules_and_targets, samples
from onnxmagic.config import OnnxMagic
from onnxmagic.diff import diff
from onnxmagic.errors import UsageMistake
from onnxmagic.export import export
from onnxmagic.given import CheckOptions, DiffOptions, ExportOptions, ShowOptions
from onnxmagic.helptext import CHECK_HELP, DIFF_HELP, EXPORT_HELP, SHOW_HELP
from onnxmagic.line import split_line
from onnxmagic.pair import pair_of
from onnxmagic.present import present
from onnxmagic.show import show
from onnxmagic.subject import SHOW, evaluated, expression, is_result, subject_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from onnxmagic.diff.result import Diff
    from onnxmagic.examine.result import Check
    from onnxmagic.export.result import Export
    from onnxmagic.show.result import Shown

__all__ = ["OnnxMagics"]

Options = TypeVar("Options", CheckOptions, ShowOptions, DiffOptions)
Result = TypeVar("Result")


@contextmanager
def _plainly() -> Generator[None]:
    try:
        yield
    except UsageMistake as mistake:
        raise UsageError(str(mistake)) from mistake


@magics_class
class OnnxMagics(Magics):
    """``%onnx_export``, ``%%onnx_export``, ``%onnx_check``, ``%onnx_show`` and ``%onnx_diff``."""

    def __init__(self, shell: InteractiveShell, settings: OnnxMagic) -> None:
        super().__init__(shell)
        self.ip = shell
        self.settings = settings

    @needs_local_scope
    @no_var_expand
    @line_cell_magic
    def onnx_export(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Export | None:
        """Export a call; the text that people see is set below, with the options."""
        with _plainly():
            words = split_line(line)
            options = ExportOptions.parse(words.words, self._variables(local_ns))
            if options.help:
                sys.stdout.write(EXPORT_HELP)
                return None
            call, silenced = self._on_line(options, local_ns) if cell is None else self._in_cell(options, cell)
            quiet = silenced or words.silenced
            work = self._exporting(call, options, self._variables(local_ns))
            result = present(self.ip, work, manner(options, self.settings, quiet=quiet))
        # Below a cell that was watched the report stands beside the cell's own value, and not in its place.
        return None if (quiet or "calls" in call.given) and value_is_dropped(self.ip) else result

    @needs_local_scope
    @no_var_expand
    @line_magic
    def onnx_check(self, line: str, local_ns: dict[str, Any] | None = None) -> Check | None:
        """Check a call, a file or a value; the text that people see is set below, with the options."""
        return self._asked(line, local_ns, CheckOptions, CHECK_HELP, self._checking)

    @needs_local_scope
    @no_var_expand
    @line_magic
    def onnx_show(self, line: str, local_ns: dict[str, Any] | None = None) -> Shown | None:
        """Show a call, a file or a value; the text that people see is set below, with the options."""
        return self._asked(line, local_ns, ShowOptions, SHOW_HELP, self._showing)

    @needs_local_scope
    @no_var_expand
    @line_magic
    def onnx_diff(self, line: str, local_ns: dict[str, Any] | None = None) -> Diff | None:
        """Compare two of them; the text that people see is set below, with the options."""
        return self._asked(line, local_ns, DiffOptions, DIFF_HELP, self._comparing)

    def _asked(
        self,
        line: str,
        local_ns: dict[str, Any] | None,
        table: type[Options],
        help_text: str,
        working: Callable[[Options, dict[str, Any]], Callable[[Any], Result]],
    ) -> Result | None:
        """Do what a line asks for; `working` evaluates what is written on it, once, and returns the work."""
        with _plainly():
            words = split_line(line)
            variables = self._variables(local_ns)
            options = table.parse(words.words, variables)
            if options.help:
                sys.stdout.write(help_text)
                return None
            if isinstance(options, CheckOptions) and options.explain is not None:
                sys.stdout.write(_explained(options))
                return None
            quiet = words.silenced
            work = working(options, variables)
            result = present(self.ip, work, manner(options, self.settings, quiet=quiet))
        return None if quiet and value_is_dropped(self.ip) else result

    def _variables(self, local_ns: dict[str, Any] | None) -> dict[str, Any]:
        """Return a copy of all that the user's code sees; the innermost wins."""
        return {**self.ip.user_global_ns, **self.ip.user_ns, **(local_ns or {})}

    def _on_line(self, options: ExportOptions, local_ns: dict[str, Any] | None) -> tuple[Call, bool]:
        from onnxmagic.forms import refuse_misplaced
        from onnxmagic.named import named_model, names_model

        filename, lineno = calling_line(self.ip)
        node, variables = moved(parse_call(options.call), lineno), self._variables(local_ns)
        if not names_model(node, variables):
            refuse_misplaced(options, "call")
            return capture(node, variables, evaluator(self.ip, filename)), False
        refuse_misplaced(options, "model")
        model, name = named_model(node, variables, evaluator(self.ip, filename)), short_name(node)
        if options.like is not None:
            return Call(model, (), {}, name, self._values({"like": options.like}, variables)), False
        from onnxmagic.found import find_inputs

        found = find_inputs(model, ast.unparse(node), variables)
        return Call(model, found.args, dict(found.kwargs), name, {"taken": found.taken}), False

    def _in_cell(self, options: ExportOptions, cell: str) -> tuple[Call, bool]:
        from onnxmagic.export.request import Request
        from onnxmagic.forms import refuse_misplaced
        from onnxmagic.named import named_model, refuse_missing
        from onnxmagic.watching import watched

        refuse_misplaced(options, "watched" if options.call else "cell")

        # A cell may run for hours: what can be wrong is said before. But it may also make the folder of the file.
        early: dict[str, Any] = {**chosen_for_export(options, self.settings), "output": None}
        Request.make(**early, name=None)
        body = tree, name, silenced = parse_body(self.ip, cell)
        known = self._variables(None)
        for option in ("data", "executor"):
            refuse_missing(option, getattr(options, option), known, tree)
        if options.call:
            filename, lineno = calling_line(self.ip)
            node = moved(parse_call(options.call), lineno)
            model = named_model(node, known, evaluator(self.ip, filename), tree)
            limits = {
                "keep": first(options.keep, self.settings.keep),
                "budget": first(options.budget, self.settings.budget),
            }
            return watched(self.ip, (node, model), body, **limits), False
        call = last_call(tree, known)
        run_body(self.ip, tree.body[:-1], name)
        return capture(call, self._variables(None), evaluator(self.ip, name)), silenced

    def _exporting(self, call: Call, options: ExportOptions, variables: dict[str, Any]) -> Callable[[Any], Export]:
        chosen = {
            **chosen_for_export(options, self.settings),
            **self._common(call.name),
            **call.given,
            **self._values({"data": options.data, "executor": options.executor}, variables),
            **samples(options, self.settings),
        }
        return lambda progress: export(call.model, call.args, call.kwargs, **chosen, progress=progress)

    def _checking(self, options: CheckOptions, variables: dict[str, Any]) -> Callable[[Any], Check]:
        """Return what makes the check; all that the user wrote is evaluated before, once."""
        from onnxmagic.forms import refuse_alone

        refuse_alone(options)
        filename, lineno = calling_line(self.ip)
        subject, name = subject_of(options.subject, variables, evaluator(self.ip, filename), lineno)
        written = {"against": options.against, "data": options.data, "executor": options.executor}
        chosen = {
            **self._values(written, variables),
            **samples(options, self.settings),
            "output": options.output,
            "run": options.run,
            "fail_on": first(options.fail_on, self.settings.fail_on),
            **rules_and_targets(options, self.settings),
            **self._common(name),
        }
        return lambda progress: check(*subject, **chosen, progress=progress)

    def _showing(self, options: ShowOptions, variables: dict[str, Any]) -> Callable[[Any], Shown]:
        filename, lineno = calling_line(self.ip)
        subject, name = subject_of(options.subject, variables, evaluator(self.ip, filename), lineno, SHOW)
        # A result has a name of its own, which says more than the variable it is in.
        common = self._common(None if is_result(subject[0]) else name)
        return lambda progress: show(*subject, opened=options.opened, **common, progress=progress)

    def _comparing(self, options: DiffOptions, variables: dict[str, Any]) -> Callable[[Any], Diff]:
        from onnxmagic.forms import refuse_idle

        refuse_idle(options)
        filename, lineno = calling_line(self.ip)
        (first, one), (second, other) = pair_of(options.subjects, variables, evaluator(self.ip, filename), lineno)
        chosen: dict[str, Any] = {
            **self._values({"data": options.data}, variables),
            **samples(options, self.settings),
            **given_of_diff(options),
            "names": (one, other),
            "cells": partial(notebook_cell, shell=self.ip),
        }
        return lambda progress: diff(first, second, **chosen, progress=progress)

    def _values(self, written: Mapping[str, str | None], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the values of the options that are expressions, those that were given, each evaluated once."""
        filename, lineno = calling_line(self.ip)
        evaluate = evaluator(self.ip, filename)
        return {
            option: evaluated(moved(expression(f"--{option}", text), lineno), variables, evaluate)
            for option, text in written.items()
            if text is not None
        }

    def _common(self, name: str | None) -> dict[str, Any]:
        return {"name": name, "cells": partial(notebook_cell, shell=self.ip)}


def _explained(options: CheckOptions) -> str:
    if options.subject:
        raise UsageMistake(f"--explain stands alone: %onnx_check --explain {options.explain}")
    from onnxmagic.check.known_errors import explain

    return explain(options.explain or "").rstrip() + "\n"


OnnxMagics.onnx_export.__doc__ = EXPORT_HELP
OnnxMagics.onnx_check.__doc__ = CHECK_HELP
OnnxMagics.onnx_show.__doc__ = SHOW_HELP
OnnxMagics.onnx_diff.__doc__ = DIFF_HELP
