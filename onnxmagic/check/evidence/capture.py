"""After a capture that failed or went another way: torch's long errors, taken apart once for all rules."""

from __future__ import annotations

from dataclasses import dataclass

from onnxmagic.check.finding import Where

__all__ = ["CaptureEvidence", "Untranslated"]


@dataclass(frozen=True, slots=True)
class Untranslated:
    """One operator the exporter has no ONNX translation for; ``target`` is like ``"aten.linalg_inv_ex.default"``."""

    target: str
    where: Where = Where()
    count: int = 1


@dataclass(frozen=True, slots=True)
class CaptureEvidence:
    """The capture, when it failed or had to be done in another way.

    Attributes
    ----------
    data_dependent : str
        The condition or size that depends on tensor values, as torch writes it; empty when that was not the cause.
    where : Where
        The user's line for it.
    untranslated : tuple of Untranslated
        All operators without a translation.
    optimizer_error : str
        Why the optimiser gave up, one line; empty when it did not.
    static_after : str
        An axis was made static because the exporter refused it: its message, one line.
    """

    data_dependent: str = ""
    where: Where = Where()
    untranslated: tuple[Untranslated, ...] = ()
    optimizer_error: str = ""
    static_after: str = ""
