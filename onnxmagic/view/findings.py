"""A finding as a part: what is wrong, where it is, and what to do about it.

What a person can do is a button in a live view: a rewrite of the graph is done by Python, into a new file; an option or
a line of code is copied, because it belongs into the user's own cell, which nobody else may edit.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable

from onnxmagic.check.finding import Finding, Fix, Severity
from onnxmagic.view import words
from onnxmagic.view.parts import Action, Explanation, Item, Line, Sign, Span, line

__all__ = ["Offer", "finding_item", "fix_line", "is_code"]

Offer = Callable[[str], "tuple[str, str]"]
"""From a rewrite's name to the words of its button, and what it says before; empty words where nothing is offered."""

_SEVERITY: dict[Severity, Sign] = {"error": "bad", "warning": "warn", "info": "info"}


def finding_item(
    finding: Finding,
    key: str = "",
    about: Explanation | None = None,
    *,
    module: str = "",
    offer: Offer | None = None,
    node: str = "",
) -> Item:
    """Return one finding as a part: message, then place, source line and cure.

    Parameters
    ----------
    finding : Finding
    key : str
        Its name in a live view.
    about : Explanation, optional
    module : str
        Key of its module's branch in the tree.
    offer : callable, optional
        From a rewrite's name to the words of its button, and what that says before it is pressed.
    node : str
        Key of its node in the drawing.
    """
    place, cure = _place(finding), _cure(finding)
    # Code to write instead gets a line of its own, to be copied whole.
    apart = finding.fix is not None and is_code(finding.fix)
    more = tuple(_joined(pieces) for pieces in ([place, cure] if apart else [place + cure]) if pieces)
    return Item(
        key,
        _SEVERITY[finding.severity],
        Span(finding.code, "code"),
        Span(finding.name, "dim"),
        words.spans(finding.message),
        more,
        about,
        module,
        _actions(finding.fix, offer or _nothing_offered),
        node,
    )


def _place(finding: Finding) -> list[Line]:
    where = finding.where
    pieces: list[Line] = []
    if str(where):
        function = f" in {where.function}" if where.function else ""
        pieces.append(line(f"{where}{function}", tone="dim"))
    if where.source:
        pieces.append((Span(where.source, "code"),))
    if where.module and where.module not in finding.message:
        pieces.append((Span("module ", "dim"), Span(where.module, "code")))
    if not pieces and where.node and where.node not in finding.message:
        pieces.append((Span("node ", "dim"), Span(where.node, "code")))
    # Where there is no line the message names the places itself.
    if finding.count > 1 and str(where):
        pieces.append(line(f"{finding.count} places", tone="dim"))
    return pieces


def _cure(finding: Finding) -> list[Line]:
    if finding.fix is None:
        return []
    if is_code(finding.fix):
        return [(Span("write instead  ", "dim"), Span(finding.fix.text, "code"))]
    return [words.dim(fix_line(finding.fix))]


def _nothing_offered(_rewrite: str) -> tuple[str, str]:
    return "", ""


def _actions(fix: Fix | None, offer: Offer) -> tuple[Action, ...]:
    if fix is None:
        return ()
    actions: list[Action] = []
    label, title = offer(fix.rewrite) if fix.rewrite else ("", "")
    if fix.rewrite and label:
        actions.append(Action("apply", label, fix.rewrite, title))
    if is_code(fix):
        advice = "write it in your own code, and run the cell again"
        actions.append(Action("copy", "Copy code", fix.text, fix.text, advice))
    elif option := _option(fix, applied=bool(label)):
        advice = "add it to the line of %onnx_export, and run the cell again"
        actions.append(Action("copy", f"Copy {option}", option, advice, advice))
    return tuple(actions)


def _option(fix: Fix, applied: bool) -> str | None:
    """Return the option to copy; an automatic fix has none, for its option takes the fix back."""
    if fix.rewrite:
        return None if applied else f"--fix {fix.rewrite}"
    return fix.option if fix.kind == "option" else None


def is_code(fix: Fix) -> bool:
    """Return whether the text of `fix` can be copied into a cell as it is; some say in words what to write."""
    if fix.kind != "code":
        return False
    # The text may hold a model's names: Python must neither warn of what it reads there nor fail on it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(fix.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def fix_line(fix: Fix) -> Line:
    """Return a fix in words, its option at the end: ``keep it with --train``, ``one size is meant: --static``."""
    if not fix.option or fix.option in fix.text:
        return words.spans(fix.text)
    between = " " if fix.text.endswith(" with") else ": " if fix.text else ""
    return (*words.spans(fix.text), Span(between), Span(fix.option, "code"))


def _joined(pieces: list[Line]) -> Line:
    joined: list[Span] = []
    for piece in pieces:
        joined += [Span(" · ", "dim"), *piece] if joined else piece
    return tuple(joined)
