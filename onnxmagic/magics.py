"""The magics: parse, call, show. Nothing else happens here.

A mistake in the line is IPython's ``UsageError`` itself, which is shown as one line (IPython compares types: a subclass
would print a stack through our files). A failed export is our own exception, which shows itself as a short report.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from onnxmagic.call import Call, Evaluate, capture, last_call, parse_call, short_name
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
from onnxmagic.completion import IDENTIFIER, matcher
from onnxmagic.config import OnnxMagic, settings_of
from onnxmagic.errors import UsageMistake
from onnxmagic.export import export
from onnxmagic.given import CheckOptions, ExportOptions
from onnxmagic.helptext import CHECK_HELP, EXPORT_HELP
from onnxmagic.line import split_line
from onnxmagic.present import Manner, present
from onnxmagic.subject import evaluated, expression, path_of, read_subject

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from onnxmagic.examine.result import Check
    from onnxmagic.export.result import Export

__all__ = ["OnnxMagics", "load", "unload"]

OURS = ("OnnxMagics", "OnnxMagic")


@contextmanager
def _plainly() -> Generator[None]:
    try:
        yield
    except UsageMistake as mistake:
        raise UsageError(str(mistake)) from mistake


@magics_class
class OnnxMagics(Magics):
    """``%onnx_export``, ``%%onnx_export`` and ``%onnx_check``."""

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
            if cell is None:
                call, silenced = self._on_line(options, local_ns), words.silenced
            else:
                call, silenced = self._in_cell(options, cell)
            quiet = silenced or words.silenced
            result = present(self.ip, self._exporting(call, options), self._manner(options, quiet=quiet))
        return None if quiet and value_is_dropped(self.ip) else result

    @needs_local_scope
    @no_var_expand
    @line_magic
    def onnx_check(self, line: str, local_ns: dict[str, Any] | None = None) -> Check | None:
        """Check a call, a file or a value; the text that people see is set below, with the options."""
        with _plainly():
            words = split_line(line)
            variables = self._variables(local_ns)
            options = CheckOptions.parse(words.words, variables)
            if options.help:
                sys.stdout.write(CHECK_HELP)
                return None
            if options.explain is not None:
                sys.stdout.write(_explained(options))
                return None
            quiet = words.silenced
            result = present(self.ip, self._checking(options, variables), self._manner(options, quiet=quiet))
        return None if quiet and value_is_dropped(self.ip) else result

    def _variables(self, local_ns: dict[str, Any] | None) -> dict[str, Any]:
        """Return a copy of all that the user's code sees; the innermost wins."""
        return {**self.ip.user_global_ns, **self.ip.user_ns, **(local_ns or {})}

    def _on_line(self, options: ExportOptions, local_ns: dict[str, Any] | None) -> Call:
        filename, lineno = calling_line(self.ip)
        expression = moved(parse_call(options.call), lineno)
        return capture(expression, self._variables(local_ns), evaluator(self.ip, filename))

    def _in_cell(self, options: ExportOptions, cell: str) -> tuple[Call, bool]:
        if options.call:
            words = " ".join(options.call)
            raise UsageMistake(
                f"%%onnx_export takes options alone, not `{words}`: write the call as the last line of the cell."
            )
        from onnxmagic.export.request import Request

        # A cell may run for hours: what can be wrong is said before. But it may also make the folder of the file.
        early: dict[str, Any] = {**self._chosen(options), "output": None}
        Request.make(**early, name=None)
        tree, name, silenced = parse_body(self.ip, cell)
        call = last_call(tree, self._variables(None))
        run_body(self.ip, tree.body[:-1], name)
        return capture(call, self._variables(None), evaluator(self.ip, name)), silenced

    def _exporting(self, call: Call, options: ExportOptions) -> Callable[[Any], Export]:
        common = {**self._chosen(options), **self._common(call.name)}
        return lambda progress: export(call.model, call.args, call.kwargs, **common, progress=progress)

    def _checking(self, options: CheckOptions, variables: dict[str, Any]) -> Callable[[Any], Check]:
        """Return what makes the check; all that the user wrote is evaluated before, once."""
        filename, lineno = calling_line(self.ip)
        evaluate = evaluator(self.ip, filename)
        subject, name = self._subject(options.subject, variables, evaluate, lineno)

        def value(option: str, text: str | None) -> Any:
            return None if text is None else evaluated(moved(expression(option, text), lineno), variables, evaluate)

        chosen = {
            "against": value("--against", options.against),
            "data": value("--data", options.data),
            "samples": options.samples,
            "output": options.output,
            "run": options.run,
            "fail_on": _first(options.fail_on, self.settings.fail_on),
            **self._rules_and_targets(options),
            **self._common(name),
        }
        return lambda progress: check(*subject, **chosen, progress=progress)

    def _subject(
        self, words: tuple[str, ...], variables: dict[str, Any], evaluate: Evaluate, lineno: int
    ) -> tuple[tuple[Any, ...], str | None]:
        """Return what ``check`` is given first, and what the report calls it; a file is called by its own name."""
        path = path_of(words, variables)
        if path is not None:
            return (path,), None
        node = moved(parse_call(words), lineno)
        call, value = read_subject(node, variables, evaluate)
        if call is None:
            return (value,), None if isinstance(value, str | os.PathLike) else short_name(node)
        return (call.model, call.args, call.kwargs), call.name

    def _manner(self, options: ExportOptions | CheckOptions, *, quiet: bool) -> Manner:
        quiet = quiet or _first(options.quiet, self.settings.quiet)
        return Manner(quiet, _first(options.show, self.settings.show), options.bind, options.traceback)

    def _common(self, name: str | None) -> dict[str, Any]:
        return {"name": name, "cells": partial(notebook_cell, shell=self.ip)}

    def _rules_and_targets(self, options: ExportOptions | CheckOptions) -> dict[str, Any]:
        """Return what counts, what is mended and for whom; see ``OnnxMagic`` for how line and settings combine."""
        from onnxmagic.check import catalogue

        standing = () if options.select else catalogue.known(self.settings.ignore)
        return {
            "select": options.select or (),
            "ignore": tuple(dict.fromkeys([*standing, *options.ignore])),
            "fix": ",".join(options.fix) or False,
            "targets": _first(options.targets, self.settings.targets),
        }

    def _chosen(self, options: ExportOptions) -> dict[str, Any]:
        """Return the keywords of ``export`` that the line or, where it is silent, the settings decide."""
        return {
            "output": options.output,
            "opset": _first(options.opset, self.settings.opset),
            "dynamic": options.dynamic,
            "static": _first(options.static, self.settings.static),
            "input_names": options.input_names,
            "output_names": options.output_names,
            "train": options.train,
            "keep_source": _first(options.keep_source, self.settings.keep_source),
            "external_data": options.external_data,
            "prove": _first(options.prove, self.settings.prove),
            "fail_on": _first(options.fail_on, self.settings.fail_on),
            **self._rules_and_targets(options),
        }


