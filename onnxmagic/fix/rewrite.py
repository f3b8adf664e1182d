"""What a rewrite is.

A rewrite is one module in ``fix/rewrites/`` with a docstring (what it changes, why the numbers stay or do not), a
``REWRITE`` and an ``apply``. Nothing else has to be registered. It works on ``onnx_ir.Model``, which torch's exporter
makes and which a file can be read into, and returns what it changed, a sentence each; nothing where nothing was to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Apply", "CannotRewrite", "Rewrite"]


class CannotRewrite(Exception):
    """What the model holds does not allow this rewrite; the message is the reason, one line."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A rewrite's place among the others.

    Attributes
    ----------
    name : str
        ``"dropout-to-identity"``.
    does : str
        For a person, one phrase: ``"live dropouts become Identity"``.
    codes : tuple of str
        The rules whose findings it mends; none where it answers a wish and no finding.
    safe : bool
        No number that the file computes in inference changes by it.
    asked : bool
        Only applied when it is named: it changes what users of the file see, for example a signature.
    """

    name: str
    does: str
    codes: tuple[str, ...]
    safe: bool = True
    asked: bool = False


Apply = Callable[[Any], Sequence[str]]
"""Changes an ``onnx_ir.Model`` in place and returns what was changed, a sentence each."""
