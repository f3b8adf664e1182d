"""What two models may not differ in: ``--fail-on``, and ``Diff.assert_only``.

A gate lets nothing through that was not compared. Weights that could not be read, and outputs that were not run, count
as different there, and the message says that it is for this reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onnxmagic.check.wording import enumerated
from onnxmagic.diff.result import Diff, OutputsDiff
from onnxmagic.diff.summary import number, quantity, structure, weights
from onnxmagic.errors import DiffFound, UsageMistake

__all__ = ["KINDS", "LEVELS", "assert_only", "differences", "violations"]

KINDS: Final = ("structure", "signature", "weights", "outputs")
LEVELS: Final = ("breaking", "structure", "weights", "outputs", "any")


def violations(diff: Diff, level: str) -> str:
    """Return what `diff` holds that ``--fail-on LEVEL`` forbids, in words; empty when nothing.

    ``breaking`` forbids what may break a program that calls the model, ``structure`` that and every other difference of
    nodes, ``weights`` other values, ``outputs`` other results, ``any`` all of it.
    """
    if level not in LEVELS:
        raise UsageMistake(f"There is no level `{level}`: write one of {enumerated(LEVELS)}.")
    forbidden = {
        "breaking": (_breaking,),
        "structure": (_breaking, _structure),
        "weights": (_weights,),
        "outputs": (_outputs,),
        "any": (_signature, _structure, _weights, _outputs_if_run),
    }
    return "; ".join(filter(None, (each(diff) for each in forbidden[level])))


def assert_only(diff: Diff, allowed: Sequence[str]) -> None:
    """Raise ``DiffFound`` when the two differ in more than what is `allowed`, which are some of ``KINDS``."""
    found = "; ".join(text for kind, text in differences(diff).items() if text and kind not in allowed)
    if found:
        may = f"only {enumerated(list(allowed))} may" if allowed else "nothing may"
        raise DiffFound(f"{may} differ between {diff.a.name} and {diff.b.name}, but: {found}", diff)


def differences(diff: Diff) -> dict[str, str]:
    """Return what differs by kind, in words; empty texts where nothing does. Outputs count where they were run."""
    texts = _structure(diff), _signature(diff), _weights(diff), _outputs_if_run(diff)
    return dict(zip(KINDS, texts, strict=True))


def _breaking(diff: Diff) -> str:
    changes = [f"{change.what}: {_change(change.before, change.after)}" for change in diff.signature.breaking]
    return _most(changes)


def _signature(diff: Diff) -> str:
    return _most([f"{change.what}: {_change(change.before, change.after)}" for change in diff.signature.changes])


def _change(before: str, after: str) -> str:
    if not before:
        return f"added ({after})"
    return f"{before} became {after}" if after else "removed"


def _structure(diff: Diff) -> str:
    return structure(diff.nodes, diff.regions)


def _weights(diff: Diff) -> str:
    told = weights(diff.weights)
    count = sum(any(each.kind == "weight" for each in change.changes) for change in diff.nodes.changed)
    return told or (f"{quantity(count, 'node')} with other weights" if count else "")


def _outputs(diff: Diff) -> str:
    if not diff.outputs.compared:
        return f"the outputs were not compared: {diff.outputs.reason}"
    return _apart(diff.outputs)


def _outputs_if_run(diff: Diff) -> str:
    return _apart(diff.outputs) if diff.outputs.compared else ""


def _apart(outputs: OutputsDiff) -> str:
    worse = [
        change
        for change in outputs.outputs
        if not change.max_rel <= outputs.tolerance or change.nan[0] != change.nan[1]
    ]
    if not worse:
        return ""
    worst = max(worse, key=lambda change: change.max_abs)
    beyond = f"{quantity(len(worse), 'output')} apart by more than {number(outputs.tolerance)} of its largest value"
    return f"{beyond}, at most {number(worst.max_abs)}"


def _most(texts: Sequence[str]) -> str:
    return "; ".join([*texts[:3], *([f"and {len(texts) - 3} more"] if len(texts) > 3 else [])])