def _first(given: Any, setting: Any) -> Any:
    return setting if given is None else given


def _explained(options: CheckOptions) -> str:
    if options.subject:
        raise UsageMistake(f"--explain stands alone: %onnx_check --explain {options.explain}")
    from onnxmagic.check.known_errors import explain

    return explain(options.explain or "").rstrip() + "\n"


OnnxMagics.onnx_export.__doc__ = EXPORT_HELP
OnnxMagics.onnx_check.__doc__ = CHECK_HELP


def load(shell: InteractiveShell) -> None:
    """Register the magics, their settings and their completion; a second time changes nothing."""
    unload(shell)
    settings = settings_of(shell)
    shell.configurables.append(settings)  # type: ignore[arg-type]  # IPython's stub names the first element's class
    shell.register_magics(OnnxMagics(shell, settings))
    shell.Completer.custom_matchers.append(matcher(shell))


def unload(shell: InteractiveShell) -> None:
    """Take back what ``load`` registered; what the user has put in its place stays.

    Found by name: a reload may have made the classes anew.
    """
    manager = shell.magics_manager
    manager.registry.pop("OnnxMagics", None)
    for registered in manager.magics.values():
        for name in ("onnx_export", "onnx_check"):
            if type(getattr(registered.get(name), "__self__", None)).__name__ in OURS:
                del registered[name]
    shell.configurables[:] = [c for c in shell.configurables if type(c).__name__ not in OURS]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", None) != IDENTIFIER]
