"""A sentence in pieces, each with the place in the models that it speaks of.

Text and JSON have the sentence whole; a page makes links of the pieces. So both are one, and no page has to look for
names in a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

__all__ = ["Clause", "capital", "in_a_row", "joined", "written"]


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a sentence.

    Attributes
    ----------
    text : str
        Plain text, with code in backticks.
    place : str
        ``"a12"`` for node 12 of the first model (``AtNode.index``), ``"b12"`` for one of the second, ``"w:NAME"`` for
        who computes with this weight of the first; ``""`` for none.
    """

    text: str
    place: str = ""


def written(clauses: Sequence[Clause]) -> str:
    """Return the sentence."""
    return "".join(clause.text for clause in clauses)


def joined(parts: Sequence[Sequence[Clause]], between: str) -> list[Clause]:
    """Return the parts that hold something, with a text between every two."""
    full = [part for part in parts if part]
    return list(chain.from_iterable([*([Clause(between)] if place else []), *part] for place, part in enumerate(full)))


def in_a_row(clauses: Sequence[Clause]) -> list[Clause]:
    """Return clauses as ``"a, b and c"``."""
    return joined([joined([[clause] for clause in clauses[:-1]], ", "), list(clauses[-1:])], " and ")


def capital(clauses: Sequence[Clause]) -> list[Clause]:
    """Return a sentence with a capital letter at its start."""
    first, *rest = clauses
    return [replace(first, text=f"{first.text[0].upper()}{first.text[1:]}"), *rest]
