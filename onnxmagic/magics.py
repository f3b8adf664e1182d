"""The magics: parse, call, show. Nothing else happens here.

A mistake in the line is IPython's ``UsageError`` itself, which is shown as one line (IPython compares types: a subclass
would print a stack through our files). A failed export is our own exception, which shows itself as a short report.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand

from onnxmagic.call import Call, capture, last_call, parse_call
from onnxmagic.cell import (
    calling_line,
    evaluator,
    full_traceback,
    moved,
    notebook_cell,
    parse_body,
    run_body,
    value_is_dropped,
)
from onnxmagic.completion import IDENTIFIER, matcher
from onnxmagic.config import OnnxMagic, settings_of
from onnxmagic.errors import ExportError, GateClosed, UsageMistake
from onnxmagic.export import export
from onnxmagic.line import split_line
from onnxmagic.options import CHECK_OPTIONS, EXPORT_OPTIONS, ExportOptions, help_of, parse_words

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from onnxmagic.export.result import Export

__all__ = ["OnnxMagics", "load", "unload"]

OURS = ("OnnxMagics", "OnnxMagic")
EXPORT_HELP = f"""Export a PyTorch model to ONNX, run the file against PyTorch, and show what is in it.

    %onnx_export CALL [options]         CALL is what you would run: model(x, mask=m), net.encoder(*batch), Net()(x)
    %%onnx_export [options]             the cell runs as it is; its last line is the CALL

The arguments are evaluated, the call is not made. The model, the variables and the files are afterwards as before, but
for the file you name, which is replaced whole or not touched. Unless told otherwise the model is exported in eval mode,
its batch axis is made dynamic where the model allows it, and the file is run at several batch sizes and compared.

Examples

    %onnx_export model(x)
    %onnx_export model(x) -o net.onnx --dynamic x:2=height --dynamic x:3=width
    e = %onnx_export model(x, mask=mask) -o "runs/{{run}}.onnx" --fail-on error;

    %%onnx_export -o net.onnx --as e
    x = torch.randn(1, 3, 224, 224)
    model(x)

Options: $name and {{expression}} in a value are expanded; the call is left as it is

{help_of(EXPORT_OPTIONS)}

The result has .ok, .path, .findings, .graph, .parity, .axes and .save(path). `%config OnnxMagic` lists the settings
that hold for every export.
"""
CHECK_HELP = f"""Explain a rule of the checks that every %onnx_export makes.

    %onnx_check --explain OM101
    %onnx_check --explain train-mode

{help_of(CHECK_OPTIONS)}
"""


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
            result = self._export(call, options, quiet=quiet)
        return None if quiet and value_is_dropped(self.ip) else result

    @no_var_expand
    @line_magic
    def onnx_check(self, line: str) -> None:
        """Explain a rule; the text that people see is set below, with the options."""
        with _plainly():
            rest, given = parse_words(split_line(line).words, CHECK_OPTIONS)
            if given.get("help"):
                sys.stdout.write(CHECK_HELP)
                return
            if rest or "explain" not in given:
                raise UsageMistake(
                    "%onnx_check explains a rule: %onnx_check --explain OM101. %onnx_export checks models."
                )
            from onnxmagic.check.catalogue import explain

            sys.stdout.write(explain(given["explain"]).rstrip() + "\n")

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

    def _export(self, call: Call, options: ExportOptions, *, quiet: bool) -> Export:
        from onnxmagic.view import Progress, mark_shown, show

        quiet = quiet or _first(options.quiet, self.settings.quiet)
        how = _first(options.show, self.settings.show)
        progress = None if quiet else Progress()
        try:
            with progress or nullcontext():
                result = self._run(call, options, progress)
        except GateClosed as closed:
            if not quiet:
                show(closed.export, how, replace=progress)
            if options.traceback:
                full_traceback(self.ip, closed)
            raise
        except ExportError as error:
            if options.traceback:
                full_traceback(self.ip, error)
            raise
        if options.bind:
            self.ip.user_ns[options.bind] = result
        if not quiet:
            show(result, how, replace=progress)
        elif value_is_dropped(self.ip):
            mark_shown(result)  # or `Out[n]` would show it after all
        return result

    def _run(self, call: Call, options: ExportOptions, progress: Any) -> Export:
        cells = partial(notebook_cell, shell=self.ip)
        chosen = self._chosen(options)
        return export(call.model, call.args, call.kwargs, **chosen, name=call.name, cells=cells, progress=progress)

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
        }


def _first(given: Any, setting: Any) -> Any:
    return setting if given is None else given


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
