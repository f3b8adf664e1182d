"""Floating-point operations of an ``Einsum``, from its equation and the shapes of its operands."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

__all__ = ["einsum"]


def einsum(equation: str, shapes: Sequence[tuple[int, ...]]) -> int:
    """Return the floating-point operations of `equation` on operands of `shapes`.

    The size of the space that all letters span, times the products per point (one less than there are operands) and
    one more where a letter is summed over. Source: ``flop_count`` in ``opt_einsum.helpers``, which counts that for one
    contraction; runtimes that contract operand by operand do less for three and more.

    Raises
    ------
    ValueError
        The equation is none, or does not fit the shapes.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(_letters(term, len(shape)), shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, size)) if size else 0
    # Without an arrow, what stands once is kept.
    kept = set(right.replace("...", "")) if arrow else {letter for letter in sizes if left.count(letter) == 1}
    summed = any(len(letter) == 1 and letter not in kept for letter in sizes)
    return prod(sizes.values()) * (len(terms) - 1 + summed)


def _letters(term: str, rank: int) -> list[str]:
    """Return a name for each axis of an operand; those of an ellipsis count from the right, as broadcasting does."""
    before, dots, after = term.partition("...")
    hidden = rank - len(before) - len(after) if dots else 0
    return [*before, *(f"...{place}" for place in range(hidden, 0, -1)), *after]
