"""The two that ``%onnx_diff`` compares, as they stand on its line: ``before.onnx after.onnx``, ``model(x) net.onnx``.

Each is read as ``%onnx_check`` reads its one. Words are told apart at blanks outside brackets and quotes, so two words
are the two; more are understood where only one way to part them makes sense, as in ``model (x) net.onnx``.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from typing import Any

from onnxmagic.call import Evaluate
from onnxmagic.errors import UsageMistake
from onnxmagic.line import unquote
from onnxmagic.subject import Verb, subject_of

__all__ = ["DIFF", "in_two", "pair_of"]


class _Diff(Verb):
    """``%onnx_diff``: it takes two, so its hints name two."""

    __slots__ = ()

    @property
    def hint(self) -> str:
        """What to write."""
        return f"{_WRITE} {self.magic} before.onnx after.onnx, {self.magic} model(x) net.onnx."

    def of(self, path: str) -> str:
        """Return how a file is written on the line of this verb."""
        return f"{self.magic} {path} other.onnx"


_WRITE = "Write two, each a file, a result or the call of a model:"
DIFF = _Diff("%onnx_diff", "compared")


def pair_of(
    words: tuple[str, ...], variables: dict[str, Any], evaluate: Evaluate, lineno: int
) -> tuple[tuple[Any, str | None], tuple[Any, str | None]]:
    """Return the two targets, each with what the report calls it; a file is called by its own name.

    A call of a model is ``(model, args, kwargs)``, and is not made.

    Raises
    ------
    UsageMistake
        There are no two, or one of them cannot be compared. What the user's own code raises is passed on.
    """
    first, second = in_two(words)
    return _target(first, variables, evaluate, lineno), _target(second, variables, evaluate, lineno)


def _target(
    words: tuple[str, ...], variables: dict[str, Any], evaluate: Evaluate, lineno: int
) -> tuple[Any, str | None]:
    subject, name = subject_of(words, variables, evaluate, lineno, DIFF)
    value, *example = subject
    return ((value, *example) if example else value), name


def in_two(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words of the first and those of the second.

    Raises
    ------
    UsageMistake
        They are not two, or not told apart.
    """
    # A comma between the two is no part of either.
    words = tuple(filter(None, (word.rstrip(",") for word in words)))
    if not words:
        raise UsageMistake(f"What is to be compared? {DIFF.hint}")
    if len(words) == 1:
        raise UsageMistake(_alone(words[0]))
    if len(words) == 2:
        return words[:1], words[1:]
    parted = [(words[:at], words[at:]) for at in range(1, len(words))]
    sensible = [(one, other) for one, other in parted if _is_one(one) and _is_one(other)]
    if len(sensible) == 1:
        return sensible[0]
    raise UsageMistake(_too_many(words))


def _alone(word: str) -> str:
    pieces = _elements(word)
    if len(pieces) == 2:
        return f"Write the two with a blank between: {DIFF.magic} {' '.join(pieces)}"
    return f"What is {word} to be compared with? Write: {DIFF.magic} {word} other.onnx"


def _elements(word: str) -> list[str]:
    """Return the two expressions with a comma between, as in ``a.onnx,b.onnx``."""
    try:
        node = ast.parse(word, mode="eval").body
    except SyntaxError:
        return []
    return [ast.unparse(each) for each in node.elts] if isinstance(node, ast.Tuple) else []


def _is_one(words: tuple[str, ...]) -> bool:
    """Return whether `words` can be one target: a single word, or an expression with blanks in it."""
    if len(words) == 1:
        return True
    try:
        ast.parse(" ".join(words), mode="eval")
    except SyntaxError:
        return False
    return True


def _too_many(words: tuple[str, ...]) -> str:
    if path := next(_paths_with_blanks(words), ""):
        return f'A path with blanks needs quotes: "{path}"'
    listed = ", ".join(words[:4])
    return f"Two are compared, and here are {len(words)} words: {listed}. Brackets or quotes keep together what is one."


def _paths_with_blanks(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the files that several of `words` name together."""
    for start in range(len(words)):
        for end in range(len(words), start + 1, -1):
            path = " ".join(words[start:end])
            if unquote(path) == path and os.path.isfile(os.path.expanduser(path)):  # noqa: PTH111, PTH113  # pathlib raises for some texts
                yield path
