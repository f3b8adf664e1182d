"""The errors that people meet from PyTorch, the ONNX checker and ONNX Runtime, each with its cause and its cure.

They are written once, in ``errors.md`` beside this file, since it must reach whoever installed the package and has
neither the repository nor a network; the docs hold a copy. The indented lines of an entry are the texts it is
recognised by, so the page cannot show one text and the code look for another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from onnxmagic.check import catalogue
from onnxmagic.errors import UsageMistake

__all__ = ["KnownError", "explain", "known_error", "known_errors", "see"]

FILE = Path(__file__).with_name("errors.md")
HOLE = "…"


@dataclass(frozen=True, slots=True)
class KnownError:
    """One entry.

    Attributes
    ----------
    title : str
    source : str
        Who raises it, ``"From ONNX Runtime"``.
    texts : tuple of str
        What it says; ``…`` stands for anything.
    body : str
        The entry's Markdown, without its title.
    """

    title: str
    source: str
    texts: tuple[str, ...]
    body: str

    @property
    def name(self) -> str:
        """What ``--explain`` takes, and the page's anchor: ``"got-invalid-dimensions-for-input"``."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def says(self, text: str) -> bool:
        """Return whether `text`, on one line and in lower case, holds one of the texts."""
        return any(_holds(text, [piece.strip() for piece in known.lower().split(HOLE)]) for known in self.texts)


@cache
def known_errors() -> tuple[KnownError, ...]:
    """Return the entries, in the order of the page."""
    found: list[KnownError] = []
    source = ""
    for part in re.split(r"^(?=##+ )", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        level, _, title = head.partition(" ")
        if level == "##":
            source = title
        else:
            texts = tuple(line.strip() for line in body.splitlines() if line.startswith("    "))
            found.append(KnownError(title, source, texts, body.strip("\n")))
    return tuple(found)


def known_error(text: str) -> KnownError | None:
    """Return the entry for an error's text or, by its name or title, an entry; None when there is none.

    Where several fit, the one with the longest text that was found decides: it says most.
    """
    line = " ".join(text.lower().split())
    by_name = next((known for known in known_errors() if line in {known.name, known.title.lower()}), None)
    fitting = [known for known in known_errors() if known.says(line)]
    return by_name or max(fitting, key=lambda known: _length(known, line), default=None)


def see(text: str) -> str:
    """Return a sentence that leads from an error's text, quoted in a message, to its entry; empty without one."""
    known = known_error(text)
    return f" Cause and cure: `%onnx_check --explain {known.name}`." if known else ""


def explain(asked: str) -> str:
    """Return what is known of a rule (its code or name) or of an error (its text, or its entry's name), as text.

    ``"errors"`` lists the names of the entries.

    Raises
    ------
    UsageMistake
        It is neither.
    """
    if asked.strip().lower() == "errors":
        return "".join(f"{known.name:45} {known.source.lower()}\n" for known in known_errors())
    try:
        return catalogue.explain(asked)
    except UsageMistake:
        known = known_error(asked)
        if known is None and " " in asked.strip():
            raise UsageMistake(
                "That is no rule and no error text that is known here; --explain errors lists those that are."
            ) from None
        if known is None:
            raise
    body = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", known.body).replace("**", "")
    return f"{known.title} ({known.source[0].lower()}{known.source[1:]})\n\n{body}\n"


def _holds(text: str, pieces: list[str]) -> bool:
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _length(known: KnownError, line: str) -> int:
    return max(len(text) for text in known.texts if _holds(line, [p.strip() for p in text.lower().split(HOLE)]))
