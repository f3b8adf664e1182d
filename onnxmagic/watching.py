"""``%%onnx_export MODEL``: the cell runs as if the first line were not there, and the calls of MODEL are the examples.

Everything that can be wrong in the line is said before; what the cell itself shows, keeps and raises is its own. What
it raises ends all of it: then nothing is exported, and the recorder is gone.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onnxmagic.call import Call, short_name
from onnxmagic.cell import run_as_cell
from onnxmagic.errors import UsageMistake
from onnxmagic.modules import call_of
from onnxmagic.record import record
from onnxmagic.refusal import look_up

if TYPE_CHECKING:
    import torch
    from IPython.core.interactiveshell import InteractiveShell

    from onnxmagic.record.calls import Recording

__all__ = ["watched"]


def watched(
    shell: InteractiveShell,
    named: tuple[ast.expr, torch.nn.Module],
    body: tuple[ast.Module, str, bool],
    *,
    keep: int,
    budget: str,
) -> Call:
    """Run the cell, and return the model with the calls of it that the cell made.

    Parameters
    ----------
    named : ast.expr and torch.nn.Module
        What the user wrote for the model, and the model: whatever the name means after the cell.
    body : ast.Module, str and bool
        What ``cell.parse_body`` gave.
    keep, budget
        See ``onnxmagic.record``.

    Raises
    ------
    UsageMistake
        The cell made no call of it. What the cell raises is passed on.
    """
    node, model = named
    tree, name, silenced = body
    with record(model, keep=keep, budget=budget) as calls:
        run_as_cell(shell, tree.body, name, silenced=silenced)
    recording = calls.recording()
    if not recording.kept:
        raise UsageMistake(_no_call(node, recording, {**shell.user_global_ns, **shell.user_ns}))
    return Call(model, (), {}, short_name(node), {"calls": recording})


def _no_call(node: ast.expr, recording: Recording, namespace: Mapping[str, Any]) -> str:
    source = ast.unparse(node)
    if recording.total or recording.unkept:
        return f"No call of `{source}` was recorded. {' '.join(recording.unkept)}"
    if recording.failed:
        which = "its only call" if recording.failed == 1 else f"all {recording.failed} calls"
        return f"No call of `{source}` in the cell returned: {which} raised an error."
    said = f"No call of `{source}` happened in the cell; what is recorded are calls like"
    said = f"{said} {call_of(source, recording.model)}."
    if look_up(node, namespace) not in (None, recording.model):
        return f"{said} The cell made `{source}` anew: make it in a cell above."
    return (
        f"{said} Calls of a copy of it, of another model, or of `{source}.forward` by itself are not its calls: name "
        "the model that the cell calls."
    )
