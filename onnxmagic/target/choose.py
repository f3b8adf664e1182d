"""The opset and the IR version of a file that all its targets read.

The highest opset that all of them read, but none above the exporter's usual one: newer operators (opset 23's
``Attention``) are what other stacks lack most, and accepting a number proves nothing. The IR version only names which
fields of the format may be used, so the lowest of the targets' limits is right wherever the file needs no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from onnxmagic.target.target import Target

__all__ = ["Choice", "choose"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to write, and why.

    Attributes
    ----------
    opset : int
    highest_ir : int or None
        The newest IR version that all targets read; None when none of them is known to stop anywhere.
    opset_reason, ir_reason : str
        A clause each; empty when nobody asked for anything.
    undecided : tuple of str
        What could not take part in the choice, a sentence each.
    """

    opset: int
    highest_ir: int | None = None
    opset_reason: str = ""
    ir_reason: str = ""
    undecided: tuple[str, ...] = ()


def choose(targets: Sequence[Target], *, usual_opset: int, usual_ir: int, asked_opset: int | None = None) -> Choice:
    """Return the opset and IR version that fit all `targets`.

    Parameters
    ----------
    targets : sequence of Target
        Those of which nothing is known do not decide.
    usual_opset, usual_ir : int
        What is written when nobody asks.
    asked_opset : int, optional
        What the user asked for; it is not changed.
    """
    if not targets:
        return Choice(usual_opset) if asked_opset is None else Choice(asked_opset, opset_reason="asked for")
    opsets = [(t.highest_opset, f"{t} reads none above it ({t.opset_fact})", t) for t in targets if t.highest_opset]
    opsets += [(t.whole_opset, f"{t} lacks operators above it ({t.whole_fact})", t) for t in targets if t.whole_opset]
    irs = [(t.highest_ir, f"{t} reads none above it ({t.ir_fact})", t) for t in targets if t.highest_ir]
    opset, why_opset = _fitting(opsets, usual_opset)
    ir, why_ir = _fitting(irs, usual_ir)
    if asked_opset is not None:
        opset, why_opset = asked_opset, "asked for"
    return Choice(opset, ir if irs else None, why_opset, why_ir, _undecided(targets))


def _fitting(limits: Sequence[tuple[int, str, Target]], usual: int) -> tuple[int, str]:
    """Return the usual number, or the lowest of the `limits` where that is below it, and why."""
    if not limits:
        return usual, "the usual one, since nothing is known that speaks against it"
    number, why, _ = min(limits, key=lambda limit: limit[0])
    if number < usual:
        return number, why
    readers = list(dict.fromkeys(str(target) for _, _, target in limits))
    who = " and ".join(filter(None, [", ".join(readers[:-1]), readers[-1]]))
    return usual, f"the usual one, which {who} read{'s' if len(readers) == 1 else ''}"


def _undecided(targets: Sequence[Target]) -> tuple[str, ...]:
    """Name the targets that could not take part, and what was put in the place of an unknown version."""
    said = [target.said for target in targets if target.said]
    silent = [str(t) for t in targets if t.highest_opset is None and not t.said]
    if silent:
        said.append(f"Which opset {' and '.join(silent)} reads is not known here, so it did not decide.")
    return tuple(said)
