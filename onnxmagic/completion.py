"""Tab completion on the magics' lines: options, their values, and where the call goes the notebook's models first.

Without it ``--op<TAB>`` offers ``open`` and ``%onnx_export mod<TAB>`` nothing at all. Inside the brackets of the call
IPython's own completion is right and is left alone. What a value may be is ``offers``'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from onnxmagic.errors import UsageMistake
from onnxmagic.line import split_line
from onnxmagic.modules import is_module, is_module_class
from onnxmagic.offers import choices, model_files, module_paths, results
from onnxmagic.options import CHECK_OPTIONS, DIFF_OPTIONS, EXPORT_OPTIONS, SHOW_OPTIONS, Option
from onnxmagic.parsing import parse_words

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["IDENTIFIER", "matcher"]

IDENTIFIER = "onnxmagic"
LINE = re.compile(
    r"(?:^|.*[=\s])(?P<percent>%{1,2})(?P<magic>onnx_export|onnx_check|onnx_show|onnx_diff)\s(?P<rest>.*)$", re.DOTALL
)
ATTRIBUTE = re.compile(r"(?P<owner>[A-Za-z_][\w.]*)\.(?P<start>\w*)")
TABLES = {
    "onnx_export": EXPORT_OPTIONS,
    "onnx_check": CHECK_OPTIONS,
    "onnx_show": SHOW_OPTIONS,
    "onnx_diff": DIFF_OPTIONS,
}
Found = tuple[str, list[tuple[str, str]]]
"""The text to replace, and what may stand there: text and kind."""


def matcher(shell: InteractiveShell) -> Callable[[CompletionContext], SimpleMatcherResult]:
    """Return the function that IPython's completer asks."""

    @context_matcher(identifier=IDENTIFIER)  # pyright: ignore[reportUntypedFunctionDecorator]  # IPython's own
    def onnxmagic_matcher(context: CompletionContext) -> SimpleMatcherResult:
        fragment, found = _complete(context.text_until_cursor, shell.user_ns)
        completions = [SimpleCompletion(text, type=kind) for text, kind in found]
        return {
            "completions": completions,
            "matched_fragment": fragment,
            "suppress": bool(found),
            "do_not_suppress": set(),
            "ordered": True,
        }

    return onnxmagic_matcher


def _complete(text: str, namespace: Mapping[str, Any]) -> Found:
    match = LINE.match(text)
    if not match:
        return "", []
    table = TABLES[match["magic"]]
    try:
        words = split_line(match["rest"]).words
    except UsageMistake:  # in an open bracket or quote
        return "", []
    *before, word = (*words, "") if not words or match["rest"][-1].isspace() else words
    option = _option(before[-1], table) if before else None
    subjects = _subjects_in(before, table)
    subject = " ".join(subjects)
    if option and option.value and not (option.implied and word.startswith("-")):
        return _values(option, word, namespace, subject)
    name, equals, value = word.partition("=")
    option = _option(name, table)
    if equals and option:
        return _values(option, value, namespace, subject)
    if word.startswith("-"):
        return word, [(s, "option") for o in table for s in o.spellings if s.startswith(word)]
    if len(subjects) >= (2 if table is DIFF_OPTIONS else 1):
        return "", []
    if match["percent"] == "%%":  # the models alone: what is below is called later
        return _models(word, namespace)
    return _subjects(word, namespace, files=table is not EXPORT_OPTIONS)


def _option(word: str, table: Sequence[Option]) -> Option | None:
    return next((option for option in table if word in option.spellings), None)


def _values(option: Option, text: str, namespace: Mapping[str, Any], subject: str) -> Found:
    """Return what may be written after `option`; of several with commas between, the last is completed."""
    if option.dest == "against":
        return _callables(text, namespace)
    start = text.rpartition(",")[2] if option.repeatable else text
    if option.dest == "open":
        return start, [(path, "value") for path in module_paths(start, subject, namespace)]
    return start, [(word, "value") for word in choices(option, start)]


def _subjects_in(before: Sequence[str], table: Sequence[Option]) -> list[str]:
    """Return the calls, files and values that stand among the words `before`."""
    option = _option(before[-1], table) if before else None
    complete = before[:-1] if option and option.value else before
    try:
        return parse_words(complete, table)[0]
    except UsageMistake:  # there is no such option
        return []


def _subjects(word: str, namespace: Mapping[str, Any], *, files: bool) -> Found:
    start, found = _callables(word, namespace)
    if not files:
        return start, found
    held = [(name, "instance") for name in results(word, namespace)]
    taken = {name for name, _ in held}
    paths = [(path, "path") for path in model_files(word)]
    return word, [*held, *(each for each in found if each[0] not in taken), *paths]


def _models(word: str, namespace: Mapping[str, Any]) -> Found:
    start, found = _callables(word, namespace)
    return start, [(name, kind) for name, kind in found if kind == "instance" and not name.endswith(".forward")]


def _callables(word: str, namespace: Mapping[str, Any]) -> Found:
    if match := ATTRIBUTE.fullmatch(word):
        return word, _children(match["owner"], match["start"], namespace)
    if not (word.isidentifier() or not word):
        return "", []
    names = [name for name in namespace if name.startswith(word) and (word.startswith("_") or name[0] != "_")]
    modules = [(name, "instance") for name in names if is_module(namespace[name])]
    classes = [(name, "class") for name in names if is_module_class(namespace[name])]
    taken = {name for name, _ in modules + classes}
    # Where nothing was typed only models are offered: a namespace is long.
    others = [(name, "instance") for name in sorted(names) if name not in taken] if word else []
    return word, sorted(modules) + sorted(classes) + others


def _children(owner: str, start: str, namespace: Mapping[str, Any]) -> list[tuple[str, str]]:
    root, *path = owner.split(".")
    module = namespace.get(root)
    for name in path:
        module = dict(module.named_children()).get(name) if is_module(module) else None
    if not is_module(module):
        return []
    children = [name for name, _ in module.named_children() if name.isidentifier()]
    return [(f"{owner}.{name}", "instance") for name in [*children, "forward"] if name.startswith(start)]
