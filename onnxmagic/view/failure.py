"""A failed export, a check or a diff that found too much, in a few lines: what, where, and what to write instead."""

from __future__ import annotations

from onnxmagic.check.finding import Finding, Where
from onnxmagic.errors import CheckFailed, DiffFound, ExportError, GateClosed, WriteFailed
from onnxmagic.view.display import wants_colour, was_shown
from onnxmagic.view.findings import finding_item, fix_line, is_code
from onnxmagic.view.parts import SIGNS, Line, Span, line
from onnxmagic.view.text import items, paint
from onnxmagic.view.words import spans
from onnxmagic.view.wrap import width, wrap

__all__ = ["check_failure_lines", "diff_failure_lines", "failure_lines"]

COLUMNS = 100
_UNSHOWN = "The whole result is the error's own `.check`; without --fail-on it is shown."
_UNSHOWN_DIFF = "The whole result is the error's own `.diff`."


def failure_lines(error: ExportError) -> list[str]:
    """Return `error` as lines for a notebook or a terminal, in colour unless the shell has none."""
    first = error.findings[0] if error.findings else None
    lines = _headline(_said(error), first)
    if isinstance(error, GateClosed) and was_shown(error.export):
        pass  # the report above lists them
    elif isinstance(error, GateClosed) or len(error.findings) > 1:
        lines += [(), *items([finding_item(f) for f in error.findings], COLUMNS)]
    else:
        lines += _message(error, first) + _cause(error, first)
    if error.detail:
        lines += [(), *(line("  ", text) for text in error.detail.splitlines())]
    colour = wants_colour()
    return [paint(spans, colour) for spans in [*lines, (), _ending(error)]]


def check_failure_lines(error: CheckFailed) -> list[str]:
    """Return `error` as lines for a notebook or a terminal; the findings are left out where a report shows them."""
    lines = _headline(error.headline, None)
    if not was_shown(error.check):
        lines += [(), *items([finding_item(finding) for finding in error.check.findings], COLUMNS)]
        lines += [(), *(line("  ", *part) for part in wrap(spans(_UNSHOWN), COLUMNS - 2))]
    colour = wants_colour()
    return [paint(each, colour) for each in lines]


def diff_failure_lines(error: DiffFound) -> list[str]:
    """Return `error` as lines for a notebook or a terminal: the headline, and the summary where no report shows it."""
    lines = _headline(error.headline, None)
    if not was_shown(error.diff):
        told = [part for said in (error.diff.summary, _UNSHOWN_DIFF) for part in wrap(spans(said), COLUMNS - 2)]
        lines += [(), *(line("  ", *part) for part in told)]
    colour = wants_colour()
    return [paint(each, colour) for each in lines]


def _said(error: ExportError) -> str:
    kept = "Not kept. " if isinstance(error, GateClosed) else "Not exported. "
    opening = "Not written. " if isinstance(error, WriteFailed) else kept
    return error.headline if error.headline.startswith("Not ") else opening + error.headline


def _headline(said: str, first: Finding | None) -> list[Line]:
    body = tuple(Span(s.text, "bad") if s.tone == "plain" else s for s in spans(said))
    code = line(Span("  "), Span(first.code, "code")) if first and first.code not in said else ()
    wrapped = wrap((*body, *code), COLUMNS - 2)
    sign = Span(f"{SIGNS['bad']} ", "bad")
    return [((sign if index == 0 else Span("  ")), *part) for index, part in enumerate(wrapped)]


def _message(error: ExportError, first: Finding | None) -> list[Line]:
    if first is None or first.message in error.headline:
        return []
    return [(), *(line("  ", *part) for part in wrap(spans(first.message), COLUMNS - 2))]


def _cause(error: ExportError, first: Finding | None) -> list[Line]:
    where = first.where if first and str(first.where) else error.where or Where()
    lines: list[Line] = []
    if str(where):
        function = f", in {where.function}" if where.function else ""
        lines += [(), line(f"  {where}{function}")]
        lines += [line("      ", Span(where.source, "code"))] if where.source else []
    label, advice = _advice(error, first)
    if advice:
        lines += [] if lines else [()]
        said = wrap(advice, COLUMNS - 2 - width((label,)))
        lines += [line("  ", label, *said[0]), *(line(" " * (2 + width((label,))), *part) for part in said[1:])]
    return lines


def _advice(error: ExportError, first: Finding | None) -> tuple[Span, Line]:
    fix = first.fix if first else None
    if fix is None or not fix.text:
        return Span("Instead:  ", "dim"), spans(error.advice)
    if is_code(fix):
        return Span("Write instead:  ", "dim"), (Span(fix.text, "code"),)
    return Span("Instead:  ", "dim"), fix_line(fix)


def _ending(error: ExportError) -> Line:
    kept = isinstance(error, GateClosed | WriteFailed)
    said = "  Nothing was written; a file that was there is as it was." if kept else "  Nothing was written."
    if error.__cause__ is not None:
        said += " The whole traceback: --traceback"
    return line(said, tone="dim")
