"""What the sections of a diff's report are made of, so that the same thing looks the same in all of them."""

from __future__ import annotations

from collections.abc import Iterator

from onnxmagic.view import words
from onnxmagic.view.parts import Column, Line, Part, Sentence, Span, line

__all__ = ["columns", "module", "more", "short"]


def columns(*titles: str) -> tuple[Column, ...]:
    """Return a table's columns; a star before its title marks one of numbers."""
    return tuple(Column(Span(title.removeprefix("*")), numeric=title.startswith("*")) for title in titles)


def module(path: str | None) -> Line:
    """Return a module, as a link into the drawing."""
    if path is None:
        return line("–", tone="dim")
    return (Span(short(path), "code", path, go=f"m:{path}"),) if path else line("the model itself", tone="dim")


def short(name: str, most: int = 48) -> str:
    """Return the end of a long name: names in a module all begin alike."""
    return name if len(name) <= most else f"…{name[1 - most :]}"


def more(left: int, noun: str, expression: str) -> Iterator[Part]:
    """Yield how many more there are, and the Python expression that has them all."""
    if left > 0:
        told = line(
            f"… and {words.whole(left, f'more {noun}')}; ", Span(expression, "code"), " has them all", tone="dim"
        )
        yield Sentence(told)
