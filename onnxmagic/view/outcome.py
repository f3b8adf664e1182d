"""What became of a fix that was asked for with a button, to be shown below its finding.

There is no cell that could fail here, so whatever goes wrong is said in place.
"""

from __future__ import annotations

from collections.abc import Callable

from onnxmagic.errors import OnnxMagicError
from onnxmagic.examine.result import Check
from onnxmagic.view import words
from onnxmagic.view.check_verdict import check_verdict
from onnxmagic.view.html import element
from onnxmagic.view.markup import Markup, joined
from onnxmagic.view.parts import Sentence, Span, line

__all__ = ["outcome"]


def outcome(apply: Callable[[str], Check], rewrite: str) -> Markup:
    """Apply `rewrite` and return what became of it."""
    return joined(tuple(element(sentence) for sentence in _sentences(apply, rewrite)))


def _sentences(apply: Callable[[str], Check], rewrite: str) -> list[Sentence]:
    try:
        check = apply(rewrite)
    except OnnxMagicError as error:
        return [_failed(str(error))]
    except KeyboardInterrupt:
        return [_failed("It was interrupted.")]
    except Exception as error:  # noqa: BLE001  # shown here; nobody else would ever see it
        return [_failed(f"{type(error).__name__}: {error}")]
    return _told(check)


def _failed(why: str) -> Sentence:
    return Sentence((Span("Not fixed. "), *words.spans(words.stop(why))), "bad")


def _told(check: Check) -> list[Sentence]:
    left = [Sentence(words.dim(words.spans(reason)), "info") for reason in check.untried]
    if not check.changes or check.path is None:
        return left or [_failed("There was nothing to change.")]
    sign, sentence = check_verdict(check)
    return [
        *(Sentence(words.spans(change), "ok") for change in check.changes),
        Sentence(line("Written to ", Span(str(check.path), "code"), "; the old file is as it was.")),
        Sentence(line("The new file: ", *words.spans(sentence)), sign),
        *left,
    ]
