"""How calls are named in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["calls_named", "it", "listed", "unkept_named"]

MOST_NAMED = 6
"""Calls that are named by number; more are counted."""


def calls_named(numbers: Sequence[int]) -> str:
    """Return ``Call 2`` or ``Calls 2, 4 and 5`` or ``Calls 2, 3, 4, 5, 6 and 10 more``."""
    if len(numbers) == 1:
        return f"Call {numbers[0]}"
    if len(numbers) <= MOST_NAMED:
        return f"Calls {listed(numbers)}"
    few = ", ".join(str(number) for number in numbers[: MOST_NAMED - 1])
    return f"Calls {few} and {len(numbers) - MOST_NAMED + 1} more"


def unkept_named(count: int) -> str:
    """Return ``1 call that was not kept`` or ``20 calls that were not kept``."""
    return "1 call that was not kept" if count == 1 else f"{count:,} calls that were not kept"


def listed(things: Sequence[object], word: str = "and") -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    if len(things) < 2:
        return "".join(str(thing) for thing in things)
    return f"{', '.join(str(thing) for thing in things[:-1])} {word} {things[-1]}"


def it(count: int) -> str:
    """Return ``it is`` for one, ``they are`` for more."""
    return "it is" if count == 1 else "they are"
